// See cp_backdoor.h. None of this is in a release.
#ifdef CL_BACKDOOR
#define _GNU_SOURCE
#include "cp_backdoor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CProbe.h"

static void show(int to, const char *name, const struct cp_outcome *out) {
  struct cp_buffer line = {0};
  cp_append_outcome(&line, name, out);
  cp_append(&line, "\n", 1);
  if (write(to, line.bytes, line.length) < 0) _exit(1);
  free(line.bytes);
}

static void show_result(int to, const char *name, long result) {
  struct cp_outcome out = {.word = result < 0 ? "refused" : "done", .error = result < 0 ? errno : 0};
  snprintf(out.detail, sizeof out.detail, "%ld", result);
  show(to, name, &out);
}

static long argument(const struct cp_backdoor *ends, const char *word) {
  // As a path it names nothing: an unconfined relay of root's can do what it is told.
  static char text[4096] = "no/such/file/anywhere";
  if (word == NULL) return 0;
  if (strcmp(word, "control") == 0) return ends->control;
  if (strcmp(word, "audit") == 0) return ends->audit;
  if (strcmp(word, "error") == 0) return ends->error;
  if (strcmp(word, "client") == 0) return ends->client;
  if (strcmp(word, "text") == 0) return (long)(uintptr_t)text;
  return (long)strtoull(word, NULL, 0);
}

static void call(const struct cp_backdoor *ends, char *words) {
  char *next = NULL, *name = strtok_r(words, " ", &next);
  long arguments[6];
  for (int index = 0; index < 6; index++)
    arguments[index] = argument(ends, strtok_r(NULL, " ", &next));
  long result = syscall(strtol(name, NULL, 0), arguments[0], arguments[1], arguments[2],
                        arguments[3], arguments[4], arguments[5]);
  show_result(ends->error, name, result);
}

static size_t from_hex(char *digits) {
  size_t length = strlen(digits) / 2;
  for (size_t index = 0; index < length; index++) {
    char pair[3] = {digits[2 * index], digits[2 * index + 1], 0};
    digits[index] = (char)strtol(pair, NULL, 16);
  }
  return length;
}

static void say(const struct cp_backdoor *ends, char *words) {
  char *next = NULL, *hex = strtok_r(words, " ", &next), *times = strtok_r(NULL, " ", &next);
  size_t length = strcmp(hex, "-") == 0 ? 0 : from_hex(hex);
  ssize_t count = 0;
  for (long left = times == NULL ? 1 : atol(times); left > 0 && count >= 0; left--)
    count = write(ends->control, hex, length);
  show_result(ends->error, "say", count);
}

// Waits until the monitor says something, or hangs up, and then says this and no more.
static void say_after(const struct cp_backdoor *ends, char *hex) {
  struct pollfd monitor = {.fd = ends->control, .events = POLLIN};
  size_t length = from_hex(hex);
  show_result(ends->error, "begin", 0);
  poll(&monitor, 1, -1);
  if (write(ends->control, hex, length) < 0) _exit(1);
  for (;;) poll(NULL, 0, -1);
}

static void hand(const struct cp_backdoor *ends, char *hex) {
  struct iovec part = {.iov_base = hex, .iov_len = from_hex(hex)};
  union {
    char space[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } rights = {{0}};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights,
                           .msg_controllen = sizeof rights};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &ends->control, sizeof(int));
  show_result(ends->error, "hand", sendmsg(ends->control, &message, 0));
}

bool cp_backdoor(const struct cp_backdoor *ends, const char *line, size_t length) {
  static const char start[] = "backdoor ";
  size_t used = sizeof start - 1;
  if (length < used || memcmp(line, start, used) != 0) return false;
  char *words = strndup(line + used, length - used);
  if (words == NULL) _exit(1);
  if (strncmp(words, "try ", 4) == 0) {
    struct cp_outcome out;
    // Seen when the attempt is the end: then it was made, and nothing else came of it.
    show_result(ends->error, "begin", 0);
    cp_attempt(words + 4, &out);
    show(ends->error, words + 4, &out);
  } else if (strncmp(words, "call ", 5) == 0) {
    show_result(ends->error, "begin", 0);
    call(ends, words + 5);
  } else if (strncmp(words, "say ", 4) == 0) {
    say(ends, words + 4);
  } else if (strncmp(words, "after ", 6) == 0) {
    say_after(ends, words + 6);
  } else if (strncmp(words, "hand ", 5) == 0) {
    show_result(ends->error, "begin", 0);
    hand(ends, words + 5);
  } else if (strcmp(words, "deaf") == 0) {
    for (;;) poll(NULL, 0, -1);
  } else if (strcmp(words, "spin") == 0) {
    for (volatile int forever = 1; forever;) continue;
  }
  free(words);
  return true;
}
#endif

// Making attempts one after the other: in the cell, and outside of it as their controls.
#define _GNU_SOURCE
#include "CProbe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

// What one attempt may take; a hang is told from an answer.
#define SECONDS_EACH 2
#define MOST_REQUESTS (1 << 18)

static bool send_all(int output, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(output, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool receive_all(int input, struct cp_buffer *requests) {
  for (;;) {
    char part[4096];
    ssize_t count = read(input, part, sizeof part);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || requests->length > MOST_REQUESTS) return false;
    if (count == 0) return true;
    cp_append(requests, part, (size_t)count);
  }
}

int cp_run(int input, int output) {
  struct cp_buffer requests = {0};
  cp_look_at_start();
  if (!receive_all(input, &requests)) return 1;
  if (requests.length > 0 && requests.bytes[requests.length - 1] != 0) return 1;
  for (size_t at = 0; at < requests.length;) {
    const char *name = requests.bytes + at;
    at += strlen(name) + 1;
    struct cp_outcome out;
    struct cp_buffer line = {0};
    cp_attempt_apart(name, &out, SECONDS_EACH);
    cp_append_outcome(&line, name, &out);
    cp_append(&line, "\n", 1);
    if (!send_all(output, line.bytes, line.length)) return 1;
    free(line.bytes);
  }
  free(requests.bytes);
  return 0;
}

// Decided before the Swift runtime starts, because there may be no /proc to find it by, and so that
// nothing but this file runs in the cell.
__attribute__((constructor(101))) static void become_probe(int count, char **arguments) {
  if (count < 1 || count > 2 || strcmp(arguments[0], CP_PROBE_NAME) != 0) return;
  // The attempts use relative names for what they make; the cell's own space is here, or it started
  // there.
  bool here = count == 2 && strcmp(arguments[1], CP_PROBE_HERE) == 0;
  if (!here && chdir("/tmp") != 0) _exit(1);
  _exit(cp_run(0, 1));
}

// ---- controls -------------------------------------------------------------------------------

static bool write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  bool written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
  if (file >= 0) close(file);
  return written;
}

// Everything that a cell has of its own, but nothing given up: whoever is refused for want of a
// right may have it here, over nothing that matters.
static bool enter_namespaces(void) {
  char users[64], groups[64];
  snprintf(users, sizeof users, "0 %u 1", geteuid());
  snprintf(groups, sizeof groups, "0 %u 1", getegid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) != 0)
    return false;
  return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", users) &&
         write_file("/proc/self/gid_map", groups);
}

_Noreturn void cp_run_control(int input, int output, const char *scratch, bool apart) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int number = 1; number < 65; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  umask(077);
  // No terminal of the caller is in reach of what comes, and none of its streams.
  if (setsid() == -1) _exit(1);
  int null = open("/dev/null", O_RDWR);
  input = fcntl(input, F_DUPFD, 3);
  output = fcntl(output, F_DUPFD, 3);
  if (null < 0 || input < 0 || output < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++)
    if (dup2(null, fd) < 0) _exit(1);
  if (chdir(scratch) != 0) _exit(1);
  setenv("ANCHORHOLD_VERIFY_PLANTED", "1", 1);
  if (apart && !enter_namespaces()) _exit(2);
  _exit(cp_run(input, output));
}

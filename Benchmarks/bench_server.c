// A server that costs as little as a server can: what is measured is what stands before it.
// It answers initialize, ping, tools/list, and calls of echo, big, text, sized (a result of `limit`
// bytes), work, cheap and refused.
//   --filter   under a filter of one instruction, which allows everything: what the kernel takes for
//              having one
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIG (1 << 20)
#define MOST (10 << 20)
#define HEAD 128

static char input[12 << 20];
static size_t looked;
static size_t filled;
static char *plain, *lines, *most;
static const char *self;

static void send_all(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(1, bytes, length);
    if (count < 0 && errno != EINTR) _exit(0);
    if (count > 0) bytes += count, length -= (size_t)count;
  }
}

// One write for each answer, as real servers do.
static void answer(const char *id, size_t length, const char *result) {
  char line[9216];
  int size = snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}\n",
                      (int)length, id, result);
  send_all(line, (size_t)size);
}

// The big results stand ready behind HEAD bytes of room for their beginning.
static char *prepare(int with_line_ends) {
  char *bytes = malloc(HEAD + BIG + 64);
  for (size_t i = 0; i < BIG; i++) {
    bytes[HEAD + i] = (char)('a' + i % 26);
    if (with_line_ends && i % 80 == 78) bytes[HEAD + i] = '\\';
    if (with_line_ends && i % 80 == 79) bytes[HEAD + i] = 'n';
  }
  strcpy(bytes + HEAD + BIG, "\"}]}}\n");
  return bytes;
}

// A result of so many bytes in all, from one buffer that is terminated where it has to end.
static void answer_sized(const char *id, size_t length, size_t size) {
  if (size > MOST || size < HEAD) _exit(1);
  if (most == NULL) {
    most = malloc(MOST + HEAD);
    memset(most, 'a', MOST + HEAD);
  }
  char kept[8];
  int head = sprintf(most, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":"
                     "[{\"type\":\"text\",\"text\":\"", (int)length, id);
  most[head] = 'a';
  memcpy(kept, most + size, 6);
  memcpy(most + size, "\"}]}}\n", 6);
  send_all(most, size + 6);
  memcpy(most + size, kept, 6);
}

static void answer_big(const char *id, size_t length, char *bytes) {
  char head[HEAD];
  int size = snprintf(head, sizeof head, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":"
                      "[{\"type\":\"text\",\"text\":\"", (int)length, id);
  memcpy(bytes + HEAD - size, head, (size_t)size);
  send_all(bytes + HEAD - size, (size_t)size + BIG + 6);
}

// What servers spend system calls on: open a file, look at it, read it, close it.
static void work(long times) {
  char part[4096];
  struct stat about;
  for (long i = 0; i < times; i++) {
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0 || read(fd, part, sizeof part) < 0) _exit(1);
    close(fd);
  }
}

// The cheapest calls there are, which every filter lets through whatever their arguments.
static void cheap(long times) {
  for (long i = 0; i < times; i++) {
    syscall(SYS_getppid);
    lseek(0, 0, SEEK_CUR);
  }
}

// Outside the kernel says that there is no such descriptor; the filter does not let it come to that.
static void refused(long times) {
  for (long i = 0; i < times; i++)
    if (fchown(-1, 0, 0) == 0) _exit(1);
}

static void filter(void) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = 1, .filter = &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    _exit(1);
}

// The tools with a schema of the kind that real servers give, which a proxy may hold calls to.
static void answer_list(const char *id, size_t size) {
  static const char *names[] = {"echo", "big", "text", "sized", "work", "cheap", "refused"};
  char list[8192] = "{\"tools\":[";
  size_t used = strlen(list);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    used += (size_t)snprintf(list + used, sizeof list - used,
        "%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
        "\"path\":{\"type\":\"string\",\"description\":\"The file\"},"
        "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10485760,\"default\":10},"
        "\"pattern\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null}},"
        "\"required\":[\"path\"]}}", i > 0 ? "," : "", names[i]);
  snprintf(list + used, sizeof list - used, "]}");
  answer(id, size, list);
}

static void handle(char *line, size_t length) {
  line[length] = 0;
  char *id = strstr(line, "\"id\":"), *method = strstr(line, "\"method\":\"");
  if (id == NULL || method == NULL) return;
  id += 5;
  method += 10;
  size_t size = strcspn(id, ",}");
  if (strncmp(method, "tools/call\"", 11) == 0) {
    if (strstr(line, "\"name\":\"big\"")) answer_big(id, size, plain);
    else if (strstr(line, "\"name\":\"text\"")) answer_big(id, size, lines);
    else if (strstr(line, "\"name\":\"sized\"")) {
      char *limit = strstr(line, "\"limit\":");
      answer_sized(id, size, limit == NULL ? 0 : (size_t)atol(limit + 8));
    }
    else {
      if (strstr(line, "\"name\":\"work\"")) work(20000);
      if (strstr(line, "\"name\":\"cheap\"")) cheap(100000);
      if (strstr(line, "\"name\":\"refused\"")) refused(2000);
      answer(id, size, "{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}");
    }
  } else if (strncmp(method, "initialize\"", 11) == 0) {
    answer(id, size, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
                     "\"serverInfo\":{\"name\":\"bench\",\"version\":\"1\"}}");
  } else if (strncmp(method, "tools/list\"", 11) == 0) {
    answer_list(id, size);
  } else {
    answer(id, size, "{}");
  }
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc > 1 && strcmp(argv[1], "--filter") == 0) filter();
  for (;;) {
    ssize_t count = read(0, input + filled, sizeof input - 1 - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    filled += (size_t)count;
    if (plain == NULL && memmem(input, filled, "tools/call", 10) != NULL) {
      plain = prepare(0);
      lines = prepare(1);
    }
    char *start = input, *end;
    // A line of megabytes comes in many reads; what was looked at is not looked at again.
    char *from = input + looked;
    while ((end = memchr(from, '\n', filled - (size_t)(from - input))) != NULL) {
      handle(start, (size_t)(end - start));
      from = start = end + 1;
    }
    filled -= (size_t)(start - input);
    looked = filled;
    if (start > input) memmove(input, start, filled);
    }
}

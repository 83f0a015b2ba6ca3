// The client: starts a command, speaks MCP to it, and prints one figure set as JSON.
//   load start 1 COMMAND...    microseconds from before fork to the answer of initialize
//   load trip N COMMAND...     N calls one after the other: p50 and p99 in microseconds
//   load flight N COMMAND...   N calls with 64 in flight: calls per second
//   load flight=W N COMMAND... the same with W in flight
//   load down=B N COMMAND...   N calls with a result of B bytes: p50 and p99 in microseconds
//   load up=B N COMMAND...     N calls of B bytes: the same
//   load big N COMMAND...      N results of 1 MiB: bytes per second (text: with line ends in them)
//   load work N COMMAND...     N calls of the tool that makes 80,000 system calls: seconds each
//   load cheap N COMMAND...    N calls of the tool that makes 200,000 of the cheapest system calls
//   load refused N COMMAND...  N calls of the tool that makes 2,000 calls that a cell refuses
//   load hold N COMMAND...     N calls, then waits for the end of its own input
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long window = 64;
static int to_server, from_server;
static char input[1 << 18];
static size_t filled, scanned;
static uint64_t received;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void fail(const char *why) {
  fprintf(stderr, "load: %s\n", why);
  exit(1);
}

static void send_bytes(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(to_server, bytes, length);
    if (count < 0 && errno != EINTR) fail("the server is gone");
    if (count > 0) bytes += count, length -= (size_t)count;
  }
}

static size_t put_call(char *to, long id, const char *tool) {
  return (size_t)sprintf(to, "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/call\",\"params\":"
                         "{\"name\":\"%s\",\"arguments\":{\"path\":\"/srv/data/report.txt\","
                         "\"limit\":10}}}\n", id, tool);
}

// Waits for whole lines and counts them; each beginning is looked at, so that errors do not pass.
static long receive(void) {
  long lines = 0;
  while (lines == 0) {
    ssize_t count = read(from_server, input + filled, sizeof input - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("the server ended");
    received += (uint64_t)count;
    filled += (size_t)count;
    char *start = input, *end;
    while ((end = memchr(input + scanned, '\n', filled - scanned)) != NULL) {
      size_t head = (size_t)(end - start) < 96 ? (size_t)(end - start) : 96;
      // A line longer than the buffer was looked at when its beginning went by.
      if (received > sizeof input && start == input) head = 0;
      if (head > 0 && memmem(start, head, "\"result\"", 8) == NULL) {
        fprintf(stderr, "load: %.*s\n", (int)(end - start), start);
        fail("not a result");
      }
      lines++;
      start = end + 1;
      scanned = (size_t)(start - input);
    }
    memmove(input, start, filled - (size_t)(start - input));
    filled -= (size_t)(start - input);
    scanned = filled;
    if (filled > sizeof input / 2) filled = scanned = 0;
  }
  return lines;
}

static pid_t spawn(char **command) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) fail("no pipe");
  pid_t child = vfork();
  if (child == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execvp(command[0], command);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_server = in[1];
  from_server = out[0];
  return child;
}

static void handshake(void) {
  static const char hello[] =
      "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
      "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}\n";
  static const char ready[] =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
  send_bytes(hello, sizeof hello - 1);
  receive();
  send_bytes(ready, sizeof ready - 1);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void trips(long count, const char *tool) {
  double *took = calloc((size_t)count, sizeof *took);
  char line[512];
  for (long i = 0; i < count; i++) {
    size_t length = put_call(line, i + 1, tool);
    double started = now();
    send_bytes(line, length);
    if (receive() != 1) fail("more answers than questions");
    took[i] = now() - started;
  }
  qsort(took, (size_t)count, sizeof *took, compare);
  printf("{\"p50\":%.2f,\"p99\":%.2f}\n", took[count / 2], took[count * 99 / 100]);
}

// Calls that are large themselves, or whose results are.
static void sized(long count, long up, long down) {
  double *took = calloc((size_t)count, sizeof *took);
  char *line = malloc((size_t)up + 512), *path = malloc((size_t)up + 1);
  memset(path, 'p', (size_t)up);
  path[up] = 0;
  for (long i = 0; i < count; i++) {
    size_t length = (size_t)sprintf(
        line, "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
        "\"arguments\":{\"limit\":%ld,\"path\":\"%s\"}}}\n", i + 1, down > 0 ? "sized" : "echo",
        down > 0 ? down : 10, path);
    double started = now();
    send_bytes(line, length);
    if (receive() != 1) fail("more answers than questions");
    took[i] = now() - started;
  }
  qsort(took, (size_t)count, sizeof *took, compare);
  printf("{\"p50\":%.2f,\"p99\":%.2f}\n", took[count / 2], took[count * 99 / 100]);
}

// One write for each call, as real clients do.
static void flight(long count) {
  char line[512];
  long sent = 0, answered = 0;
  double started = now();
  while (answered < count) {
    while (sent < count && sent - answered < window)
      send_bytes(line, put_call(line, ++sent, "echo"));
    answered += receive();
  }
  printf("{\"per_second\":%.0f}\n", (double)count / (now() - started) * 1e6);
}

static void big(long count, const char *tool) {
  char line[512];
  uint64_t before = received;
  double started = now();
  for (long i = 0; i < count; i++) {
    send_bytes(line, put_call(line, i + 1, tool));
    receive();
  }
  printf("{\"per_second\":%.0f}\n", (double)(received - before) / (now() - started) * 1e6);
}

int main(int argc, char **argv) {
  if (argc < 4) fail("load start|trip|flight|up|down|big|text|work|cheap|refused|hold N COMMAND...");
  long count = atol(argv[2]);
  char *mode = argv[1], *value = strchr(mode, '=');
  long size = value == NULL ? 0 : atol(value + 1);
  if (value != NULL) *value = 0;
  signal(SIGPIPE, SIG_IGN);
  alarm(60);
  double started = now();
  pid_t child = spawn(argv + 3);
  handshake();
  if (strcmp(mode, "start") == 0) printf("{\"start\":%.1f}\n", now() - started);
  else if (strcmp(mode, "trip") == 0) trips(count, "echo");
  else if (strcmp(mode, "flight") == 0) {
    if (size > 0) window = size;
    flight(count);
  } else if (strcmp(mode, "up") == 0) sized(count, size, 0);
  else if (strcmp(mode, "down") == 0) sized(count, 0, size);
  else if (strcmp(mode, "work") == 0 || strcmp(mode, "cheap") == 0 || strcmp(mode, "refused") == 0)
    trips(count, mode);
  else if (strcmp(mode, "hold") == 0) {
    char byte;
    trips(count, "echo");
    fflush(stdout);
    while (read(0, &byte, 1) > 0) continue;
  } else big(count, mode);
  close(to_server);
  waitpid(child, NULL, 0);
  return 0;
}

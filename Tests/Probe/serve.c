// The MCP side of the probe: both protocol eras, one line at a time, no cleverness.
//   --log PATH      append every line that arrives, as it arrives
//   --pages N       hand out the tools in pages of N
//   --tools N       offer N further tools "extra-1" and so on
//   --behave WORD   stray: a line of text before the first answer; silent: never answer;
//                   noisy: a line on stdout and on stderr at once;
//                   linger: stay after the end of input; stubborn: linger and ignore SIGTERM;
//                   die: exit 3 at once; daemon:PATH: a heartbeat from another session;
//                   headless: the first thread ends at once, another one stays;
//                   null:NUMBER, pipe:NUMBER, pair:NUMBER: this descriptor is replaced at once by
//                   /dev/null, by a pipe of its own, by an end of a socket pair
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
  int log;
  long page, extra;
  const char *behave;
} options = {.log = -1, .behave = ""};

// Where input comes from and output goes; see replace().
static int streams[2] = {0, 1};

static const char *const tools[] = {
  "attempt", "echo", "big", "slow", "never", "exit", "die", "raw", "stderr", "daemon", "hidden",
  "notify", "flood", "drown", "pour",
};
#define TOOLS (long)(sizeof tools / sizeof *tools)

static void send_bytes(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) _exit(errno == EPIPE ? 0 : 1);
    bytes += count;
    length -= (size_t)count;
  }
}

static void send_line(struct cp_buffer *line) {
  cp_append(line, "\n", 1);
  send_bytes(streams[1], line->bytes, line->length);
  free(line->bytes);
}

static void begin(struct cp_buffer *line, struct text id) {
  cp_append_text(line, "{\"jsonrpc\":\"2.0\",\"id\":");
  cp_append(line, id.bytes, id.length);
}

static bool stateless;

static void end_result(struct cp_buffer *line) {
  if (stateless) cp_append_text(line, ",\"resultType\":\"complete\"");
  cp_append_text(line, "}}");
  send_line(line);
}

static void answer_error(struct text id, int code, const char *message) {
  struct cp_buffer line = {0};
  begin(&line, id);
  cp_append_text(&line, ",\"error\":{\"code\":");
  cp_append_number(&line, code);
  cp_append_text(&line, ",\"message\":");
  cp_append_string(&line, message, strlen(message));
  cp_append_text(&line, "}}");
  send_line(&line);
}

static void answer_text(struct text id, const char *bytes, size_t length) {
  struct cp_buffer line = {0};
  begin(&line, id);
  cp_append_text(&line, ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":");
  cp_append_string(&line, bytes, length);
  cp_append_text(&line, "}],\"isError\":false");
  end_result(&line);
}

static void answer_initialize(struct text id, struct text params) {
  struct cp_buffer line = {0};
  struct text version = member(params, "protocolVersion");
  begin(&line, id);
  cp_append_text(&line, ",\"result\":{\"protocolVersion\":");
  if (version.length > 0) cp_append(&line, version.bytes, version.length);
  else cp_append_text(&line, "\"2025-11-25\"");
  cp_append_text(&line,
      ",\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{},\"prompts\":{},"
      "\"logging\":{},\"completions\":{}},\"serverInfo\":{\"name\":\"probe\",\"version\":\"1\"}}}");
  send_line(&line);
}

static void answer_discover(struct text id) {
  struct cp_buffer line = {0};
  begin(&line, id);
  cp_append_text(&line,
      ",\"result\":{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{},"
      "\"resources\":{},\"prompts\":{}},\"ttlMs\":0,\"cacheScope\":\"public\","
      "\"serverInfo\":{\"name\":\"probe\",\"version\":\"1\"}");
  end_result(&line);
}

static void append_tool(struct cp_buffer *line, const char *name) {
  cp_append_text(line, "{\"name\":");
  cp_append_string(line, name, strlen(name));
  cp_append_text(line, ",\"description\":\"a tool of the probe\","
      "\"inputSchema\":{\"type\":\"object\",\"properties\":{}}}");
}

static void answer_list(struct text id, struct text params) {
  struct cp_buffer line = {0};
  char *cursor = string_value(member(params, "cursor"));
  long total = TOOLS + options.extra, from = atol(cursor);
  long to = options.page > 0 && from + options.page < total ? from + options.page : total;
  free(cursor);
  begin(&line, id);
  cp_append_text(&line, ",\"result\":{\"tools\":[");
  for (long i = from; i < to; i++) {
    char name[32];
    snprintf(name, sizeof name, "extra-%ld", i - TOOLS + 1);
    if (i > from) cp_append(&line, ",", 1);
    append_tool(&line, i < TOOLS ? tools[i] : name);
  }
  cp_append_text(&line, "]");
  if (to < total) {
    cp_append_text(&line, ",\"nextCursor\":\"");
    cp_append_number(&line, to);
    cp_append_text(&line, "\"");
  }
  if (stateless) cp_append_text(&line, ",\"ttlMs\":0,\"cacheScope\":\"public\"");
  end_result(&line);
}

static void pause_for(long long milliseconds) {
  struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
  nanosleep(&time, NULL);
}

static void call_big(struct text id, struct text arguments) {
  size_t size = (size_t)number_value(member(arguments, "size"), 1 << 20);
  char *bytes = malloc(size + 1);
  if (bytes == NULL) return answer_error(id, -32603, "no memory");
  memset(bytes, 'a', size);
  answer_text(id, bytes, size);
  free(bytes);
}

// Writes the bytes whose hexadecimal digits are `hex` to `fd`, then does as `then` says.
static void call_raw(struct text id, struct text arguments, int fd) {
  long long times = number_value(member(arguments, "times"), 1);
  char *then = string_value(member(arguments, "then"));
  char *hex = string_value(member(arguments, "hex"));
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
    hex[i] = (char)strtol(digits, NULL, 16);
  }
  for (long long i = 0; i < times; i++) send_bytes(fd, hex, length);
  if (strcmp(then, "exit") == 0) _exit((int)number_value(member(arguments, "status"), 0));
  if (strcmp(then, "silence") != 0) answer_text(id, "sent", 4);
  free(hex);
  free(then);
}

// Writes one thing without end.
static void call_pour(struct text arguments) {
  char *what = string_value(member(arguments, "what"));
  int fd = (int)number_value(member(arguments, "to"), 1);
  static const char notification[] =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
      "{\"progressToken\":1,\"progress\":1}}\n";
  static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"roots/list\"}\n";
  for (;;) {
    if (strcmp(what, "line") == 0) send_bytes(fd, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 32);
    else if (strcmp(what, "lines") == 0) send_bytes(fd, notification, sizeof notification - 1);
    else if (strcmp(what, "requests") == 0) send_bytes(fd, request, sizeof request - 1);
    else if (strcmp(what, "empty") == 0) send_bytes(fd, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 16);
    else send_bytes(fd, "\377\376{\"\0garbage\r\n", 16);
  }
}

static void call_notify(struct text id, struct text arguments) {
  char *method = string_value(member(arguments, "method"));
  struct text params = member(arguments, "params"), request = member(arguments, "id");
  struct cp_buffer line = {0};
  cp_append_text(&line, "{\"jsonrpc\":\"2.0\"");
  if (request.length > 0) {
    cp_append_text(&line, ",\"id\":");
    cp_append(&line, request.bytes, request.length);
  }
  cp_append_text(&line, ",\"method\":");
  cp_append_string(&line, method, strlen(method));
  if (params.length > 0) {
    cp_append_text(&line, ",\"params\":");
    cp_append(&line, params.bytes, params.length);
  }
  cp_append_text(&line, "}");
  send_line(&line);
  free(method);
  answer_text(id, "sent", 4);
}

static void call(struct text id, struct text params) {
  struct text arguments = member(params, "arguments");
  char *name = string_value(member(params, "name"));
  if (strcmp(name, "attempt") == 0) {
    char *what = string_value(member(arguments, "name"));
    struct cp_outcome out;
    struct cp_buffer report = {0};
    cp_attempt_apart(what, &out, 0);
    cp_append_outcome(&report, what, &out);
    answer_text(id, report.bytes, report.length);
    free(report.bytes);
    free(what);
  } else if (strcmp(name, "echo") == 0 || strcmp(name, "hidden") == 0) {
    answer_text(id, arguments.bytes, arguments.length);
  } else if (strcmp(name, "big") == 0) {
    call_big(id, arguments);
  } else if (strcmp(name, "slow") == 0) {
    pause_for(number_value(member(arguments, "ms"), 100));
    answer_text(id, "slept", 5);
  } else if (strcmp(name, "never") == 0) {
    return;
  } else if (strcmp(name, "exit") == 0) {
    _exit((int)number_value(member(arguments, "status"), 0));
  } else if (strcmp(name, "die") == 0) {
    signal((int)number_value(member(arguments, "signal"), SIGKILL), SIG_DFL);
    kill(getpid(), (int)number_value(member(arguments, "signal"), SIGKILL));
    abort();
  } else if (strcmp(name, "raw") == 0) {
    call_raw(id, arguments, 1);
  } else if (strcmp(name, "stderr") == 0) {
    call_raw(id, arguments, 2);
  } else if (strcmp(name, "flood") == 0) {
    for (;;) send_bytes(1, "flood flood flood flood flood flood flood flood flood flood\n", 60);
  } else if (strcmp(name, "drown") == 0) {
    char *how = string_value(member(arguments, "how")), report[256];
    char *place = string_value(member(arguments, "place"));
    drown(how, place, number_value(member(arguments, "most"), 1),
          number_value(member(arguments, "here"), 0) != 0,
          number_value(member(arguments, "careless"), 0) != 0, report, sizeof report);
    answer_text(id, report, strlen(report));
    free(how);
    free(place);
  } else if (strcmp(name, "pour") == 0) {
    call_pour(arguments);
  } else if (strcmp(name, "notify") == 0) {
    call_notify(id, arguments);
  } else if (strcmp(name, "daemon") == 0) {
    char *path = string_value(member(arguments, "path"));
    start_daemon(path, number_value(member(arguments, "keep"), 0) != 0);
    answer_text(id, "started", 7);
    free(path);
  } else if (strncmp(name, "extra-", 6) == 0) {
    answer_text(id, name, strlen(name));
  } else {
    answer_error(id, -32602, "Unknown tool");
  }
  free(name);
}

static void handle(struct text line) {
  struct text id = member(line, "id"), method = member(line, "method");
  struct text params = member(line, "params");
  stateless = member(member(params, "_meta"), "io.modelcontextprotocol/protocolVersion").length > 0;
  if (options.log >= 0) {
    send_bytes(options.log, line.bytes, line.length);
    send_bytes(options.log, "\n", 1);
  }
  if (strcmp(options.behave, "silent") == 0 || id.length == 0 || method.length == 0) return;
  if (is(method, "\"initialize\"")) answer_initialize(id, params);
  else if (is(method, "\"server/discover\"")) answer_discover(id);
  else if (is(method, "\"tools/list\"")) answer_list(id, params);
  else if (is(method, "\"tools/call\"")) call(id, params);
  else if (is(method, "\"ping\"")) {
    struct cp_buffer answer = {0};
    begin(&answer, id);
    cp_append_text(&answer, ",\"result\":{}}");
    send_line(&answer);
  } else answer_error(id, -32601, "Method not found");
}

static void *stay(void *nothing) {
  while (pause() == -1) continue;
  return nothing;
}

static void lose_the_head(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, stay, NULL) == 0) syscall(SYS_exit, 0);
  _exit(1);
}

// Puts something else in the place of a standard stream, as `exec 2>/dev/null` in a wrapper does.
// What has to stay usable is moved out of the way first: input and output are used from there.
static void replace(const char *what, int number) {
  int ends[2] = {-1, -1};
  if (number < 2) streams[number] = fcntl(number, F_DUPFD_CLOEXEC, 10);
  if (strncmp(what, "null:", 5) == 0) ends[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
  else if (strncmp(what, "pipe:", 5) == 0 && pipe(ends) == -1) _exit(1);
  else if (strncmp(what, "pair:", 5) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1)
    _exit(1);
  if (dup2(ends[number == 0 ? 0 : ends[1] < 0 ? 0 : 1], number) == -1) _exit(1);
}

static void behave(void) {
  const char *word = options.behave;
  if (strcmp(word, "stray") == 0) send_bytes(1, "starting up, please wait\n", 25);
  if (strcmp(word, "noisy") == 0) {
    send_bytes(2, "up and running\n", 15);
    send_bytes(1, "hello\n", 6);
  }
  if (strcmp(word, "die") == 0) _exit(3);
  if (strcmp(word, "headless") == 0) lose_the_head();
  if (strcmp(word, "stubborn") == 0) signal(SIGTERM, SIG_IGN);
  if (strncmp(word, "null:", 5) == 0 || strncmp(word, "pipe:", 5) == 0 ||
      strncmp(word, "pair:", 5) == 0)
    replace(word, atoi(word + 5));
  if (strncmp(word, "daemon:", 7) == 0) start_daemon(word + 7, false);
}

int serve(int argc, char **argv) {
  for (int i = 2; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--log") == 0)
      options.log = open(argv[i + 1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    else if (strcmp(argv[i], "--pages") == 0) options.page = atol(argv[i + 1]);
    else if (strcmp(argv[i], "--tools") == 0) options.extra = atol(argv[i + 1]);
    else if (strcmp(argv[i], "--behave") == 0) options.behave = argv[i + 1];
  }
  behave();
  struct cp_buffer input = {0};
  for (;;) {
    char part[65536], *end;
    ssize_t count = read(streams[0], part, sizeof part);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    cp_append(&input, part, (size_t)count);
    while ((end = memchr(input.bytes, '\n', input.length)) != NULL) {
      size_t length = (size_t)(end - input.bytes);
      handle((struct text){input.bytes, length});
      input.length -= length + 1;
      memmove(input.bytes, end + 1, input.length);
    }
  }
  while (strcmp(options.behave, "linger") == 0 || strcmp(options.behave, "stubborn") == 0) pause();
  return 0;
}

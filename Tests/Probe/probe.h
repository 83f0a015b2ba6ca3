// The probe: a minimal MCP server that tries things from inside a cell and reports each attempt.
#ifndef PROBE_H
#define PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A piece of text that somebody else holds.
struct text {
  const char *bytes;
  size_t length;
};

// Text that grows.
struct buffer {
  char *bytes;
  size_t length;
  size_t capacity;
};

void append(struct buffer *to, const void *bytes, size_t length);
void append_text(struct buffer *to, const char *text);
void append_number(struct buffer *to, long long number);
// Appends `bytes` as a JSON string with quotes; anything outside printable ASCII becomes \u00xx.
void append_string(struct buffer *to, const void *bytes, size_t length);

// The value of `key` in the object `object`, as it is written; empty when it is not there.
struct text member(struct text object, const char *key);
bool is(struct text value, const char *literal);
// The content of a JSON string, unescaped into fresh memory that ends with NUL (ASCII and \u00xx).
char *string_value(struct text value);
long long number_value(struct text value, long long otherwise);

// What came of an attempt.
struct outcome {
  const char *word;  // done, refused, reached, killed, unknown
  int error;         // errno, 0 when there was none
  char detail[4096];
};

// Does what `name` says ("read:/etc/shadow") and fills in what came of it. Runs in a child.
void attempt(const char *name, struct outcome *out);
bool attempt_call(const char *name, struct outcome *out);
// `attempt` in a child of its own, so that whatever it changes or dies of stays there.
void attempt_apart(const char *name, struct outcome *out);
void append_outcome(struct buffer *to, const char *name, const struct outcome *out);
const char *error_name(int error);

// Starts a process that leaves session and parent, and writes a byte to `path` every 50 ms.
void start_daemon(const char *path, bool keep_stdio);
int serve(int argc, char **argv);

#endif

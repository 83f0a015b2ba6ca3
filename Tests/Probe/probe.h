// The probe: a minimal MCP server that tries things from inside a cell and reports each attempt.
#ifndef PROBE_H
#define PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CProbe.h"

// A piece of text that somebody else holds.
struct text {
  const char *bytes;
  size_t length;
};

// The value of `key` in the object `object`, as it is written; empty when it is not there.
struct text member(struct text object, const char *key);
bool is(struct text value, const char *literal);
// The content of a JSON string, unescaped into fresh memory that ends with NUL (ASCII and \u00xx).
char *string_value(struct text value);
long long number_value(struct text value, long long otherwise);

// Starts a process that leaves session and parent, and writes a byte to `path` every 50 ms.
void start_daemon(const char *path, bool keep_stdio);
// Takes as much of one thing as it gets, at most `most`; what came of it is JSON in `report`.
void drown(const char *how, const char *place, long most, bool here, bool careless, char *report,
           size_t size);
int serve(int argc, char **argv);
int landlock(int argc, char **argv);

#endif

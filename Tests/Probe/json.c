// As much JSON as the probe needs: it reads what a test or Anchorhold wrote, never an attacker.
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t skip_space(struct text in, size_t at) {
  while (at < in.length && strchr(" \t\r\n", in.bytes[at]) != NULL) at++;
  return at;
}

// The index after the value that starts at `at`.
static size_t skip_value(struct text in, size_t at) {
  int depth = 0;
  do {
    at = skip_space(in, at);
    if (at >= in.length) return at;
    char c = in.bytes[at];
    if (c == '"') {
      for (at++; at < in.length && in.bytes[at] != '"'; at++) {
        if (in.bytes[at] == '\\') at++;
      }
      at++;
    } else if (c == '{' || c == '[') {
      depth++;
      at++;
    } else if (c == '}' || c == ']') {
      depth--;
      at++;
    } else if (c == ',' || c == ':') {
      at++;
      continue;
    } else {
      while (at < in.length && strchr(",:{}[]\" \t\r\n", in.bytes[at]) == NULL) at++;
    }
  } while (depth > 0 && at < in.length);
  return at < in.length ? at : in.length;
}

struct text member(struct text object, const char *key) {
  struct text none = {"", 0};
  size_t at = skip_space(object, 0);
  if (at >= object.length || object.bytes[at] != '{') return none;
  at++;
  while (at < object.length) {
    size_t start = skip_space(object, at);
    if (start >= object.length || object.bytes[start] != '"') return none;
    size_t end = skip_value(object, start);
    size_t value = skip_space(object, end);
    if (value >= object.length || object.bytes[value] != ':') return none;
    value = skip_space(object, value + 1);
    size_t after = skip_value(object, value);
    if (end - start - 2 == strlen(key) && memcmp(object.bytes + start + 1, key, strlen(key)) == 0)
      return (struct text){object.bytes + value, after - value};
    at = skip_space(object, after);
    if (at >= object.length || object.bytes[at] != ',') return none;
    at++;
  }
  return none;
}

bool is(struct text value, const char *literal) {
  return value.length == strlen(literal) && memcmp(value.bytes, literal, value.length) == 0;
}

char *string_value(struct text value) {
  char *to = calloc(1, value.length + 1);
  size_t length = 0;
  if (to == NULL) abort();
  if (value.length < 2 || value.bytes[0] != '"') return to;
  for (size_t i = 1; i + 1 < value.length; i++) {
    char c = value.bytes[i];
    if (c != '\\') {
      to[length++] = c;
      continue;
    }
    c = value.bytes[++i];
    if (c == 'u' && i + 4 < value.length) {
      char digits[5] = {0};
      memcpy(digits, value.bytes + i + 1, 4);
      to[length++] = (char)strtol(digits, NULL, 16);
      i += 4;
    } else {
      to[length++] = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b'
                   : c == 'f' ? '\f' : c;
    }
  }
  return to;
}

long long number_value(struct text value, long long otherwise) {
  if (value.length == 0 || value.length > 30) return otherwise;
  char digits[32] = {0};
  memcpy(digits, value.bytes, value.length);
  char *end = digits;
  long long number = strtoll(digits, &end, 10);
  return end == digits ? otherwise : number;
}

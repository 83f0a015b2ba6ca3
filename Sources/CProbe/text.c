// Writing JSON.
#include "CProbe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cp_append(struct cp_buffer *to, const void *bytes, size_t length) {
  if (to->length + length > to->capacity) {
    to->capacity = (to->length + length) * 2 + 256;
    to->bytes = realloc(to->bytes, to->capacity);
    if (to->bytes == NULL) abort();
  }
  memcpy(to->bytes + to->length, bytes, length);
  to->length += length;
}

void cp_append_text(struct cp_buffer *to, const char *text) { cp_append(to, text, strlen(text)); }

void cp_append_number(struct cp_buffer *to, long long number) {
  char text[32];
  cp_append(to, text, (size_t)snprintf(text, sizeof text, "%lld", number));
}

void cp_append_string(struct cp_buffer *to, const void *bytes, size_t length) {
  const unsigned char *from = bytes;
  cp_append(to, "\"", 1);
  for (size_t i = 0; i < length; i++) {
    if (from[i] == '"' || from[i] == '\\') {
      cp_append(to, "\\", 1);
      cp_append(to, from + i, 1);
    } else if (from[i] == '\n') {
      cp_append(to, "\\n", 2);
    } else if (from[i] < 0x20 || from[i] > 0x7e) {
      char escape[8];
      cp_append(to, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", from[i]));
    } else {
      cp_append(to, from + i, 1);
    }
  }
  cp_append(to, "\"", 1);
}

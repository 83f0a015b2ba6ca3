// Attempts that look at the environment. Values are never shown.
#define _GNU_SOURCE
#include "CProbe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static void found(struct cp_outcome *out, bool open) {
  out->error = 0;
  out->word = open ? "done" : "refused";
}

static void show(struct cp_outcome *out, const char *name, size_t length) {
  snprintf(out->detail, sizeof out->detail, "%.*s", (int)(length < 200 ? length : 200), name);
}

// Whether `name` is in a list with commas; an entry that ends in "*" stands for what begins so.
static bool listed(const char *list, const char *end, const char *name, size_t length) {
  while (list < end) {
    const char *comma = memchr(list, ',', (size_t)(end - list));
    size_t entry = (size_t)((comma != NULL ? comma : end) - list);
    bool prefix = entry > 0 && list[entry - 1] == '*';
    if (prefix ? length >= entry - 1 && memcmp(list, name, entry - 1) == 0
               : length == entry && memcmp(list, name, entry) == 0)
      return true;
    list += entry + 1;
  }
  return false;
}

// "NAMES!NAMES": one of the first that is none of the second. Planted is the control, the same look
// at an environment that has the first of them.
static void try_variables(const char *text, bool planted, struct cp_outcome *out) {
  const char *mark = strchr(text, '!');
  const char *end = text + strlen(text);
  if (mark == NULL) mark = end;
  if (planted) {
    char name[64];
    size_t length = strcspn(text, ",*!");
    snprintf(name, sizeof name, "%.*s%s", (int)(length < 40 ? length : 40), text,
             text[length] == '*' ? "ANCHORHOLD" : "");
    setenv(name, "1", 1);
    mark = end = text + strcspn(text, "!");
  }
  found(out, false);
  for (char **entry = environ; *entry != NULL; entry++) {
    size_t length = strcspn(*entry, "=");
    if (!listed(text, mark, *entry, length)) continue;
    if (mark < end && listed(mark + 1, end, *entry, length)) continue;
    found(out, true);
    return show(out, *entry, length);
  }
}

// A name that is there twice, a string without a name or without a value.
static void try_odd(bool bad, struct cp_outcome *out) {
  char *wrong[] = {"TWICE=1", "TWICE=2", NULL};
  char **list = bad ? wrong : environ;
  found(out, false);
  for (size_t index = 0; list[index] != NULL; index++) {
    size_t length = strcspn(list[index], "=");
    bool odd = length == 0 || list[index][length] == 0;
    for (size_t other = 0; other < index && !odd; other++)
      odd = strncmp(list[index], list[other], length + 1) == 0;
    if (!odd) continue;
    found(out, true);
    return show(out, list[index], length);
  }
}

bool cp_attempt_environment(const char *name, struct cp_outcome *out) {
  if (strncmp(name, "variables:", 10) == 0) try_variables(name + 10, false, out);
  else if (strncmp(name, "variables-planted:", 18) == 0) try_variables(name + 18, true, out);
  else if (strcmp(name, "odd-environment") == 0) try_odd(false, out);
  else if (strcmp(name, "odd-environment:bad") == 0) try_odd(true, out);
  else return false;
  return true;
}

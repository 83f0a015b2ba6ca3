// Attempts against the protections that a profile asks for.
#define _GNU_SOURCE
#include "CProbe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void settle(struct cp_outcome *out, bool worked) {
  out->error = worked ? 0 : errno;
  out->word = worked ? "done" : "refused";
}

// Memory that is written and executed: at once, or one after the other.
static void try_write_execute(bool at_once, struct cp_outcome *out) {
  int rights = PROT_READ | PROT_WRITE;
  void *page = mmap(NULL, 4096, at_once ? rights | PROT_EXEC : rights,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at_once || page == MAP_FAILED) return settle(out, page != MAP_FAILED);
  *(volatile char *)page = (char)0xc3;
  settle(out, mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

// A line of /proc/self/status: "done" when it says that the processor is affected and left so.
static void try_speculation(const char *field, struct cp_outcome *out) {
  FILE *file = fopen("/proc/self/status", "re");
  char line[256];
  out->word = "unknown";
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    size_t length = strlen(field);
    if (strncmp(line, field, length) != 0 || line[length] != ':') continue;
    char *value = line + length + 1;
    value += strspn(value, "\t ");
    value[strcspn(value, "\n")] = 0;
    bool open = strcmp(value, "vulnerable") == 0 || strcmp(value, "thread vulnerable") == 0 ||
                strcmp(value, "always enabled") == 0 || strcmp(value, "conditional enabled") == 0;
    out->word = open ? "done" : "refused";
    snprintf(out->detail, sizeof out->detail, "%s", value);
  }
  if (file != NULL) fclose(file);
}

bool cp_attempt_hardening(const char *name, struct cp_outcome *out) {
  if (strcmp(name, "write-execute:at-once") == 0) try_write_execute(true, out);
  else if (strcmp(name, "write-execute:in-turn") == 0) try_write_execute(false, out);
  else if (strncmp(name, "speculation:", 12) == 0) try_speculation(name + 12, out);
  else return false;
  return true;
}

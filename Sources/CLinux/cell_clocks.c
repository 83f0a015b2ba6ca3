// The clocks of a cell (time_namespaces(7)).
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000LL

// The offset of one clock in the inherited namespace, in nanoseconds: `text` is what
// /proc/self/timens_offsets says, lines of a clock's name, seconds and nanoseconds.
static int64_t inherited_offset(const char *text, const char *clock) {
  for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    size_t length = strlen(clock);
    if (strncmp(line, clock, length) != 0) continue;
    const char *at = line + length;
    int64_t parts[2] = {0, 0};
    for (int part = 0; part < 2; part++) {
      while (*at == ' ' || *at == '\t') at++;
      bool negative = *at == '-';
      if (negative) at++;
      for (; *at >= '0' && *at <= '9'; at++) parts[part] = parts[part] * 10 + (*at - '0');
      if (negative) parts[part] = -parts[part];
    }
    return parts[0] * NANOSECONDS + parts[1];
  }
  return 0;
}

static char *append_text(char *out, const char *text) {
  while (*text) *out++ = *text++;
  return out;
}

static char *append_number(char *out, int64_t value) {
  // snprintf is not on the list of async-signal-safe calls.
  char digits[24];
  size_t count = 0;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  if (value < 0) *out++ = '-';
  do digits[count++] = (char)('0' + rest % 10);
  while (rest /= 10);
  while (count) *out++ = digits[--count];
  return out;
}

// The clocks that count from the start of the machine begin anew with the cell. It has to be said
// before a process is in the namespace, which init, cloned later, will be the first to enter.
void cl_cell_set_clocks(const struct cl_plan *plan) {
  static const struct {
    const char *name;
    clockid_t clock;
  } clocks[] = {{"monotonic", CLOCK_MONOTONIC}, {"boottime", CLOCK_BOOTTIME}};
  static const char path[] = "/proc/self/timens_offsets";
  if (CL_SKIPPED(plan, CL_STEP_CLOCKS) || CL_SKIPPED(plan, CL_STEP_TIME_NAMESPACE)) return;
  char inherited[256] = {0}, wanted[256], *end = wanted;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file == -1 || read(file, inherited, sizeof inherited - 1) == -1)
    cl_cell_fail(plan, CL_STEP_CLOCKS, errno, path);
  close(file);
  for (size_t index = 0; index < sizeof clocks / sizeof *clocks; index++) {
    struct timespec now;
    if (clock_gettime(clocks[index].clock, &now) == -1)
      cl_cell_fail(plan, CL_STEP_CLOCKS, errno, clocks[index].name);
    int64_t offset = inherited_offset(inherited, clocks[index].name) +
                     CL_CLOCK_BEGIN * NANOSECONDS - (now.tv_sec * NANOSECONDS + now.tv_nsec);
    // The kernel wants nanoseconds that are not negative.
    int64_t nanoseconds = (offset % NANOSECONDS + NANOSECONDS) % NANOSECONDS;
    end = append_text(end, clocks[index].name);
    end = append_number(append_text(end, " "), (offset - nanoseconds) / NANOSECONDS);
    end = append_text(append_number(append_text(end, " "), nanoseconds), "\n");
  }
  // Anew, because the file takes its text at its beginning only.
  file = open(path, O_WRONLY | O_CLOEXEC);
  if (file == -1 || write(file, wanted, (size_t)(end - wanted)) != end - wanted)
    cl_cell_fail(plan, CL_STEP_CLOCKS, errno, path);
  close(file);
}

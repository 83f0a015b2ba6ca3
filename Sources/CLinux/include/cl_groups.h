// Another program's run from the monitor, and a trial of dropping supplementary groups.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct cl_command_end {
  int32_t error;   // a positive errno when it could not be run; ETIMEDOUT: it was killed
  int32_t status;  // its wait status otherwise
  char said[256];  // the beginning of what it wrote to its standard error, NUL-terminated
};

// Executes `program`, an O_PATH descriptor, and waits for its end, at most `milliseconds`: with
// `arguments` (NULL-terminated), an empty environment, "/" as working directory, default signals,
// nothing to read, and nothing open but a pipe for what it says. Call only while single-threaded.
struct cl_command_end cl_run_command(int program, const char *const *arguments, int milliseconds);

struct cl_group_trial {
  int process;
  int end;  // a stream socket to it
};

// Starts a process that enters a user namespace of its own, maps its user id and waits there for its
// groups to be mapped. Returns 0 or -errno. Call only while single-threaded.
int cl_group_trial_begin(struct cl_group_trial *trial);

// Lets it drop its supplementary groups if they were `mapped`, and ends it. Returns how many it had
// then, or -errno.
int cl_group_trial_end(struct cl_group_trial *trial, int mapped);

// The probe: tries things and says what came of each. The same code runs inside a cell, outside of
// it as the positive control, and in the tests' own server.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cp_backdoor.h"

// Text that grows.
struct cp_buffer {
  char *bytes;
  size_t length;
  size_t capacity;
};

void cp_append(struct cp_buffer *to, const void *bytes, size_t length);
void cp_append_text(struct cp_buffer *to, const char *text);
void cp_append_number(struct cp_buffer *to, long long number);
// Appends `bytes` as a JSON string with quotes; anything outside printable ASCII becomes \u00xx.
void cp_append_string(struct cp_buffer *to, const void *bytes, size_t length);

// What came of an attempt.
struct cp_outcome {
  // done: it worked. reached: the kernel's own code answered, with an error. refused, killed: it
  // was stopped. unknown: it could not be tried.
  const char *word;
  int error;  // errno, 0 when there was none
  char detail[4096];
};

// Does what `name` says ("read:/etc/shadow") and fills in what came of it.
void cp_attempt(const char *name, struct cp_outcome *out);
// `cp_attempt` in a child of its own, so that whatever it changes or dies of stays there. The
// child is ended after `seconds`; 0 for no such bound.
void cp_attempt_apart(const char *name, struct cp_outcome *out, unsigned seconds);
void cp_append_outcome(struct cp_buffer *to, const char *name, const struct cp_outcome *out);

// A system call that an attempt consists of.
struct cp_call {
  const char *name;
  long number;
  long arguments[6];
};
// The call that `attempt` is, if it is just one.
bool cp_call_of(const char *attempt, struct cp_call *out);
// Parts of cp_attempt; each one returns false for a name that it does not know.
bool cp_attempt_call(const char *name, struct cp_outcome *out);
bool cp_attempt_file(const char *name, struct cp_outcome *out);
bool cp_attempt_state(const char *name, struct cp_outcome *out);
bool cp_attempt_hardening(const char *name, struct cp_outcome *out);
bool cp_attempt_race(const char *name, struct cp_outcome *out);
bool cp_attempt_environment(const char *name, struct cp_outcome *out);
// Remembers what only the first process of a run can see of how it was started.
void cp_look_at_start(void);

// Into so many files "reserve:" divides what it takes, where the limit of one file is small.
#define CP_MOST_RESERVED 1024

// One thing that `anchorhold verify` tries.
struct cp_check {
  const char *group;    // the class that the report shows it in
  const char *name;     // a stable name
  const char *attempt;  // what is tried in the cell
  const char *control;  // what is tried outside, NULL for the same
};
size_t cp_check_count(void);
const struct cp_check *cp_check_at(size_t index);

// The name by which this program is started as the probe.
#define CP_PROBE_NAME "anchorhold-probe"
// Its only argument, for one whose private space is not at /tmp: that it was started in it.
#define CP_PROBE_HERE "here"

// Makes the attempts whose NUL-terminated names come on `input` until its end, and writes one line
// of JSON for each on `output`. Returns an exit status.
int cp_run(int input, int output);
// The same outside of the cell, in a child that was forked for it: no terminal, nothing but
// /dev/null on the standard streams, relative names in `scratch`; with `apart`, in new namespaces
// in which the child is root.
_Noreturn void cp_run_control(int input, int output, const char *scratch, bool apart);

// The directory of the controls, with files in it, and sockets that listen.
struct cp_scratch {
  char path[64];
  char abstract[64];  // the name of the abstract socket
  int port;           // of the TCP socket on 127.0.0.1, 0 if there is none
  int sockets[3];     // -1 if it could not be made
};
const char *cp_scratch_path(const struct cp_scratch *scratch);
const char *cp_scratch_abstract(const struct cp_scratch *scratch);
// Fills the empty directory `path`, which is private to the caller; returns 0 or -errno.
int cp_scratch_fill(struct cp_scratch *scratch, const char *path);
// Closes the sockets.
void cp_scratch_close(struct cp_scratch *scratch);

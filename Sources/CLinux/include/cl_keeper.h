// The keeper: a process that outlives the monitor by a moment, and only when something outside of
// the cell has to go when the session ends, however it ends.
//
// It makes these things itself, so that there is no moment at which one is there and nobody knows
// of it, waits for the end of a connection that only the monitor holds and for the end of the cell,
// and removes them. It has a session of its own and blocks every signal, holds no other descriptor, has
// forgotten the caller's environment, is non-dumpable, keeps of root's rights those over files, reaches
// nothing but the directories that its things are in (Landlock, which has no say in stat(2) and
// chmod(2)), and makes no call but those that this takes (a filter).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cl_kept_kind {
  CL_KEPT_DIRECTORY = 1,  // a private directory, removed with all that is in it
  CL_KEPT_CGROUP,         // a control group (version 2): everything in it is killed first
  // An empty directory that keeps a name from being taken. One of this mode that is there already
  // is another session's, and shared: each holds a lock on it (flock(2)), the last one removes it.
  // What somebody put into it makes it theirs, and it stays.
  CL_KEPT_PLACE,
};

struct cl_kept {
  int kind;
  int parent;        // descriptor of the directory that it is made in
  const char *name;  // one component; but for a place nothing of this name may be there
  uint32_t mode;
  uint32_t user, group;  // its owner, both all ones for the caller
  // What came of it: 0 or an error number, and which file it is.
  int error;
  uint64_t device, inode;
  int directory;  // work of the keeper: the open directory, -1 before
};

// How many things a keeper has at most.
#define CL_KEPT_MOST 512

struct cl_keeper_settings {
  const uint64_t *program;  // its filter, struct sock_filter
  uint32_t count;           // instructions of that
  int skip;                 // a step of cl_cell.h to leave out; honoured in the test build only
};

// What only the keeper itself can see of what it gave up.
struct cl_keeper_facts {
  int32_t environment;           // bytes that are left of the caller's; -1: cannot be read
  int32_t descriptors, planned;  // how many were open, and how many should have been
  // The errno of opening the root directory before and after Landlock, 0 if it opened.
  int32_t canary_before, canary_after;
  int32_t dumpable;  // PR_GET_DUMPABLE
};

// Forks the keeper and waits until it gave up what it does not need and made the `count` things of
// `kept`, whose results are filled in. Returns its process id, and in `life` the close-on-exec end of
// what holds it back; or -errno when one of them could not be made, and then none is there. Only while
// single-threaded.
int cl_keeper_start(struct cl_kept *kept, size_t count, const struct cl_keeper_settings *settings,
                    struct cl_keeper_facts *facts, int *life);

// Lets the keeper behind `life` wait for the end of `process` (a pidfd) as well, before it removes
// anything: for the cell's init, whose end comes after that of everything in the cell. Returns 0 or
// -errno. To be called once.
int cl_keeper_await(int life, int process);

// Removes a thing that the keeper made: for the monitor, when the keeper itself was killed.
// `kept` is as cl_keeper_start filled it in. Returns 0, also when it is gone already, or -errno.
int cl_keeper_remove(const struct cl_kept *kept);

// Removes the control group `name` in `parent` if it is left over: no process is in it, no keeper
// holds it, and it was made more than `age` seconds ago. Returns 0 or -errno.
int cl_keeper_sweep(int parent, const char *name, int64_t age);

// Empties the open directory `directory`, whoever made what is in it: links are not followed, mounts
// not entered, and no depth or name stops it. Async-signal-safe. Returns 0 or -errno.
int cl_empty_directory(int directory);

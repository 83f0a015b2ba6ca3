// The cell's child path: everything from fork to exec, over a plan laid out beforehand.
//
// At isolation level container there are neither namespaces nor mounts (cell_container.c).
//
// Three processes come of cl_cell_start, all of plain C and async-signal-safe calls only:
//   stage   enters the new namespaces, then clones init as a sibling (CLONE_PARENT) and ends;
//   init    pid 1 of the cell: builds the mounts, gives up every right, loads the filter, forks
//           the server, reaps, forwards signals, dies with the monitor;
//   server  closes descriptors, reports its state, waits for the monitor's word and becomes the
//           server.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The steps of sealing, in order. A failure names one; the test build can skip one.
#define CL_STEPS(STEP)                                         \
  STEP(NONE, "none")                                           \
  STEP(CGROUP, "enter the control group")                      \
  STEP(CALLER_GROUPS, "drop supplementary groups")             \
  STEP(CALLER_IDS, "change user and group id")                 \
  STEP(ENVIRONMENT, "forget the caller's environment")         \
  STEP(USER_NAMESPACE, "enter a user namespace")               \
  STEP(MOUNT_NAMESPACE, "enter a mount namespace")             \
  STEP(PID_NAMESPACE, "enter a pid namespace")                 \
  STEP(IPC_NAMESPACE, "enter an ipc namespace")                \
  STEP(UTS_NAMESPACE, "enter a uts namespace")                 \
  STEP(CGROUP_NAMESPACE, "enter a cgroup namespace")           \
  STEP(NETWORK_NAMESPACE, "enter a network namespace")         \
  STEP(TIME_NAMESPACE, "enter a time namespace")               \
  STEP(ID_MAP, "map user and group id")                        \
  STEP(CLOCKS, "set the cell's clocks")                        \
  STEP(INIT, "start the cell's init")                          \
  /* At isolation level container alone. */                    \
  STEP(SUBREAPER, "adopt orphans of the cell")                 \
  STEP(CHILDREN, "list the children of init")                  \
  STEP(LOOPBACK, "bring the loopback interface up")            \
  STEP(HOST_NAME, "set the host name")                         \
  STEP(ROOT, "mount the cell's root")                          \
  STEP(DIRECTORY, "make a directory")                          \
  STEP(FILE, "write a file")                                   \
  STEP(LINK, "make a symbolic link")                           \
  STEP(BIND, "bind a path")                                    \
  STEP(BIND_ATTRIBUTES, "restrict a bound path")               \
  STEP(PROPAGATION, "make a bound path private")               \
  STEP(TEMPORARY, "mount temporary space")                     \
  STEP(PROC, "mount /proc")                                    \
  STEP(PIVOT, "change the root directory")                     \
  STEP(DETACH, "detach the old root")                          \
  STEP(ROOT_READ_ONLY, "make the root read-only")              \
  STEP(LANDLOCK_RULES, "prepare Landlock rules")               \
  STEP(LIMIT, "set a resource limit")                          \
  STEP(UMASK, "set the umask")                                 \
  STEP(GROUP_ID, "set the group id")                           \
  STEP(USER_ID, "set the user id")                             \
  STEP(SECUREBITS, "lock the securebits")                      \
  STEP(BOUNDING, "empty the capability bounding set")          \
  STEP(CAPABILITIES, "drop capabilities")                      \
  STEP(NO_NEW_PRIVILEGES, "forbid new privileges")             \
  STEP(LANDLOCK, "enforce Landlock")                           \
  STEP(SIGNAL_SCOPE, "keep the server's signals from its init") \
  STEP(INIT_DUMPABLE, "make init non-dumpable")                \
  STEP(WRITE_EXECUTE, "deny memory that is written and executed") \
  STEP(SPECULATION, "mitigate speculative execution")          \
  STEP(FILTER, "load the system-call filter")                  \
  STEP(SERVER, "start the server's process")                   \
  STEP(SESSION, "start a new session")                         \
  STEP(DESCRIPTORS, "close descriptors")                       \
  STEP(WORKING_DIRECTORY, "change the working directory")      \
  STEP(SIGNALS, "reset signals")                               \
  STEP(PARENT_DEATH, "arm the parent-death signal")            \
  STEP(WAIT, "wait for the monitor")                           \
  STEP(EXECUTE, "execute the server")                          \
  /* Of the monitor: what it says to the kernel of the control group, before anything is in it. */ \
  STEP(CGROUP_LIMITS, "limit the control group")               \
  /* Of the relay, which is confined in Swift: named here so that the test build can skip them. */ \
  STEP(RELAY_DESCRIPTORS, "close the relay's descriptors")     \
  STEP(RELAY_ENVIRONMENT, "let the relay forget the caller's environment") \
  STEP(RELAY_MEMORY, "share no memory with the relay")         \
  STEP(RELAY_BOUNDING, "empty the relay's bounding set")       \
  STEP(RELAY_IDS, "change the relay's ids")                    \
  STEP(RELAY_LIMITS, "limit the relay")                        \
  STEP(RELAY_CAPABILITIES, "drop the relay's capabilities")    \
  STEP(RELAY_NO_NEW_PRIVILEGES, "forbid the relay new privileges") \
  STEP(RELAY_LANDLOCK, "enforce Landlock on the relay")        \
  STEP(RELAY_DUMPABLE, "make the relay non-dumpable")          \
  STEP(RELAY_PARENT_DEATH, "arm the relay's parent-death signal") \
  STEP(RELAY_FILTER, "load the relay's system-call filter")    \
  /* Of a keeper (keeper.c). */                                \
  STEP(KEEPER_SESSION, "give a keeper a session of its own")   \
  STEP(KEEPER_SIGNALS, "block a keeper's signals")             \
  STEP(KEEPER_DESCRIPTORS, "close a keeper's descriptors")     \
  STEP(KEEPER_ENVIRONMENT, "let a keeper forget the caller's environment") \
  STEP(KEEPER_CAPABILITIES, "drop a keeper's capabilities")    \
  STEP(KEEPER_NO_NEW_PRIVILEGES, "forbid a keeper new privileges") \
  STEP(KEEPER_LANDLOCK, "enforce Landlock on a keeper")        \
  STEP(KEEPER_DUMPABLE, "make a keeper non-dumpable")          \
  STEP(KEEPER_FILTER, "load a keeper's system-call filter")    \
  /* Of the monitor itself. */                                 \
  STEP(MONITOR_DUMPABLE, "make the monitor non-dumpable")

enum cl_step {
#define CL_STEP_CONSTANT(name, text) CL_STEP_##name,
  CL_STEPS(CL_STEP_CONSTANT)
#undef CL_STEP_CONSTANT
      CL_STEP_COUNT
};

// The sentence of a step, and its name as in CL_STEPS.
const char *cl_step_text(int step);
const char *cl_step_name(int step);

// Where the cell's monotonic and boot clocks begin, in seconds: a day, because some programs take a
// clock near 0 for one that was never set.
#define CL_CLOCK_BEGIN 86400

enum cl_action_kind {
  CL_ACTION_DIRECTORY,  // a directory in the cell's root: path, mode
  CL_ACTION_FILE,       // a file in the cell's root: path, mode, text and its length
  CL_ACTION_LINK,       // a symbolic link: path, text is the target
  CL_ACTION_BIND,       // a tree of the host: path, text is the real source path
  CL_ACTION_TEMPORARY,  // a tmpfs: path, mode, size
  CL_ACTION_PROC,       // /proc
};

struct cl_action {
  int kind;
  const char *path;  // in the cell, relative to its root, without a leading slash
  const char *text;
  size_t text_length;
  uint32_t mode;
  uint64_t size;        // bytes, for temporary space
  uint64_t attributes;  // MOUNT_ATTR_*
  int source;           // O_PATH descriptor of the source, opened by the monitor
  uint64_t device, inode;  // what the source must still be
  bool covers;             // whether it is mounted over a file of the host, which must be
  uint64_t covered_device, covered_inode;  // this one
  int tree;                // work: the detached mount, -1 before
};

struct cl_limit {
  int resource;
  uint64_t soft, hard;
};

struct cl_landlock_rule {
  const char *path;  // absolute, in the cell
  uint64_t access;
  int source;  // O_PATH descriptor, opened by the monitor; -1: init opens the path
};

struct cl_filter {
  uint32_t count;         // instructions; written by the monitor before it says so on `life`
  bool listens;           // the monitor is to be told of the calls that it refuses
  uint64_t program[4096];  // struct sock_filter
  // A stricter one for the server, which init, who ends it, cannot carry; 0: the same for both.
  uint32_t server_count;
  uint64_t server_program[4096];
};

// What isolation level container needs to know beyond the rest.
struct cl_container {
  bool enabled;
  // Whether we have CAP_SETPCAP, which the bounding set and the securebits need.
  bool sets_securebits;
  // Whether Landlock knows the scope of signals.
  bool scopes_signals;
  // Real and saved user id of init when `privileged`: the server's processes can be ended by who
  // has their id as the effective one, and cannot signal who has it as that alone.
  uint32_t init_user;
  // Whether the server loads the filter itself, after its ids or because it has one of its own.
  bool late_filter;
  // Work: the monitor, init and its list of children; and where the server's process reads that
  // init has loaded its filter, too.
  int monitor, init, children, turn;
};

struct cl_plan {
  // Who. With `privileged` the caller is root: trees are opened before its rights go, and the
  // stage becomes `outside_*` before it enters the user namespace.
  bool privileged;
  uint32_t outside_user, outside_group, inside_user, inside_group;
  const char *host_name;
  const char *user_map, *group_map;  // the lines for /proc/self/{uid,gid}_map
  bool awaits_groups;                // the monitor has the groups mapped, so that they can be dropped
  // The file system.
  uint64_t root_size;
  uint64_t root_inodes;       // files and directories that the cell's own root may hold
  uint64_t temporary_inodes;  // the same of each other tmpfs
  struct cl_action *actions;
  size_t action_count;
  int landlock_abi;
  const struct cl_landlock_rule *landlock_rules;
  size_t landlock_rule_count;
  const struct cl_limit *limits;
  size_t limit_count;
  uint32_t umask;
  // Protections that the profile asks for.
  bool deny_write_execute, mitigate_speculation;
  // The server.
  const char *executable;
  const char *const *arguments;    // NULL-terminated
  const char *const *environment;  // NULL-terminated
  const char *working_directory;
  // Descriptors, all close-on-exec.
  int input, output, error;  // the server's 0, 1, 2
  int report;                // SOCK_SEQPACKET, to the monitor
  int word;                  // read end; one byte: exec now
  int life;                  // read end; a byte: a filter is there; EOF: the monitor is gone
  int group;                 // directory of the cell's control group, -1 for none
  int executed;              // write end; EOF at the monitor: exec happened
  struct cl_filter *filter;  // shared with the monitor
  const int *keep;           // descriptors of the monitor that the cell may inherit, ascending
  size_t keep_count;
  int skip;                  // a step to leave out; honoured in the test build only
  struct cl_container container;
};

enum cl_report_kind {
  CL_REPORT_FAILURE = 1,  // step, error, subject
  CL_REPORT_GROUPS,       // the stage waits for its groups: answered on the same socket with one
                          // byte, 1: mapped, 0: map your own
  CL_REPORT_INIT,         // init has its place; its process id comes with the credentials
  CL_REPORT_SERVER,       // the server waits for the word; facts below
  CL_REPORT_ENDED,        // status: the server's wait status
  CL_REPORT_LISTENER,     // the filter's listener comes with it, or error: there is none, and init
                          // waits for a filter that does without
};

struct cl_report {
  int32_t kind, step, error, status;
  // What only the process itself can read (prctl(2)), and what the Landlock canary said: the
  // errno of opening the cell's root directory before and after the ruleset was enforced.
  int32_t securebits, init_death_signal, server_death_signal, canary_before, canary_after;
  int32_t environment;  // bytes that are left of the caller's environment; -1: cannot be read
  // At isolation level container: whether init adopts orphans, the errno of listing its children,
  // and that of a signal from the server's process to init, by Landlock alone and in the end.
  int32_t subreaper, children, scope, reaches_init;
  // The errno of mapping memory that is written and executed, 0 if it was mapped; and what
  // PR_GET_SPECULATION_CTRL says, -1 if nothing.
  int32_t write_execute, store_bypass, indirect_branch;
  int64_t monotonic, boot;  // the cell's clocks of these names, in nanoseconds
  char subject[256];  // of a failure: on what; of CL_REPORT_SERVER: the cell's host name
};

// Forks the stage. Returns its process id or -errno. Call only while single-threaded.
int cl_cell_start(struct cl_plan *plan);

// Copies a program of `count` instructions, 1 to 4096, to where the cell looks for it.
void cl_cell_provide_filter(struct cl_filter *filter, const uint64_t *program, uint32_t count,
                            bool listens);
// The same for a program that only the server's process loads; before the other one.
void cl_cell_provide_server_filter(struct cl_filter *filter, const uint64_t *program,
                                   uint32_t count);

// Whether this build honours `skip` (the test build of the sealing order).
bool cl_cell_can_skip(void);

// Wrappers for system calls and constants that Swift cannot import (variadic, macro-valued, or
// without a glibc function). Each returns what the call returns, or -errno: no caller has to read
// errno after the fact.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A monotonic clock reading in microseconds, and the wall clock in microseconds since 1970.
int64_t cl_monotonic_microseconds(void);
int64_t cl_boot_microseconds(void);
int64_t cl_wall_microseconds(void);

// Files. `flags` are O_* values; O_CLOEXEC is always added.
int cl_open_at(int directory, const char *path, int flags, mode_t mode);
// openat2 with RESOLVE_* flags (openat2(2)).
int cl_open_at2(int directory, const char *path, uint64_t flags, uint64_t resolve);
int64_t cl_read(int descriptor, void *buffer, size_t count);
int64_t cl_read_at(int descriptor, void *buffer, size_t count, int64_t offset);
int64_t cl_write(int descriptor, const void *buffer, size_t count);
int64_t cl_receive(int descriptor, void *buffer, size_t count);
int64_t cl_send(int descriptor, const void *buffer, size_t count);
// Sends one message and with it the descriptor `passed`, -1 for none. Async-signal-safe.
int64_t cl_send_passing(int descriptor, const void *buffer, size_t count, int passed);
// The descriptors of one message that gives the relay a new server's pipes.
#define CL_PASSED_MOST 3
// Sends one message over a socket, never waiting, and with it `count` descriptors, at most
// CL_PASSED_MOST.
int64_t cl_send_descriptors(int descriptor, const void *buffer, size_t size, const int *passed,
                            size_t count);
// Receives one message, never waiting, and the descriptors that came with it, close-on-exec; more than
// CL_PASSED_MOST of them are closed and -EBADMSG.
int64_t cl_receive_descriptors(int descriptor, void *buffer, size_t size,
                               int passed[CL_PASSED_MOST], size_t *count);
int cl_close(int descriptor);
int cl_duplicate(int descriptor, int minimum);
int cl_get_flags(int descriptor);
int cl_set_nonblocking(int descriptor);
// F_SETPIPE_SZ (fcntl(2)).
int cl_set_pipe_size(int descriptor, int size);
int cl_pipe(int ends[2]);
int cl_socket_pair(int ends[2]);
int cl_pass_credentials(int descriptor);
// Receives one fixed-size message, the sender's process id as seen from our pid namespace, and the
// one descriptor that may come with it, -1 without; it is close-on-exec. A
// longer message is -EBADMSG, and so is one with more descriptors.
int64_t cl_receive_credentials(int descriptor, void *buffer, size_t count, int32_t *process,
                               int *passed);
int64_t cl_read_link_at(int directory, const char *path, char *buffer, size_t size);
// Whether the caller may, with its effective ids: 0 or -errno.
int cl_may_access(const char *path, bool writing);
// Whether the effective ids may write to and search a directory, also as far as mounts go.
bool cl_may_write(const char *path);
// PR_GET_SECUREBITS.
int cl_securebits(void);
// Whether the kernel lists children in /proc, and /proc numbers processes as we do.
bool cl_lists_children(void);
// The ids that files and other processes' entries of /proc are looked at with (setfsuid(2)), until
// it is called again with one's own. 0, or -EPERM when they did not change.
int cl_look_as(uint32_t user, uint32_t group);
// At the end of a cell whose init was killed: SIGKILL to every child but those in `keep`, once.
// Returns how many there were, or -errno.
int cl_kill_children(const int *keep, size_t count);
// Waits for every child that has ended but those in `keep`.
void cl_reap_others(const int *keep, size_t count);
// As process 1 the kernel ends us by no signal that we do not take: these do, with 128 + n.
int cl_end_on_signals(const int *signals, size_t count);
int cl_make_directory(const char *path, mode_t mode);
// How long (µs) standard error may still be waited for; -1, as it is at first: for ever.
void cl_set_patience_with_errors(int64_t microseconds);
int64_t cl_patience_with_errors(void);
// One of the signals that end a program (SIGTERM, SIGINT, SIGHUP, SIGQUIT) that is blocked and has come,
// 0 without. It stays where it is.
int cl_pending_end(void);

struct cl_file_facts {
  uint64_t device, inode, size;
  uint32_t mode, user, group, links;
};
// fstatat(2); `flags` are AT_* values.
int cl_file_facts(int directory, const char *path, int flags, struct cl_file_facts *out);

// Lists a directory's names, NUL separated, into `buffer`; returns the bytes used.
int64_t cl_list_directory(const char *path, char *buffer, size_t size);

// Processes.
int cl_fork(void);
_Noreturn void cl_exit(int status);
int cl_process_descriptor(int process);
int cl_signal_descriptor(int process_descriptor, int signal);
int cl_signal_process(int process, int signal);
struct cl_usage {
  int64_t user_microseconds, system_microseconds, maximum_resident_kib;
};
// wait4(2). Returns the process, 0 (nothing yet with `nonblocking`) or -errno.
int cl_wait(int process, bool nonblocking, int *status, struct cl_usage *usage);
bool cl_status_exited(int status);
int cl_status_code(int status);
int cl_status_signal(int status);
int cl_process_id(void);
int cl_parent_process_id(void);
uint32_t cl_user_id(void);
uint32_t cl_group_id(void);
int cl_supplementary_groups(uint32_t *groups, int count);
int cl_no_new_privileges(void);
int cl_parent_death_signal(int signal);
// The signal that is armed, 0 for none.
int cl_get_parent_death_signal(void);
int cl_set_dumpable(bool dumpable);
// 1 when other processes of the same user may look inside, 0 when not.
int cl_get_dumpable(void);
int cl_become_subreaper(void);
int cl_drop_groups(void);
int cl_set_groups_and_ids(uint32_t user, uint32_t group);
// Empties the bounding set; needs CAP_SETPCAP.
int cl_empty_bounding_set(void);
// Empties the ambient, inheritable, permitted and effective sets.
int cl_drop_capabilities(void);
int cl_set_name(const char *name);
int cl_close_range_except(const int *keep, size_t count);
int cl_kernel_release(char *buffer, size_t size);

// Signals: blocks `signals` and returns a signalfd for them; resets everything to default.
int cl_signal_descriptor_for(const int *signals, size_t count);
int cl_read_signal(int descriptor);
// Every signal as a new process has it (signal(7)).
int cl_reset_signals(void);
void cl_ignore_broken_pipe(void);
// Blocks these signals and no others.
int cl_set_signal_mask(const int *signals, size_t count);

// Landlock: ABI version (1 or more) or -errno; a ruleset that grants nothing, on this process.
int cl_landlock_abi(void);
int cl_landlock_deny_everything(void);
// seccomp(2) SECCOMP_SET_MODE_FILTER with a program of `count` struct sock_filter.
int cl_load_filter(const void *program, size_t count);

// Shared anonymous memory that survives fork; 0 length is not allowed. Returns NULL on failure.
void *cl_shared_memory(size_t size);

// poll(2) over parallel arrays; returns ready count or -errno.
struct cl_poll_entry {
  int descriptor;
  short events, revents;
};
// Lets others run first (sched_yield(2)); it cannot fail.
void cl_yield(void);
int cl_poll(struct cl_poll_entry *entries, size_t count, int timeout_milliseconds);
// Fills `buffer` with random bytes (getrandom(2)).
int cl_random(void *buffer, size_t count);
// getrlimit(2); RLIM_INFINITY is all ones.
int cl_get_limit(int resource, uint64_t *soft, uint64_t *hard);
// setrlimit(2), soft and hard alike, for good.
int cl_set_limit(int resource, uint64_t value);
const char *cl_error_text(int error);
// Overwrites the environment that this process was started with. Nothing may use it after.
void cl_forget_environment(void);
// The bytes that are left of it, where the kernel says that it is, or -1.
int cl_environment_bytes(void);
// The mappings of this process that it shares with others for writing (/proc/self/maps), or -1.
int cl_shared_mappings(void);
// Forgets the pages of our own program that were read in so far, and the free parts of the heap: what
// runs on is mapped again. For a process that has done its work and waits.
void cl_give_back_memory(void);
// Memory that later children do not have (madvise(2)), and memory that is given back.
int cl_keep_from_children(void *memory, size_t size);
int cl_unmap(void *memory, size_t size);
// getenv(3).
const char *cl_environment_value(const char *name);

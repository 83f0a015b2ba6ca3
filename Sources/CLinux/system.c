#define _GNU_SOURCE
#include "CLinux.h"
#include "errors.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t microseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t cl_monotonic_microseconds(void) { return microseconds(CLOCK_MONOTONIC); }
int64_t cl_boot_microseconds(void) { return microseconds(CLOCK_BOOTTIME); }
int64_t cl_wall_microseconds(void) { return microseconds(CLOCK_REALTIME); }

int cl_open_at(int directory, const char *path, int flags, mode_t mode) {
  return OR_ERRNO(openat(directory, path, flags | O_CLOEXEC, mode));
}

int cl_open_at2(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
  return (int)OR_ERRNO(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int64_t cl_read(int descriptor, void *buffer, size_t count) {
  return OR_ERRNO(read(descriptor, buffer, count));
}

int64_t cl_read_at(int descriptor, void *buffer, size_t count, int64_t offset) {
  return OR_ERRNO(pread(descriptor, buffer, count, offset));
}

int64_t cl_write(int descriptor, const void *buffer, size_t count) {
  return OR_ERRNO(write(descriptor, buffer, count));
}

int64_t cl_receive(int descriptor, void *buffer, size_t count) {
  return OR_ERRNO(recv(descriptor, buffer, count, MSG_DONTWAIT));
}

int64_t cl_send(int descriptor, const void *buffer, size_t count) {
  return OR_ERRNO(send(descriptor, buffer, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int64_t cl_send_passing(int descriptor, const void *buffer, size_t count, int passed) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = count};
  union {
    char space[CMSG_SPACE(sizeof passed)];
    struct cmsghdr header;
  } control = {{0}};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (passed >= 0) {
    control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                      .cmsg_len = CMSG_LEN(sizeof passed)};
    memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
    message.msg_control = &control;
    message.msg_controllen = sizeof control.space;
  }
  return OR_ERRNO(sendmsg(descriptor, &message, MSG_NOSIGNAL));
}

// Not retried on EINTR: on Linux the descriptor is gone either way (close(2)).
int cl_close(int descriptor) { return close(descriptor) == -1 ? -errno : 0; }

int cl_duplicate(int descriptor, int minimum) {
  return OR_ERRNO(fcntl(descriptor, F_DUPFD_CLOEXEC, minimum));
}

int cl_get_flags(int descriptor) { return OR_ERRNO(fcntl(descriptor, F_GETFL)); }

int cl_set_pipe_size(int descriptor, int size) {
  return fcntl(descriptor, F_SETPIPE_SZ, size) == -1 ? -errno : 0;
}

int cl_set_nonblocking(int descriptor) {
  int flags = cl_get_flags(descriptor);
  return flags < 0 ? flags : OR_ERRNO(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
}

int cl_pipe(int ends[2]) { return OR_ERRNO(pipe2(ends, O_CLOEXEC)); }

int cl_socket_pair(int ends[2]) {
  return OR_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
}

int cl_pass_credentials(int descriptor) {
  int on = 1;
  return OR_ERRNO(setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
}

int64_t cl_receive_credentials(int descriptor, void *buffer, size_t count, int32_t *process,
                               int *passed) {
  struct iovec part = {.iov_base = buffer, .iov_len = count};
  union {
    char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  int64_t received = OR_ERRNO(recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC));
  *process = 0;
  *passed = -1;
  if (received < 0) return received;
  bool too_much = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
      struct ucred credentials;
      memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
      *process = credentials.pid;
    }
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t index = 0; index < count; index++) {
        int descriptor_;
        memcpy(&descriptor_, CMSG_DATA(header) + index * sizeof descriptor_, sizeof descriptor_);
        if (*passed == -1) {
          *passed = descriptor_;
        } else {
          close(descriptor_);
          too_much = true;
        }
      }
    }
  }
  if (!too_much) return received;
  if (*passed >= 0) close(*passed);
  *passed = -1;
  return -EBADMSG;
}

int64_t cl_read_link_at(int directory, const char *path, char *buffer, size_t size) {
  return OR_ERRNO(readlinkat(directory, path, buffer, size));
}

int cl_may_access(const char *path, bool writing) {
  return OR_ERRNO(faccessat(AT_FDCWD, path, writing ? W_OK : R_OK, AT_EACCESS));
}

bool cl_may_write(const char *path) {
  return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

int cl_make_directory(const char *path, mode_t mode) { return OR_ERRNO(mkdir(path, mode)); }

static int64_t patience_with_errors = -1;

void cl_set_patience_with_errors(int64_t microseconds) { patience_with_errors = microseconds; }
int64_t cl_patience_with_errors(void) { return patience_with_errors; }

int cl_pending_end(void) {
  sigset_t pending;
  if (sigpending(&pending) == -1) return 0;
  static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  for (size_t index = 0; index < sizeof ends / sizeof *ends; index++)
    if (sigismember(&pending, ends[index]) == 1) return ends[index];
  return 0;
}

int cl_file_facts(int directory, const char *path, int flags, struct cl_file_facts *out) {
  struct stat facts;
  int result = OR_ERRNO(fstatat(directory, path, &facts, flags));
  if (result < 0) return result;
  *out = (struct cl_file_facts){.device = facts.st_dev,
                                .inode = facts.st_ino,
                                .size = (uint64_t)facts.st_size,
                                .mode = facts.st_mode,
                                .user = facts.st_uid,
                                .group = facts.st_gid,
                                .links = (uint32_t)facts.st_nlink};
  return 0;
}

int64_t cl_list_directory(const char *path, char *buffer, size_t size) {
  DIR *directory = opendir(path);
  if (!directory) return -errno;
  size_t used = 0;
  int64_t result = 0;
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(directory);
    if (!entry) {
      if (errno) result = -errno;
      break;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    size_t length = strlen(entry->d_name) + 1;
    if (used + length > size) {
      result = -E2BIG;
      break;
    }
    memcpy(buffer + used, entry->d_name, length);
    used += length;
  }
  closedir(directory);
  return result < 0 ? result : (int64_t)used;
}

int cl_fork(void) {
  pid_t process = fork();
  return process == -1 ? -errno : process;
}

_Noreturn void cl_exit(int status) { _exit(status); }

int cl_process_descriptor(int process) {
  return (int)OR_ERRNO(syscall(SYS_pidfd_open, process, 0));
}

int cl_signal_descriptor(int process_descriptor, int signal) {
  return (int)OR_ERRNO(syscall(SYS_pidfd_send_signal, process_descriptor, signal, NULL, 0));
}

int cl_signal_process(int process, int signal) { return OR_ERRNO(kill(process, signal)); }

int cl_wait(int process, bool nonblocking, int *status, struct cl_usage *usage) {
  struct rusage used;
  pid_t result = OR_ERRNO(wait4(process, status, nonblocking ? WNOHANG : 0, &used));
  if (result > 0 && usage) {
    usage->user_microseconds = (int64_t)used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec;
    usage->system_microseconds = (int64_t)used.ru_stime.tv_sec * 1000000 + used.ru_stime.tv_usec;
    usage->maximum_resident_kib = used.ru_maxrss;
  }
  return result;
}

bool cl_status_exited(int status) { return WIFEXITED(status); }
int cl_status_code(int status) { return WEXITSTATUS(status); }
int cl_status_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
int cl_process_id(void) { return getpid(); }
int cl_parent_process_id(void) { return getppid(); }
uint32_t cl_user_id(void) { return geteuid(); }
uint32_t cl_group_id(void) { return getegid(); }
int cl_supplementary_groups(uint32_t *groups, int count) {
  return OR_ERRNO(getgroups(count, groups));
}
int cl_no_new_privileges(void) { return OR_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int cl_get_parent_death_signal(void) {
  int signal = 0;
  return prctl(PR_GET_PDEATHSIG, &signal) == -1 ? -errno : signal;
}

int cl_parent_death_signal(int signal) { return OR_ERRNO(prctl(PR_SET_PDEATHSIG, signal)); }
int cl_set_dumpable(bool dumpable) { return OR_ERRNO(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0)); }
int cl_get_dumpable(void) { return OR_ERRNO(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)); }
int cl_become_subreaper(void) { return OR_ERRNO(prctl(PR_SET_CHILD_SUBREAPER, 1)); }
int cl_drop_groups(void) { return OR_ERRNO(setgroups(0, NULL)); }

int cl_set_groups_and_ids(uint32_t user, uint32_t group) {
  int result = cl_drop_groups();
  if (result < 0) return result;
  result = OR_ERRNO(setresgid(group, group, group));
  if (result < 0) return result;
  return OR_ERRNO(setresuid(user, user, user));
}

int cl_empty_bounding_set(void) {
  // EINVAL past the last capability that the running kernel knows.
  for (int capability = 0;; capability++)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == -1)
      return errno == EINVAL && capability > 0 ? 0 : -errno;
}

int cl_drop_capabilities(void) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1) return -errno;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  return (int)OR_ERRNO(syscall(SYS_capset, &header, none));
}

int cl_set_name(const char *name) { return OR_ERRNO(prctl(PR_SET_NAME, name)); }

int cl_close_range_except(const int *keep, size_t count) {
  unsigned next = 0;
  for (size_t index = 0; index <= count; index++) {
    unsigned last = index < count ? (unsigned)keep[index] : ~0u;
    if (index == count || last > next) {
      unsigned end = index < count ? last - 1 : ~0u;
      if (syscall(SYS_close_range, next, end, 0) == -1) return -errno;
    }
    next = last + 1;
  }
  return 0;
}

int cl_kernel_release(char *buffer, size_t size) {
  struct utsname name;
  if (uname(&name) == -1) return -errno;
  if (strlen(name.release) >= size) return -ENAMETOOLONG;
  strcpy(buffer, name.release);
  return 0;
}

int cl_signal_descriptor_for(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t index = 0; index < count; index++) sigaddset(&set, signals[index]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) return -errno;
  return OR_ERRNO(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int cl_read_signal(int descriptor) {
  struct signalfd_siginfo information;
  int64_t count = cl_read(descriptor, &information, sizeof information);
  if (count < 0) return (int)count;
  return count == sizeof information ? (int)information.ssi_signo : -EIO;
}

// A file that may not grow further is an error like any other here: EFBIG, and not our end.
int cl_reset_signals(void) {
  // By the raw call, because the C library keeps signals 32 and 33 to itself, and a caller may
  // have ignored them.
  static const struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } standard = {0};
  for (int number = 1; number <= 64; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    if (syscall(SYS_rt_sigaction, number, &standard, NULL, sizeof standard.mask) == -1)
      return -errno;
  }
  return 0;
}

void cl_ignore_broken_pipe(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int cl_set_signal_mask(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t index = 0; index < count; index++) sigaddset(&set, signals[index]);
  return OR_ERRNO(sigprocmask(SIG_SETMASK, &set, NULL));
}

int cl_load_filter(const void *program, size_t count) {
  struct sock_fprog filter = {.len = (unsigned short)count,
                              .filter = (struct sock_filter *)(uintptr_t)program};
  return (int)OR_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}

void *cl_shared_memory(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

_Static_assert(sizeof(struct cl_poll_entry) == sizeof(struct pollfd), "same layout");

void cl_yield(void) { sched_yield(); }

int cl_poll(struct cl_poll_entry *entries, size_t count, int timeout_milliseconds) {
  int ready = poll((struct pollfd *)entries, count, timeout_milliseconds);
  return ready == -1 ? -errno : ready;
}

const char *cl_error_text(int error) {
  const char *text = strerrordesc_np(error);
  return text ? text : "unknown error";
}

const char *cl_environment_value(const char *name) { return getenv(name); }

int cl_get_limit(int resource, uint64_t *soft, uint64_t *hard) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) == -1) return -errno;
  *soft = limit.rlim_cur;
  *hard = limit.rlim_max;
  return 0;
}

int cl_set_limit(int resource, uint64_t value) {
  struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
  return OR_ERRNO(setrlimit(resource, &limit));
}

int cl_random(void *buffer, size_t count) {
  ssize_t result = OR_ERRNO(getrandom(buffer, count, 0));
  return result == (ssize_t)count ? 0 : result < 0 ? (int)result : -EIO;
}

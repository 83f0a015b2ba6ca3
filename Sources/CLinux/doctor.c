// Trials for `anchorhold doctor`. See cl_doctor.h.
//
// A trial does what the cell's child path does, because what a kernel's policy allows cannot be
// told from its version: Ubuntu's AppArmor lets the namespace be made and refuses the mount in it.
#define _GNU_SOURCE
#include "cl_doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cl_listener.h"

static int answer_end;

static _Noreturn void answer(int step, int error, int64_t value) {
  struct cl_trial_result result = {.step = step, .error = error, .value = value};
  ssize_t count = write(answer_end, &result, sizeof result);
  _exit(count == sizeof result ? 0 : 1);
}

#define MUST(step, call)                                              \
  do {                                                                \
    if ((call) == -1) answer(CL_TRIAL_STEP_##step, errno, 0);         \
  } while (0)

static int write_text(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file == -1) return -1;
  ssize_t count = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return count == -1 ? -1 : 0;
}

// ---- namespaces -----------------------------------------------------------------------------

static void become_outside_user(uint32_t user) {
  if (geteuid() != 0) return;
  MUST(CHANGE_USER, setgroups(0, NULL));
  MUST(CHANGE_USER, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  MUST(CHANGE_USER, setresgid(user, user, user));
  MUST(CHANGE_USER, setresuid(user, user, user));
  // The change made us non-dumpable, and our own files in /proc are root's until this.
  MUST(CHANGE_USER, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static void enter(uint32_t outside_user, int flags, int map) {
  become_outside_user(outside_user);
  uid_t user = geteuid();
  gid_t group = getegid();
  MUST(UNSHARE, unshare(flags | CLONE_NEWUSER));
  if (!map) return;
  char text[64];
  MUST(DENY_GROUPS, write_text("/proc/self/setgroups", "deny"));
  snprintf(text, sizeof text, "1000 %u 1", user);
  MUST(MAP_USER, write_text("/proc/self/uid_map", text));
  snprintf(text, sizeof text, "1000 %u 1", group);
  MUST(MAP_GROUP, write_text("/proc/self/gid_map", text));
}

// Goes on in a child, which is the first process of a new pid namespace.
static void continue_in_child(void) {
  pid_t child = fork();
  MUST(CHILD, child);
  if (child == 0) return;
  int status;
  while (waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  _exit(0);
}

// ---- mounts ---------------------------------------------------------------------------------

static void make_private(void) {
  struct mount_attr private_ = {.propagation = MS_PRIVATE};
  MUST(PROPAGATION,
       syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private_, sizeof private_));
}

static int make_mount(const char *type, const char *const *options) {
  int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  MUST(OPEN_FILE_SYSTEM, context);
  for (; *options; options += 2)
    MUST(CONFIGURE,
         syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, options[0], options[1], 0));
  MUST(CONFIGURE, syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  int mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  MUST(CREATE_MOUNT, mount);
  close(context);
  return mount;
}

static void attach_to(int mount, const char *path) {
  MUST(ATTACH, syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH));
}

static const char *const no_options[] = {NULL};
static const char *const proc_options[] = {"hidepid", "ptraceable", "subset", "pid", NULL};

static void try_mounts(enum cl_trial trial, uint32_t user) {
  enter(user, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
                  CLONE_NEWNET,
        1);
  continue_in_child();
  make_private();
  if (trial == CL_TRIAL_PROC) {
    // The one place that is there on every machine.
    attach_to(make_mount("proc", proc_options), "/");
    return;
  }
  int tree = -1;
  if (trial == CL_TRIAL_BIND) {
    tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/",
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    MUST(OPEN_TREE, tree);
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                               MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    MUST(RESTRICT_TREE, syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
                                &read_only, sizeof read_only));
  }
  int root = make_mount("tmpfs", no_options);
  attach_to(root, "/");
  if (trial == CL_TRIAL_BIND) {
    MUST(ATTACH, mkdirat(root, "tree", 0755));
    int target = openat(root, "tree", O_PATH | O_CLOEXEC);
    MUST(ATTACH, target);
    MUST(ATTACH, syscall(SYS_move_mount, tree, "", target, "",
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
    struct statvfs facts;
    int bound = openat(root, "tree", O_PATH | O_CLOEXEC);
    MUST(ATTACH, bound);
    MUST(ATTACH, fstatvfs(bound, &facts));
    if (!(facts.f_flag & ST_RDONLY)) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
  }
  if (trial == CL_TRIAL_PIVOT) {
    MUST(PIVOT, fchdir(root));
    MUST(PIVOT, syscall(SYS_pivot_root, ".", "."));
    MUST(DETACH, umount2(".", MNT_DETACH));
    if (access("/proc", F_OK) == 0) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
  }
}

static void try_loopback(uint32_t user) {
  enter(user, CLONE_NEWNET, 1);
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  MUST(SOCKET, socket_);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  MUST(INTERFACE, ioctl(socket_, SIOCSIFFLAGS, &request));
}

// ---- rights ---------------------------------------------------------------------------------

static void give_up_new_privileges(void) {
  MUST(SET, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

static void try_filter(void) {
  give_up_new_privileges();
  struct sock_filter instructions[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTNAM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  uint32_t kill = SECCOMP_RET_KILL_PROCESS;
  MUST(SET, syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill));
  struct sock_fprog program = {.len = 4, .filter = instructions};
  MUST(LOAD, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
  if (syscall(SYS_getppid) != -1 || errno != ENOTNAM) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

static _Noreturn void try_landlock(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  MUST(LOAD, abi);
  give_up_new_privileges();
  uint64_t handled = LANDLOCK_ACCESS_FS_READ_DIR;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  MUST(LOAD, ruleset);
  MUST(ENFORCE, syscall(SYS_landlock_restrict_self, ruleset, 0));
  if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) != -1)
    answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, abi);
  answer(CL_TRIAL_STEP_NONE, 0, abi);
}

static void try_capabilities(uint32_t user) {
  enter(user, 0, 1);
  for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
    MUST(SET, prctl(PR_CAPBSET_DROP, number, 0, 0, 0));
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}}, now[2];
  MUST(SET, syscall(SYS_capset, &header, none));
  MUST(SET, syscall(SYS_capget, &header, now));
  for (int half = 0; half < 2; half++)
    if (now[half].effective | now[half].permitted | now[half].inheritable)
      answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

static void try_limits(void) {
  static const int resources[] = {RLIMIT_CPU,  RLIMIT_FSIZE, RLIMIT_DATA,
                                  RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_NOFILE};
  for (size_t index = 0; index < sizeof resources / sizeof *resources; index++) {
    struct rlimit value;
    MUST(SET, getrlimit(resources[index], &value));
    value.rlim_cur = value.rlim_max;
    MUST(SET, setrlimit(resources[index], &value));
  }
}

static void try_resolve(void) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                         .resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS};
  MUST(SET, syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how));
}

static void try_close_range(void) {
  // Above what is open, which must stay, and below the limit.
  struct rlimit limit;
  MUST(SET, getrlimit(RLIMIT_NOFILE, &limit));
  int above = limit.rlim_cur < 2000 ? (int)limit.rlim_cur / 2 : 1000;
  int copy = fcntl(0, F_DUPFD, above);
  if (copy == -1) copy = fcntl(answer_end, F_DUPFD, above);
  MUST(SET, copy);
  MUST(SET, syscall(SYS_close_range, copy, ~0U, 0));
  if (fcntl(copy, F_GETFD) != -1) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

static void try_pidfd(void) {
  int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
  MUST(SET, process);
  MUST(SET, syscall(SYS_pidfd_send_signal, process, 0, NULL, 0));
}

// ---- without namespaces ---------------------------------------------------------------------

static void try_own_user(uint32_t user) {
  if (geteuid() != 0) return;
  MUST(CHANGE_USER, setgroups(0, NULL));
  MUST(CHANGE_USER, setresgid(user, user, user));
  MUST(CHANGE_USER, setresuid(user, user, user));
  if (getgroups(0, NULL) != 0 || geteuid() != user) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

// A child that waits for its end, which comes with ours at the latest.
static pid_t start_waiting(void) {
  pid_t self = getpid(), child = fork();
  MUST(FORK, child);
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (getppid() == self) pause();
  _exit(0);
}

static void try_children(void) {
  pid_t child = start_waiting();
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/self/task/%ld/children", syscall(SYS_gettid));
  int file = open(path, O_RDONLY | O_CLOEXEC);
  MUST(OPEN, file);
  ssize_t count = read(file, text, sizeof text - 1);
  MUST(OPEN, count);
  text[count] = 0;
  if (strtol(text, NULL, 10) != child) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

static void try_bounding(void) {
  for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
    MUST(SET, prctl(PR_CAPBSET_DROP, number, 0, 0, 0));
}

static void try_notification(void) {
  give_up_new_privileges();
  struct sock_filter instructions[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  int listener = cl_load_filter_listening(instructions, 4);
  if (listener < 0) answer(CL_TRIAL_STEP_LOAD, -listener, 0);
  pid_t child = fork();
  MUST(FORK, child);
  // Not by getppid(), which is how it would ask whether we live; its own death signal does.
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(syscall(SYS_getppid) == -1 && errno == ENOTNAM ? 0 : 1);
  }
  struct pollfd waiting = {.fd = listener, .events = POLLIN};
  if (poll(&waiting, 1, 2000) != 1) {
    kill(child, SIGKILL);
    answer(CL_TRIAL_STEP_NOTIFY, ETIMEDOUT, 0);
  }
  struct cl_denied_call call;
  int result = cl_next_denied_call(listener, &call);
  if (result == 0) result = cl_refuse_call(listener, call.id, ENOTNAM);
  if (result < 0) answer(CL_TRIAL_STEP_NOTIFY, -result, 0);
  int status;
  MUST(NOTIFY, waitpid(child, &status, 0));
  if (status != 0) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

static void try_read_back(uint32_t user) {
  int ready[2];
  MUST(FORK, pipe2(ready, O_CLOEXEC));
  pid_t child = fork();
  MUST(FORK, child);
  char byte = 1, path[64], theirs[64] = {0}, ours[64] = {0};
  if (child == 0) {
    enter(user, CLONE_NEWNS | CLONE_NEWNET, 1);
    // Armed after the change of rights, which clears it; the pipe says whether that was too late.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (write(ready[1], &byte, 1) == 1) pause();
    _exit(1);
  }
  close(ready[1]);
  // Without a byte the child has answered already, and says what stood in its way.
  if (read(ready[0], &byte, 1) != 1) _exit(0);
  snprintf(path, sizeof path, "/proc/%d/status", child);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file == -1) {
    int error = errno;
    kill(child, SIGKILL);
    answer(CL_TRIAL_STEP_OPEN, error, 0);
  }
  snprintf(path, sizeof path, "/proc/%d/ns/user", child);
  ssize_t count = readlink(path, theirs, sizeof theirs - 1);
  int error = errno;
  kill(child, SIGKILL);
  if (count == -1) answer(CL_TRIAL_STEP_OPEN, error, 0);
  MUST(OPEN, readlink("/proc/self/ns/user", ours, sizeof ours - 1));
  if (strcmp(ours, theirs) == 0) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
}

// Each of these the kernel answers with another error than these, whatever its version and the
// caller's rights: flags that do not exist come first. Where a call is not known at all ENOSYS is the
// kernel's own, and says nothing.
static int is_refused(long result) {
  return result == -1 && (errno == EPERM || errno == EACCES);
}

static _Noreturn void try_refused(void) {
  int64_t refused = 0;
  if (is_refused(unshare(CLONE_NEWUSER | 1))) refused |= CL_REFUSED_UNSHARE;
  if (is_refused(syscall(SYS_open_tree, -1, "", 0x40000000))) refused |= CL_REFUSED_MOUNT;
  if (is_refused(syscall(SYS_landlock_create_ruleset, NULL, 0, 0x80000000)))
    refused |= CL_REFUSED_LANDLOCK;
  if (is_refused(syscall(SYS_seccomp, 0x7fffffff, 0, NULL))) refused |= CL_REFUSED_SECCOMP;
  answer(CL_TRIAL_STEP_NONE, 0, refused);
}

static _Noreturn void try(enum cl_trial trial, uint32_t user) {
  switch (trial) {
    case CL_TRIAL_USER_NAMESPACE: enter(user, 0, 0); break;
    case CL_TRIAL_ID_MAP: enter(user, 0, 1); break;
    case CL_TRIAL_MOUNT_NAMESPACE: enter(user, CLONE_NEWNS, 0); break;
    case CL_TRIAL_PID_NAMESPACE:
      enter(user, CLONE_NEWPID, 0);
      continue_in_child();
      if (getpid() != 1) answer(CL_TRIAL_STEP_WITHOUT_EFFECT, 0, 0);
      break;
    case CL_TRIAL_IPC_NAMESPACE: enter(user, CLONE_NEWIPC, 0); break;
    case CL_TRIAL_UTS_NAMESPACE:
      enter(user, CLONE_NEWUTS, 0);
      MUST(SET, sethostname("cell", 4));
      break;
    case CL_TRIAL_CGROUP_NAMESPACE: enter(user, CLONE_NEWCGROUP, 0); break;
    case CL_TRIAL_NETWORK_NAMESPACE: enter(user, CLONE_NEWNET, 0); break;
    case CL_TRIAL_TIME_NAMESPACE: enter(user, CLONE_NEWTIME, 0); break;
    case CL_TRIAL_MOUNT:
    case CL_TRIAL_BIND:
    case CL_TRIAL_PIVOT:
    case CL_TRIAL_PROC: try_mounts(trial, user); break;
    case CL_TRIAL_LOOPBACK: try_loopback(user); break;
    case CL_TRIAL_NO_NEW_PRIVILEGES: give_up_new_privileges(); break;
    case CL_TRIAL_SECCOMP: try_filter(); break;
    case CL_TRIAL_LANDLOCK: try_landlock();
    case CL_TRIAL_CAPABILITIES: try_capabilities(user); break;
    case CL_TRIAL_LIMITS: try_limits(); break;
    case CL_TRIAL_RESOLVE: try_resolve(); break;
    case CL_TRIAL_CLOSE_RANGE: try_close_range(); break;
    case CL_TRIAL_PIDFD: try_pidfd(); break;
    case CL_TRIAL_OWN_USER: try_own_user(user); break;
    case CL_TRIAL_CHILDREN: try_children(); break;
    case CL_TRIAL_BOUNDING: try_bounding(); break;
    case CL_TRIAL_NOTIFICATION: try_notification(); break;
    case CL_TRIAL_READ_BACK: try_read_back(user); break;
    case CL_TRIAL_REFUSED: try_refused();
  }
  answer(CL_TRIAL_STEP_NONE, 0, 0);
}

struct cl_trial_result cl_trial_run(enum cl_trial trial, uint32_t outside_user) {
  struct cl_trial_result result = {.step = CL_TRIAL_STEP_FORK};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) {
    result.error = errno;
    return result;
  }
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    answer_end = ends[1];
    try(trial, outside_user);
  }
  if (child == -1) result.error = errno;
  close(ends[1]);
  ssize_t count;
  do count = read(ends[0], &result, sizeof result);
  while (count == -1 && errno == EINTR);
  close(ends[0]);
  int status = 0;
  while (child != -1 && waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  if (count != sizeof result && child != -1) {
    // Ended before it could answer: by a signal, as a filter around us would send.
    result.step = CL_TRIAL_STEP_CHILD;
    result.error = ECHILD;
  }
  return result;
}

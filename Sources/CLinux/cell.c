// The stage and the init of a cell. See cl_cell.h for the three processes.
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const step_texts[] = {
#define CL_STEP_TEXT(name, text) [CL_STEP_##name] = text,
    CL_STEPS(CL_STEP_TEXT)
#undef CL_STEP_TEXT
};

static const char *const step_names[] = {
#define CL_STEP_NAME(name, text) [CL_STEP_##name] = #name,
    CL_STEPS(CL_STEP_NAME)
#undef CL_STEP_NAME
};

const char *cl_step_text(int step) {
  return step >= 0 && step < CL_STEP_COUNT ? step_texts[step] : "unknown step";
}

const char *cl_step_name(int step) {
  return step >= 0 && step < CL_STEP_COUNT ? step_names[step] : "UNKNOWN";
}

bool cl_cell_can_skip(void) {
#ifdef CL_SKIP_STEPS
  return true;
#else
  return false;
#endif
}

void cl_cell_provide_filter(struct cl_filter *filter, const uint64_t *program, uint32_t count,
                            bool listens) {
  memcpy(filter->program, program, count * sizeof *program);
  filter->count = count;
  filter->listens = listens;
}

void cl_cell_provide_server_filter(struct cl_filter *filter, const uint64_t *program,
                                   uint32_t count) {
  memcpy(filter->server_program, program, count * sizeof *program);
  filter->server_count = count;
}

// `descriptor` goes with the report, -1 for none.
static void report_with(const struct cl_plan *plan, const struct cl_report *report,
                        int descriptor) {
  // No one to tell means that the monitor is gone, and with it the cell.
  if (cl_send_passing(plan->report, report, sizeof *report, descriptor) < 0) _exit(125);
}

void cl_cell_report(const struct cl_plan *plan, const struct cl_report *report) {
  report_with(plan, report, -1);
}

_Noreturn void cl_cell_fail(const struct cl_plan *plan, enum cl_step step, int error,
                            const char *subject) {
  struct cl_report report = {.kind = CL_REPORT_FAILURE, .step = step, .error = error};
  if (subject) {
    size_t length = strnlen(subject, sizeof report.subject - 1);
    memcpy(report.subject, subject, length);
  }
  cl_cell_report(plan, &report);
  _exit(125);
}

// ---- stage ----------------------------------------------------------------------------------

static void write_file(const struct cl_plan *plan, const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file == -1) cl_cell_fail(plan, CL_STEP_ID_MAP, errno, path);
  size_t length = strlen(text);
  if (write(file, text, length) != (ssize_t)length) cl_cell_fail(plan, CL_STEP_ID_MAP, errno, path);
  close(file);
}

// Root becomes the cell's own id on the host before it enters the user namespace, because then
// the id map is a map of oneself, and no id of the caller is left to come back to.
static void become_outside_user(const struct cl_plan *plan) {
  CL_MUST(plan, CL_STEP_CALLER_GROUPS, setgroups(0, NULL), "setgroups");
  // Kept so that a kernel that lets only the privileged make user namespaces still lets us.
  CL_MUST(plan, CL_STEP_CALLER_IDS, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities");
  CL_MUST(plan, CL_STEP_CALLER_IDS,
          setresgid(plan->outside_group, plan->outside_group, plan->outside_group), "group");
  CL_MUST(plan, CL_STEP_CALLER_IDS,
          setresuid(plan->outside_user, plan->outside_user, plan->outside_user), "user");
}

// Whether the monitor has had the groups mapped. Only a privileged program can do that in a way that
// leaves setgroups open (user_namespaces(7)), and it works on a process that waits.
static bool await_groups(const struct cl_plan *plan) {
  struct cl_report waiting = {.kind = CL_REPORT_GROUPS};
  cl_cell_report(plan, &waiting);
  char answer = 0;
  ssize_t count;
  do count = recv(plan->report, &answer, 1, 0);
  while (count == -1 && errno == EINTR);
  if (count != 1) _exit(125);
  return answer == 1;
}

static void enter_namespaces(const struct cl_plan *plan) {
  static const struct {
    enum cl_step step;
    int flag;
  } kinds[] = {
      {CL_STEP_USER_NAMESPACE, CLONE_NEWUSER}, {CL_STEP_MOUNT_NAMESPACE, CLONE_NEWNS},
      {CL_STEP_PID_NAMESPACE, CLONE_NEWPID},   {CL_STEP_IPC_NAMESPACE, CLONE_NEWIPC},
      {CL_STEP_UTS_NAMESPACE, CLONE_NEWUTS},   {CL_STEP_CGROUP_NAMESPACE, CLONE_NEWCGROUP},
      {CL_STEP_NETWORK_NAMESPACE, CLONE_NEWNET}, {CL_STEP_TIME_NAMESPACE, CLONE_NEWTIME},
  };
  int flags = 0;
  for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
    if (!CL_SKIPPED(plan, kinds[index].step)) flags |= kinds[index].flag;
  }
  // All in one call, because some container filters let only that through.
  if (unshare(flags) == -1) {
    int error = errno;
    // A kernel may be built without this kind alone.
    bool has_time = error != EINVAL || access("/proc/self/ns/time", F_OK) == 0;
    cl_cell_fail(plan, has_time ? CL_STEP_USER_NAMESPACE : CL_STEP_TIME_NAMESPACE, error,
                 "unshare");
  }
  if (CL_SKIPPED(plan, CL_STEP_ID_MAP) || CL_SKIPPED(plan, CL_STEP_USER_NAMESPACE)) return;
  // A change of ids made us non-dumpable, and then /proc/self belongs to root.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
    cl_cell_fail(plan, CL_STEP_ID_MAP, errno, "dumpable");
  write_file(plan, "/proc/self/uid_map", plan->user_map);
  if (plan->awaits_groups && await_groups(plan)) {
    // At once, while nothing of the host has been opened from in here.
    CL_MUST(plan, CL_STEP_CALLER_GROUPS, setgroups(0, NULL), "setgroups");
  } else {
    write_file(plan, "/proc/self/setgroups", "deny");
    write_file(plan, "/proc/self/gid_map", plan->group_map);
  }
  cl_cell_set_clocks(plan);
}

// ---- init -----------------------------------------------------------------------------------

static void bring_loopback_up(const struct cl_plan *plan) {
  if (CL_SKIPPED(plan, CL_STEP_LOOPBACK)) return;
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (socket_ == -1 || ioctl(socket_, SIOCSIFFLAGS, &request) == -1)
    cl_cell_fail(plan, CL_STEP_LOOPBACK, errno, "lo");
  close(socket_);
}

static void set_limits(const struct cl_plan *plan) {
  if (!CL_SKIPPED(plan, CL_STEP_LIMIT)) {
    for (size_t index = 0; index < plan->limit_count; index++) {
      const struct cl_limit *limit = &plan->limits[index];
      struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
      // Without a user namespace it would count what has nothing to do with this cell: the init of
      // every other one. The server's process sets it.
      if (plan->container.enabled && limit->resource == RLIMIT_NPROC) continue;
      if (setrlimit(limit->resource, &value) == -1)
        cl_cell_fail(plan, CL_STEP_LIMIT, errno, "setrlimit");
    }
  }
  if (!CL_SKIPPED(plan, CL_STEP_UMASK)) umask(plan->umask);
}

static void die_with_monitor(const struct cl_plan *plan) {
  // Where no pid namespace ends with init, init has to end the others first: by a signal that it
  // takes, once there are others.
  int number = plan->container.enabled ? SIGTERM : SIGKILL;
  CL_MUST(plan, CL_STEP_PARENT_DEATH, prctl(PR_SET_PDEATHSIG, number), "init");
  // getppid is 0 across pid namespaces and says nothing; the life pipe does, because a monitor
  // that ended before the signal was armed has closed its end.
  struct pollfd life = {.fd = plan->life, .events = POLLIN};
  if (poll(&life, 1, 0) == 1 && (life.revents & POLLHUP) && !(life.revents & POLLIN)) _exit(125);
}

static void await_filter(int descriptor) {
  char word;
  ssize_t count;
  do count = read(descriptor, &word, 1);
  while (count == -1 && errno == EINTR);
  if (count != 1) _exit(125);
}

// The last wall, before there is a server's process: it is born with it, the first look sees it, and
// the kernel compiles it once. What init and the server's process still do is on its list.
static void load_filter(const struct cl_plan *plan, bool server) {
  if (CL_SKIPPED(plan, CL_STEP_FILTER)) return;
  // There is one listener, for the filter that the server has.
  const struct cl_filter *filter = plan->filter;
  bool own = server && filter->server_count > 0;
  const uint64_t *program = own ? filter->server_program : filter->program;
  const uint32_t *count = own ? &filter->server_count : &filter->count;
  if (filter->listens && server == plan->container.late_filter) {
    struct cl_report report = {.kind = CL_REPORT_LISTENER};
    int listener = cl_load_filter_listening(program, *count);
    if (listener < 0) report.error = -listener;
    report_with(plan, &report, listener);
    if (listener >= 0) {
      // The monitor has it. A process of the cell with a copy could answer for it.
      if (close(listener) == -1) cl_cell_fail(plan, CL_STEP_FILTER, errno, "close");
      return;
    }
    // Nothing was loaded. The same refusals without a listener are the same wall. The server's
    // process has a pipe of its own to wait on: init, which has its filter, watches the other one.
    await_filter(server ? plan->word : plan->life);
  }
  int result = cl_load_filter(program, *count);
  if (result < 0) cl_cell_fail(plan, CL_STEP_FILTER, -result, "seccomp");
}

void cl_cell_load_filter(const struct cl_plan *plan, bool server) {
  load_filter(plan, server);
  // Nothing that could be said over memory shared with the monitor is of use to anybody now.
  if (munmap(plan->filter, sizeof *plan->filter) == -1)
    cl_cell_fail(plan, CL_STEP_FILTER, errno, "munmap");
}

static int canary(void) {
  int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root == -1) return errno;
  close(root);
  return 0;
}

// Ends the cell. The kernel kills every other process of the namespace when its init ends; where
// there is no namespace, we do first: nobody may take the session for ended while something of it
// runs.
static _Noreturn void end_with(const struct cl_plan *plan, int status) {
  struct cl_report report = {.kind = CL_REPORT_ENDED, .status = status};
  if (plan->container.enabled) cl_container_end_descendants(plan, -1);
  cl_cell_report(plan, &report);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

// The monitor is gone, or wants the end at once.
static _Noreturn void end(const struct cl_plan *plan, pid_t server) {
  if (!plan->container.enabled) _exit(125);
  end_with(plan, cl_container_end_descendants(plan, server));
}

static void sort(int *numbers, int count) {
  for (int end = count; end > 1; end--)
    for (int index = 0; index + 1 < end; index++)
      if (numbers[index] > numbers[index + 1]) {
        int swap = numbers[index];
        numbers[index] = numbers[index + 1];
        numbers[index + 1] = swap;
      }
}

static _Noreturn void run_init(const struct cl_plan *plan, pid_t server, int signals) {
  // Nothing but what init itself uses stays open; above all not the server's pipes, whose end
  // the relay must see when the last process of the server closes them.
  int keep[4] = {plan->report, plan->life, signals}, count = 3;
  if (plan->container.children >= 0) keep[count++] = plan->container.children;
  sort(keep, count);
  int result = cl_close_range_except(keep, (size_t)count);
  if (result < 0) cl_cell_fail(plan, CL_STEP_DESCRIPTORS, -result, "init");

  for (;;) {
    struct pollfd waiting[] = {{.fd = signals, .events = POLLIN},
                               {.fd = plan->life, .events = POLLIN}};
    if (poll(waiting, 2, -1) == -1 && errno != EINTR) end(plan, server);
    // The monitor says nothing more on this pipe: whatever happens to it is the monitor's end.
    if (waiting[1].revents) end(plan, server);
    if (!(waiting[0].revents & POLLIN)) continue;
    struct signalfd_siginfo information;
    if (read(signals, &information, sizeof information) != sizeof information) continue;
#ifdef CL_BACKDOOR
    if (information.ssi_signo == SIGUSR2 && information.ssi_code == SI_QUEUE)
      cl_cell_backdoor(plan->report, information.ssi_int);
#endif
    if (information.ssi_signo != SIGCHLD) {
      // Our death signal, should somebody else hold the pipe open.
      if (plan->container.enabled && getppid() != plan->container.monitor) end(plan, server);
      kill(server, (int)information.ssi_signo);
      continue;
    }
    int status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == server) end_with(plan, status);
    }
  }
}

static _Noreturn void init(struct cl_plan *plan) {
  // From here on the monitor's end is our end, also while the cell is being built.
  die_with_monitor(plan);
  struct cl_report here = {.kind = CL_REPORT_INIT};
  cl_cell_report(plan, &here);
  setsid();

  struct cl_report ready = {.kind = CL_REPORT_SERVER};
  if (plan->container.enabled) {
    cl_container_prepare(plan, &ready);
  } else {
    bring_loopback_up(plan);
    CL_MUST(plan, CL_STEP_HOST_NAME, sethostname(plan->host_name, strlen(plan->host_name)),
            plan->host_name);
    cl_cell_build_root(plan);
  }
  // The rules' paths are opened while we still may, the ruleset is enforced when rights are gone.
  int ruleset = cl_cell_prepare_landlock(plan);
  set_limits(plan);
  if (plan->container.enabled) cl_container_drop_rights(plan);
  else cl_cell_drop_rights(plan);
  ready.environment = cl_environment_bytes();
  ready.canary_before = canary();
  if (!CL_SKIPPED(plan, CL_STEP_LANDLOCK)) {
    int result = cl_landlock_restrict(ruleset);
    if (result < 0) cl_cell_fail(plan, CL_STEP_LANDLOCK, -result, "landlock_restrict_self");
  }
  ready.canary_after = canary();
  // Armed again, because the change of ids and capabilities cleared it.
  die_with_monitor(plan);
  if (prctl(PR_GET_PDEATHSIG, &ready.init_death_signal) == -1)
    cl_cell_fail(plan, CL_STEP_PARENT_DEATH, errno, "read back");
  CL_MUST(plan, CL_STEP_INIT_DUMPABLE, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "init");

  sigset_t forwarded;
  sigemptyset(&forwarded);
  static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
  for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++)
    sigaddset(&forwarded, numbers[index]);
  if (sigprocmask(SIG_SETMASK, &forwarded, NULL) == -1)
    cl_cell_fail(plan, CL_STEP_SIGNALS, errno, "init");
  int signals = signalfd(-1, &forwarded, SFD_CLOEXEC);
  if (signals == -1) cl_cell_fail(plan, CL_STEP_SIGNALS, errno, "signalfd");

  // Before the filter, which lets nobody change these settings.
  cl_cell_harden(plan);
  await_filter(plan->life);
  if (!plan->container.late_filter) cl_cell_load_filter(plan, false);
  int turn[2] = {-1, -1};
  if (plan->container.late_filter && pipe2(turn, O_CLOEXEC) == -1)
    cl_cell_fail(plan, CL_STEP_FILTER, errno, "pipe");
  plan->container.turn = turn[0];
  pid_t server = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (server == -1) cl_cell_fail(plan, CL_STEP_SERVER, errno, "clone");
  if (server == 0) {
    // Else it would wait for itself, should init be killed.
    if (turn[1] != -1) close(turn[1]);
    cl_cell_run_server(plan, &ready);
  }
  if (plan->container.late_filter) {
    cl_cell_load_filter(plan, false);
    // The server's process reports only then, and so the first look is at two sealed processes.
    if (write(turn[1], "", 1) != 1) cl_cell_fail(plan, CL_STEP_FILTER, errno, "pipe");
  }
  run_init(plan, server, signals);
}

static _Noreturn void stage(struct cl_plan *plan) {
  // First of all, because a copy of the monitor's end of the life pipe in the cell would keep
  // the cell alive when the monitor is gone.
  int closed = cl_close_range_except(plan->keep, plan->keep_count);
  if (closed < 0) cl_cell_fail(plan, CL_STEP_DESCRIPTORS, -closed, "stage");
  // Here and after each change of rights, which clears it: what follows may wait for a file system.
  die_with_monitor(plan);
  // What stage and init have of the monitor's memory holds the caller's environment, and so perhaps
  // secrets. Processes of the id that a root's stage becomes may read it for a while, and init
  // stays beside the server for good.
  if (!CL_SKIPPED(plan, CL_STEP_ENVIRONMENT)) cl_forget_environment();
  if (!plan->container.enabled) {
    if (plan->privileged) {
      cl_cell_open_trees(plan);
      become_outside_user(plan);
      die_with_monitor(plan);
    }
    enter_namespaces(plan);
    die_with_monitor(plan);
    if (!plan->privileged) cl_cell_open_trees(plan);
  }
  // A raw clone, because the C library's fork knows no CLONE_PARENT: init becomes the monitor's
  // own child, so that the monitor can wait for it and its death signal points at the monitor.
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (child == -1) cl_cell_fail(plan, CL_STEP_INIT, errno, "clone");
  if (child == 0) init(plan);
  _exit(0);
}

// The way into the control group for a kernel or a container filter that has no clone3. Through a
// descriptor, and as the caller: the cell's own id may not do this.
static void enter_group(const struct cl_plan *plan) {
  int list = openat(plan->group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (list == -1 || write(list, "0", 1) != 1)
    cl_cell_fail(plan, CL_STEP_CGROUP, errno, "cgroup.procs");
  close(list);
}

int cl_cell_start(struct cl_plan *plan) {
  plan->container.monitor = getpid();
  bool enters = plan->group >= 0 && !CL_SKIPPED(plan, CL_STEP_CGROUP);
  pid_t child = -1;
  if (enters) {
    // Born there: moving a process later takes the kernel many milliseconds.
    struct clone_args how = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)plan->group};
    child = (pid_t)syscall(SYS_clone3, &how, sizeof how);
  }
  if (child == -1) {
    child = fork();
    if (child == -1) return -errno;
    // Whatever stood in the way of clone3: this says why, or works.
    if (child == 0 && enters) enter_group(plan);
  }
  if (child == 0) stage(plan);
  return child;
}

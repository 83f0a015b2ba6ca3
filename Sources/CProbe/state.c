// Attempts that look at what a process has: rights, ids, limits, descriptors, what it can see. Here
// "done" means that something is open which a cell keeps shut, so that the words mean the same as
// for an attempt that acts.
#define _GNU_SOURCE
#include "CProbe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void settle(struct cp_outcome *out, bool worked) {
  out->error = worked ? 0 : errno;
  out->word = worked ? "done" : "refused";
}

static void found(struct cp_outcome *out, bool open) {
  out->error = 0;
  out->word = open ? "done" : "refused";
}

static void unknown(struct cp_outcome *out, const char *why) {
  out->error = errno;
  out->word = "unknown";
  snprintf(out->detail, sizeof out->detail, "%s", why);
}

// ---- rights ---------------------------------------------------------------------------------

typedef struct __user_cap_data_struct capability_sets[2];

static bool get_sets(capability_sets sets) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  return syscall(SYS_capget, &header, sets) == 0;
}

static bool put_sets(capability_sets sets) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  return syscall(SYS_capset, &header, sets) == 0;
}

static void try_set(const char *which, struct cp_outcome *out) {
  capability_sets sets;
  if (!get_sets(sets)) return unknown(out, "capget");
  uint64_t any = 0;
  for (int i = 0; i < 2; i++) {
    if (strcmp(which, "effective") == 0) any |= sets[i].effective;
    if (strcmp(which, "permitted") == 0) any |= sets[i].permitted;
    if (strcmp(which, "inheritable") == 0) any |= sets[i].inheritable;
  }
  for (int number = 0; number < 64; number++) {
    bool ambient = strcmp(which, "ambient") == 0;
    if (!ambient && strcmp(which, "bounding") != 0) continue;
    int held = ambient ? prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0)
                       : prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (held == 1) any |= 1ULL << number;
  }
  found(out, any != 0);
  snprintf(out->detail, sizeof out->detail, "0x%llx", (unsigned long long)any);
}

static void try_raise(const char *which, struct cp_outcome *out) {
  capability_sets sets;
  const uint32_t raw = 1u << CAP_NET_RAW;
  if (!get_sets(sets)) return unknown(out, "capget");
  if (strcmp(which, "effective") == 0) {
    sets[0].effective |= raw;
    sets[0].permitted |= raw;
  }
  if (strcmp(which, "effective") != 0) sets[0].inheritable |= raw;
  bool raised = put_sets(sets);
  if (strcmp(which, "ambient") == 0)
    raised = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0;
  settle(out, raised);
}

static void try_ids(const char *expected, struct cp_outcome *out) {
  unsigned user, group;
  uid_t u[3];
  gid_t g[3];
  if (sscanf(expected, "%u:%u", &user, &group) != 2) return unknown(out, "ids");
  if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
    return unknown(out, "getresuid");
  bool same = true;
  for (int i = 0; i < 3; i++) same = same && u[i] == user && g[i] == group;
  found(out, !same);
  snprintf(out->detail, sizeof out->detail, "uid %u %u %u, gid %u %u %u", u[0], u[1], u[2], g[0],
           g[1], g[2]);
}

static void try_groups(struct cp_outcome *out) {
  int count = getgroups(0, NULL);
  if (count < 0) return unknown(out, "getgroups");
  found(out, count > 0);
  snprintf(out->detail, sizeof out->detail, "%d", count);
}

// ---- limits ---------------------------------------------------------------------------------

// "RESOURCE:SOFT:HARD", in the kernel's numbers.
static void try_limit(const char *text, bool set, struct cp_outcome *out) {
  unsigned resource;
  unsigned long long soft, hard;
  if (sscanf(text, "%u:%llu:%llu", &resource, &soft, &hard) != 3) return unknown(out, "limit");
  struct rlimit limit = {soft, hard};
  if (set) return settle(out, setrlimit((__rlimit_resource_t)resource, &limit) == 0);
  if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) return unknown(out, "getrlimit");
  found(out, limit.rlim_cur != soft || limit.rlim_max != hard);
  snprintf(out->detail, sizeof out->detail, "%llu %llu", (unsigned long long)limit.rlim_cur,
           (unsigned long long)limit.rlim_max);
}

static void try_map(const char *size, struct cp_outcome *out) {
  void *bytes = mmap(NULL, (size_t)strtoull(size, NULL, 10), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  settle(out, bytes != MAP_FAILED);
}

// One byte at a far place of a file that has no other.
static void try_sparse(const char *place, struct cp_outcome *out) {
  int file = memfd_create("probe", MFD_CLOEXEC);
  if (file < 0) return unknown(out, "memfd_create");
  signal(SIGXFSZ, SIG_IGN);
  settle(out, pwrite(file, "x", 1, (off_t)strtoll(place, NULL, 10)) == 1);
}

// ---- what can be seen -----------------------------------------------------------------------

static void try_extra_descriptors(struct cp_outcome *out) {
  found(out, false);
  for (int fd = 3; fd < 65536; fd++) {
    if (fcntl(fd, F_GETFD) == -1) continue;
    found(out, true);
    snprintf(out->detail, sizeof out->detail, "descriptor %d is open", fd);
    return;
  }
}

static void try_not_pipe(const char *fd, struct cp_outcome *out) {
  struct stat facts;
  bool open = fstat(atoi(fd), &facts) == 0;
  found(out, !open || !S_ISFIFO(facts.st_mode));
}

// Processes other than init, ourselves and those that we come from.
static void try_foreign(struct cp_outcome *out) {
  DIR *directory = opendir("/proc");
  if (directory == NULL) return settle(out, false);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    int process = atoi(entry->d_name);
    if (process > 1 && process != getpid() && process != getppid()) count++;
  }
  found(out, count > 0);
  snprintf(out->detail, sizeof out->detail, "%d other processes", count);
}

static void try_interfaces(struct cp_outcome *out) {
  FILE *file = fopen("/proc/self/net/dev", "re");
  if (file == NULL) return settle(out, false);
  char line[512];
  found(out, false);
  for (int number = 0; fgets(line, sizeof line, file) != NULL; number++) {
    const char *name = line + strspn(line, " ");
    if (number < 2 || strncmp(name, "lo:", 3) == 0) continue;
    found(out, true);
    snprintf(out->detail, sizeof out->detail, "%.*s", (int)strcspn(name, ":"), name);
  }
}

// `names` is a list with commas around and between its entries. Values are never shown.
static void try_environment(const char *names, struct cp_outcome *out) {
  found(out, false);
  for (char **entry = environ; *entry != NULL; entry++) {
    char wanted[512];
    int length = (int)strcspn(*entry, "=");
    if (length < 500) snprintf(wanted, sizeof wanted, ",%.*s,", length, *entry);
    if (length < 500 && strstr(names, wanted) != NULL) continue;
    found(out, true);
    snprintf(out->detail, sizeof out->detail, "%.*s", length < 200 ? length : 200, *entry);
    return;
  }
}

static void try_names(const char *host, struct cp_outcome *out) {
  struct utsname name;
  if (uname(&name) != 0) return unknown(out, "uname");
  found(out, strcmp(name.nodename, host) == 0);
}

// "CLOCK:SECONDS:WINDOW": whether the clock shows about that.
static void try_clock(const char *text, struct cp_outcome *out) {
  char name[16];
  long long wanted, window, seconds;
  if (sscanf(text, "%15[^:]:%lld:%lld", name, &wanted, &window) != 3) return unknown(out, "clock");
  struct timespec now;
  struct sysinfo facts;
  if (strcmp(name, "uptime") == 0) {
    if (sysinfo(&facts) != 0) return unknown(out, "sysinfo");
    seconds = facts.uptime;
  } else {
    clockid_t clock = strcmp(name, "boot") == 0   ? CLOCK_BOOTTIME
                      : strcmp(name, "wall") == 0 ? CLOCK_REALTIME
                                                  : CLOCK_MONOTONIC;
    if (clock_gettime(clock, &now) != 0) return unknown(out, "clock_gettime");
    seconds = now.tv_sec;
  }
  found(out, seconds > wanted - window && seconds < wanted + window);
  snprintf(out->detail, sizeof out->detail, "%lld s", seconds);
}

static void try_new_terminal(struct cp_outcome *out) {
  settle(out, open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0);
}

// What exec handed on. The probe is looked at before it makes children, which start without it;
// "bad" is the control: the same look at a process that was made as it should not be.
static int death_signal_at_start = -1;
static pid_t init_process = -1;

void cp_look_at_start(void) {
  prctl(PR_GET_PDEATHSIG, &death_signal_at_start);
  init_process = getppid();
}

static void try_death_signal(bool bad, struct cp_outcome *out) {
  int number = death_signal_at_start;
  if (bad && (prctl(PR_SET_PDEATHSIG, 0) != 0 || prctl(PR_GET_PDEATHSIG, &number) != 0))
    return unknown(out, "death signal");
  found(out, number != SIGKILL);
}

static void try_umask(bool bad, struct cp_outcome *out) {
  if (bad) umask(022);
  found(out, umask(077) != 077);
}

static void try_session(bool bad, struct cp_outcome *out) {
  if (bad && setsid() == -1) return unknown(out, "setsid");
  // The probe, our parent, leads a session.
  found(out, getsid(0) != getppid());
}

static void try_signals(bool bad, struct cp_outcome *out) {
  if (bad) signal(SIGUSR1, SIG_IGN);
  found(out, false);
  sigset_t blocked;
  if (sigprocmask(SIG_SETMASK, NULL, &blocked) != 0) return unknown(out, "sigprocmask");
  for (int number = 1; number < 65; number++) {
    struct sigaction action;
    bool ignored = sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    if (!ignored && sigismember(&blocked, number) != 1) continue;
    found(out, true);
    snprintf(out->detail, sizeof out->detail, "signal %d", number);
  }
}

static void try_not_proc(const char *path, struct cp_outcome *out) {
  struct statfs facts;
  found(out, statfs(path, &facts) != 0 || facts.f_type != 0x9fa0);
}

// "ipc:[4026531839]": whether that is our own namespace of its kind.
static void try_namespace(const char *identity, struct cp_outcome *out) {
  char path[64], ours[64] = {0};
  snprintf(path, sizeof path, "/proc/self/ns/%.*s", (int)strcspn(identity, ":"), identity);
  if (readlink(path, ours, sizeof ours - 1) <= 0) return unknown(out, "/proc/self/ns");
  found(out, strcmp(ours, identity) == 0);
}

// A new terminal for the control, which a process without one takes by opening it.
static bool take_terminal(void) {
  int zero = 0;
  unsigned number;
  char path[64];
  int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || setsid() == -1 || ioctl(terminal, TIOCSPTLCK, &zero) != 0 ||
      ioctl(terminal, TIOCGPTN, &number) != 0)
    return false;
  snprintf(path, sizeof path, "/dev/pts/%u", number);
  // Its end would be a signal to us.
  signal(SIGHUP, SIG_IGN);
  return open(path, O_RDWR | O_CLOEXEC) >= 0;
}

static void try_terminal(bool bad, struct cp_outcome *out) {
  if (bad && !take_terminal()) return unknown(out, "terminal");
  char text[1024] = {0};
  int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text, sizeof text - 1) <= 0) return unknown(out, "/proc/self/stat");
  // After the name: state, parent, group, session, terminal.
  const char *rest = strrchr(text, ')');
  int terminal;
  if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %d", &terminal) != 1)
    return unknown(out, "/proc/self/stat");
  found(out, terminal != 0);
}

// ---- other processes ------------------------------------------------------------------------

// "1" is the cell's init, and "init" is it where there is no pid namespace. Outside "own" is a
// process that is made for this. Any other number is what it says.
static pid_t victim(const char *who) {
  if (strcmp(who, "init") == 0) return init_process > 1 ? init_process : -1;
  if (*who >= '2' && *who <= '9') return atoi(who);
  if (*who == '1' && who[1] != 0) return atoi(who);
  // The probe is the second process of its pid namespace. Where it is not, that wall is down, and
  // process 1 is nobody to try this on.
  if (strcmp(who, "1") == 0) return getppid() == 2 ? 1 : -1;
  pid_t child = fork();
  if (child == 0) {
    alarm(2);
    for (;;) pause();
  }
  return child;
}

static void try_kill(const char *who, int number, struct cp_outcome *out) {
  pid_t process = victim(who);
  if (process <= 0) return unknown(out, "fork");
  int sent = kill(process, number);
  int error = errno;
  struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
  nanosleep(&moment, NULL);
  if (strcmp(who, "own") == 0) waitpid(process, NULL, WNOHANG);
  // That we still can say this is half of the answer: init's end would be ours.
  bool gone = sent == 0 && kill(process, 0) == -1 && errno == ESRCH;
  found(out, gone);
  out->error = sent == 0 ? 0 : error;
}

static void try_peek(const char *who, bool write, struct cp_outcome *out) {
  pid_t process = victim(who);
  if (process <= 0) return unknown(out, "fork");
  static char there[8], here[8];
  struct iovec local = {here, sizeof here}, remote = {there, sizeof there};
  // For init the address means nothing, but rights are looked at before it.
  ssize_t count = write ? process_vm_writev(process, &local, 1, &remote, 1, 0)
                        : process_vm_readv(process, &local, 1, &remote, 1, 0);
  settle(out, count > 0);
  if (count < 0 && errno == EFAULT) out->word = "reached";
  if (strcmp(who, "own") == 0) kill(process, SIGKILL);
}

static void try_seize(const char *who, struct cp_outcome *out) {
  pid_t process = victim(who);
  if (process <= 0) return unknown(out, "fork");
  settle(out, syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, process, 0, 0) == 0);
  if (strcmp(who, "own") == 0) kill(process, SIGKILL);
}

// What needs no signal and reaches another process all the same. It is set to what it is.
static void try_other(const char *what, const char *who, struct cp_outcome *out) {
  pid_t process = victim(who);
  if (process <= 0) return unknown(out, "no such process");
  if (strcmp(what, "limit") == 0) {
    struct rlimit limit;
    settle(out, syscall(SYS_prlimit64, process, RLIMIT_CORE, NULL, &limit) == 0);
  } else if (strcmp(what, "priority") == 0) {
    errno = 0;
    int value = getpriority(PRIO_PROCESS, (id_t)process);
    settle(out, errno == 0 && setpriority(PRIO_PROCESS, (id_t)process, value) == 0);
  } else if (strcmp(what, "affinity") == 0) {
    unsigned long mask[128];
    long size = syscall(SYS_sched_getaffinity, process, sizeof mask, mask);
    settle(out, size > 0 && syscall(SYS_sched_setaffinity, process, size, mask) == 0);
  } else {
    long value = syscall(SYS_ioprio_get, 1, process);
    settle(out, value >= 0 && syscall(SYS_ioprio_set, 1, process, value) == 0);
  }
  if (strcmp(who, "own") == 0) kill(process, SIGKILL);
}

// A file of /proc/PROCESS: "1:environ" in the cell, "parent:environ" outside.
static void try_process_file(const char *text, struct cp_outcome *out) {
  const char *colon = strchr(text, ':');
  if (colon == NULL) return unknown(out, "name");
  int process = strncmp(text, "parent:", 7) == 0 ? getppid()
                : strncmp(text, "init:", 5) == 0 ? init_process
                                                 : atoi(text);
  char path[128], byte;
  snprintf(path, sizeof path, "/proc/%d/%s", process, colon + 1);
  struct stat facts;
  if (lstat(path, &facts) == 0 && S_ISLNK(facts.st_mode))
    return settle(out, readlink(path, &byte, 1) > 0);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  // Nothing is at address 0 of mem; that it opens is enough.
  settle(out, file >= 0);
}

static void try_stay(const char *milliseconds, struct cp_outcome *out) {
  pid_t child = fork();
  if (child < 0) return unknown(out, "fork");
  if (child > 0) {
    waitpid(child, NULL, 0);
    return settle(out, true);
  }
  setsid();
  if (fork() != 0) _exit(0);
  for (int number = 1; number < 64; number++) signal(number, SIG_IGN);
  long span = atol(milliseconds);
  struct timespec time = {span / 1000, (span % 1000) * 1000000};
  // With it our output stays open: as long as somebody has it, this process lives.
  nanosleep(&time, NULL);
  _exit(0);
}

bool cp_attempt_state(const char *name, struct cp_outcome *out) {
  const char *colon = strchr(name, ':');
  const char *rest = colon == NULL ? "" : colon + 1;
  size_t verb = colon == NULL ? strlen(name) : (size_t)(colon - name);
#define VERB(word) (verb == strlen(word) && memcmp(name, word, verb) == 0)
  errno = 0;
  if (VERB("capabilities")) try_set(rest, out);
  else if (VERB("raise")) try_raise(rest, out);
  else if (VERB("new-privileges")) found(out, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
  else if (VERB("open-securebits")) found(out, prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != 0xEF);
  else if (VERB("no-filter")) found(out, prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2);
  else if (VERB("other-ids")) try_ids(rest, out);
  else if (VERB("groups")) try_groups(out);
  else if (VERB("limit-differs")) try_limit(rest, false, out);
  else if (VERB("limit-set")) try_limit(rest, true, out);
  else if (VERB("map")) try_map(rest, out);
  else if (VERB("sparse")) try_sparse(rest, out);
  else if (VERB("extra-descriptors")) try_extra_descriptors(out);
  else if (VERB("not-a-pipe")) try_not_pipe(rest, out);
  else if (VERB("foreign-processes")) try_foreign(out);
  else if (VERB("interfaces")) try_interfaces(out);
  else if (VERB("environment-beyond")) try_environment(rest, out);
  else if (VERB("variable")) found(out, getenv(rest) != NULL);
  else if (VERB("host-name")) try_names(rest, out);
  else if (VERB("clock")) try_clock(rest, out);
  else if (VERB("new-terminal")) try_new_terminal(out);
  else if (VERB("kill-9")) try_kill(rest, SIGKILL, out);
  else if (VERB("peek")) try_peek(rest, false, out);
  else if (VERB("poke")) try_peek(rest, true, out);
  else if (VERB("seize")) try_seize(rest, out);
  else if (VERB("other-limit")) try_other("limit", rest, out);
  else if (VERB("other-priority")) try_other("priority", rest, out);
  else if (VERB("other-affinity")) try_other("affinity", rest, out);
  else if (VERB("other-io-priority")) try_other("io-priority", rest, out);
  else if (VERB("process-file")) try_process_file(rest, out);
  else if (VERB("no-death-signal")) try_death_signal(*rest != 0, out);
  else if (VERB("open-umask")) try_umask(*rest != 0, out);
  else if (VERB("other-session")) try_session(*rest != 0, out);
  else if (VERB("deaf-to-signals")) try_signals(*rest != 0, out);
  else if (VERB("has-terminal")) try_terminal(*rest != 0, out);
  else if (VERB("not-proc")) try_not_proc(rest, out);
  else if (VERB("namespace")) try_namespace(rest, out);
  else if (VERB("stay")) try_stay(rest, out);
  else return false;
#undef VERB
  return true;
}

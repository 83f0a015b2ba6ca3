// Mapping the groups of a user namespace by a program that may. See cl_groups.h.
#define _GNU_SOURCE
#include "cl_groups.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cl_system.h"

static int64_t milliseconds_now(void) { return cl_monotonic_microseconds() / 1000; }

// From fork to exec: async-signal-safe calls only.
static _Noreturn void become(int program, const char *const *arguments, int says) {
  static const char *const nothing[] = {NULL};
  sigset_t none;
  sigemptyset(&none);
  // Out of the way of 0 to 2, which the caller may have been started without.
  program = fcntl(program, F_DUPFD_CLOEXEC, 3);
  says = fcntl(says, F_DUPFD_CLOEXEC, 3);
  int null = open("/dev/null", O_RDWR);
  // Close-on-exec and not closed: the program is executed by its descriptor.
  if (program == -1 || says == -1 || null == -1 || chdir("/") == -1 || dup2(null, 0) == -1 ||
      dup2(null, 1) == -1 || dup2(says, 2) == -1 ||
      syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == -1 || cl_reset_signals() < 0 ||
      sigprocmask(SIG_SETMASK, &none, NULL) == -1)
    _exit(126);
  syscall(SYS_execveat, program, "", arguments, nothing, AT_EMPTY_PATH);
  _exit(126);
}

static int wait_for(pid_t child, int *status) {
  while (waitpid(child, status, 0) == -1)
    if (errno != EINTR) return -errno;
  return 0;
}

struct cl_command_end cl_run_command(int program, const char *const *arguments, int milliseconds) {
  struct cl_command_end end = {0};
  int pipe_[2];
  if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) == -1) {
    end.error = errno;
    return end;
  }
  pid_t child = fork();
  if (child == 0) become(program, arguments, pipe_[1]);
  if (child == -1) end.error = errno;
  close(pipe_[1]);
  int process = child == -1 ? -1 : (int)syscall(SYS_pidfd_open, child, 0);
  if (child != -1 && process == -1) {
    end.error = errno;
    kill(child, SIGKILL);
    wait_for(child, &end.status);
  }
  int says = pipe_[0], error;
  size_t length = 0;
  int64_t deadline = milliseconds_now() + milliseconds;
  for (bool ended = process == -1; !ended;) {
    struct pollfd waiting[] = {{.fd = process, .events = POLLIN}, {.fd = says, .events = POLLIN}};
    int64_t left = deadline - milliseconds_now();
    int ready = left > 0 ? poll(waiting, 2, (int)left) : 0;
    if (ready == -1 && errno == EINTR) continue;
    if (ready <= 0) {
      end.error = ready == 0 ? ETIMEDOUT : errno;
      // Its real user is ours, also when it runs with root's rights: kill(2).
      kill(child, SIGKILL);
    }
    ended = ready <= 0 || waiting[0].revents;
    // What does not fit is read as well, so that it does not wait for us.
    char rest[256];
    bool fits = length + 1 < sizeof end.said;
    ssize_t count = says == -1 ? -1
                    : fits     ? read(says, end.said + length, sizeof end.said - 1 - length)
                               : read(says, rest, sizeof rest);
    if (count > 0 && fits) length += (size_t)count;
    if (count == 0) {
      close(says);
      says = -1;
    }
  }
  if (process != -1 && (error = wait_for(child, &end.status)) < 0 && end.error == 0)
    end.error = -error;
  if (process != -1) close(process);
  if (says != -1) close(says);
  return end;
}

static int write_text(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file == -1) return -1;
  ssize_t count = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return count == (ssize_t)strlen(text) ? 0 : -1;
}

// An answer is a number of groups, or -errno.
static _Noreturn void answer(int end, int number) {
  ssize_t sent = send(end, &number, sizeof number, MSG_NOSIGNAL);
  _exit(sent != sizeof number);
}

static _Noreturn void try_groups(int end) {
  char text[64], word;
  uid_t user = geteuid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWUSER) == -1) answer(end, -errno);
  // Otherwise /proc/PID is root's, and the program refuses to map it for anybody else.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1) answer(end, -errno);
  snprintf(text, sizeof text, "1000 %u 1", user);
  if (write_text("/proc/self/uid_map", text) == -1) answer(end, -errno);
  int ready = 0;
  if (send(end, &ready, sizeof ready, MSG_NOSIGNAL) != sizeof ready) _exit(1);
  if (recv(end, &word, 1, 0) != 1 || word != 1) _exit(1);
  if (setgroups(0, NULL) == -1) answer(end, -errno);
  int left = getgroups(0, NULL);
  answer(end, left == -1 ? -errno : left);
}

static int hear(int end) {
  int number;
  ssize_t count;
  do count = recv(end, &number, sizeof number, MSG_WAITALL);
  while (count == -1 && errno == EINTR);
  return count == sizeof number ? number : -ECHILD;
}

int cl_group_trial_begin(struct cl_group_trial *trial) {
  int ends[2], status;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) return -errno;
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    try_groups(ends[1]);
  }
  int error = errno;
  close(ends[1]);
  if (child == -1) {
    close(ends[0]);
    return -error;
  }
  int ready = hear(ends[0]);
  if (ready != 0) {
    close(ends[0]);
    wait_for(child, &status);
    return ready;
  }
  trial->process = child;
  trial->end = ends[0];
  return 0;
}

int cl_group_trial_end(struct cl_group_trial *trial, int mapped) {
  int status, result = 0;
  char word = mapped ? 1 : 0;
  if (send(trial->end, &word, 1, MSG_NOSIGNAL) != 1) result = -errno;
  if (mapped && result == 0) result = hear(trial->end);
  close(trial->end);
  int failed = wait_for(trial->process, &status);
  return result == 0 ? failed : result;
}

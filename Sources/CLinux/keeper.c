// See cl_keeper.h. From the fork on only async-signal-safe calls, over what was laid out before.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// How long the processes of a control group may take to end, and a directory to become empty while
// the processes that write to it end, in microseconds.
#define PATIENCE 20000000

static int open_beneath(int parent, const char *name, uint64_t flags) {
  struct open_how how = {
      .flags = flags | O_CLOEXEC | O_NOFOLLOW,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
  int file;
  do file = (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
  while (file == -1 && (errno == EINTR || errno == EAGAIN));
  return file == -1 ? -errno : file;
}

// ---- making -----------------------------------------------------------------------------------

static int make(struct cl_kept *kept) {
  if (mkdirat(kept->parent, kept->name, 0700) == -1) return errno;
  int directory = open_beneath(kept->parent, kept->name, O_RDONLY | O_DIRECTORY);
  struct stat status;
  int error = directory < 0 ? -directory : 0;
  if (!error && fstat(directory, &status) == -1) error = errno;
  // As long as the keeper lives, nobody who sweeps takes it for left over.
  if (!error && kept->kind == CL_KEPT_CGROUP && flock(directory, LOCK_SH | LOCK_NB) == -1)
    error = errno;
  bool owned = kept->user != UINT32_MAX || kept->group != UINT32_MAX;
  if (!error && owned && fchown(directory, kept->user, kept->group) == -1) error = errno;
  // After the owner, because a change of it takes bits away.
  if (!error && fchmod(directory, kept->mode) == -1) error = errno;
  if (error) {
    if (directory >= 0) close(directory);
    unlinkat(kept->parent, kept->name, AT_REMOVEDIR);
    return error;
  }
  kept->directory = directory;
  kept->device = status.st_dev;
  kept->inode = status.st_ino;
  return 0;
}

// ---- removing ---------------------------------------------------------------------------------

static void pause_briefly(void) {
  struct timespec moment = {.tv_nsec = 5000000};
  nanosleep(&moment, NULL);
}

// Kills what is in a control group and waits until nothing is.
static int empty_cgroup(int directory) {
  int control = open_beneath(directory, "cgroup.kill", O_WRONLY);
  if (control < 0) return control;
  ssize_t written = write(control, "1", 1);
  int error = written == 1 ? 0 : -errno;
  close(control);
  int events = error ? error : open_beneath(directory, "cgroup.events", O_RDONLY);
  if (events < 0) return events;
  for (int64_t end = cl_monotonic_microseconds() + PATIENCE;;) {
    char text[256];
    ssize_t length = pread(events, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = 0;
    if (length <= 0 || strstr(text, "populated 0")) break;
    if (cl_monotonic_microseconds() > end) {
      error = -ETIMEDOUT;
      break;
    }
    // The kernel says when it changes; a moment that was missed costs no more than this.
    struct pollfd change = {.fd = events, .events = POLLPRI};
    poll(&change, 1, 100);
  }
  close(events);
  return error;
}

int cl_keeper_remove(const struct cl_kept *kept) {
  int directory = open_beneath(kept->parent, kept->name, O_RDONLY | O_DIRECTORY);
  if (directory == -ENOENT) return 0;
  if (directory < 0) return directory;
  struct stat status;
  int error = fstat(directory, &status) == -1 ? -errno : 0;
  // What somebody put in its place is not ours to remove.
  if (!error && (status.st_dev != kept->device || status.st_ino != kept->inode)) error = -ESTALE;
  if (error) {
    close(directory);
    return error;
  }
  // Processes of the session may still write while they are being killed: until it stays empty.
  for (int64_t end = cl_monotonic_microseconds() + PATIENCE;;) {
    error = kept->kind == CL_KEPT_CGROUP ? empty_cgroup(directory) : cl_empty_directory(directory);
    if (!error && unlinkat(kept->parent, kept->name, AT_REMOVEDIR) == 0) break;
    if (!error) error = -errno;
    if (error == -ENOENT) error = 0;
    if (!error || cl_monotonic_microseconds() > end) break;
    if (error != -ENOTEMPTY && error != -EBUSY && error != -EEXIST) break;
    pause_briefly();
  }
  close(directory);
  return error;
}

static int remove_all(struct cl_kept *kept, size_t count) {
  int result = 0;
  // Control groups first, because what is in them may write to the directories.
  for (int pass = 0; pass < 2; pass++)
    for (size_t index = 0; index < count; index++) {
      if ((kept[index].kind == CL_KEPT_CGROUP) != (pass == 0) || kept[index].directory < 0)
        continue;
      int error = cl_keeper_remove(&kept[index]);
      close(kept[index].directory);
      if (error) result = error;
    }
  return result;
}

int cl_keeper_sweep(int parent, const char *name, int64_t age) {
  int directory = open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return directory;
  struct stat status;
  int error = fstat(directory, &status) == -1 ? -errno : 0;
  // Between its making and the lock nobody holds it; that takes no minute.
  if (!error && cl_wall_microseconds() / 1000000 - status.st_ctime < age) error = -EAGAIN;
  if (!error && flock(directory, LOCK_EX | LOCK_NB) == -1) error = -errno;
  // The kernel removes only a group that no process is in.
  if (!error && unlinkat(parent, name, AT_REMOVEDIR) == -1) error = -errno;
  close(directory);
  return error;
}

// ---- the process ------------------------------------------------------------------------------

// Of root's rights those over files are needed: what a server of another id made has to go.
static int keep_file_rights(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct held[2];
  if (syscall(SYS_capget, &header, held) == -1) return errno;
  const uint32_t wanted = 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_CHOWN;
  struct __user_cap_data_struct rest[2] = {
      {.effective = held[0].effective & wanted, .permitted = held[0].permitted & wanted}, {0}};
  if (syscall(SYS_capset, &header, rest) == -1) return errno;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ? errno : 0;
}

static int become_keeper(const struct cl_kept *kept, size_t count, int life, int answer) {
  // A terminal and a process group signal every process that they know of, and this one has to
  // be there after all the others.
  sigset_t all;
  sigfillset(&all);
  if (setsid() == -1 || sigprocmask(SIG_SETMASK, &all, NULL) == -1) return errno;
  if (prctl(PR_SET_PDEATHSIG, 0) == -1 || prctl(PR_SET_NAME, "anchor-keeper") == -1) return errno;
  if (prctl(PR_SET_DUMPABLE, 0) == -1 || chdir("/") == -1) return errno;
  int keep[CL_KEPT_MOST + 2] = {life, answer};
  size_t used = 2;
  for (size_t index = 0; index < count; index++) keep[used++] = kept[index].parent;
  for (size_t end = used; end > 1; end--)
    for (size_t index = 0; index + 1 < end; index++)
      if (keep[index] > keep[index + 1]) {
        int swap = keep[index];
        keep[index] = keep[index + 1];
        keep[index + 1] = swap;
      }
  // Two things may have one parent.
  size_t distinct = 1;
  for (size_t index = 1; index < used; index++)
    if (keep[index] != keep[distinct - 1]) keep[distinct++] = keep[index];
  int closed = cl_close_range_except(keep, distinct);
  return closed < 0 ? -closed : keep_file_rights();
}

static _Noreturn void run(struct cl_kept *kept, size_t count, int life, int answer) {
  int error = become_keeper(kept, count, life, answer);
  for (size_t index = 0; index < count && !error; index++) error = make(&kept[index]);
  if (error) {
    remove_all(kept, count);
    for (size_t index = 0; index < count; index++) kept[index].error = error;
  }
  size_t size = count * sizeof *kept;
  ssize_t written = write(answer, kept, size);
  close(answer);
  if (error || written != (ssize_t)size) _exit(error ? 0 : remove_all(kept, count) ? 1 : 0);
  // Nothing is ever written to it: it ends when the last copy of the other end is closed.
  char byte;
  ssize_t count_;
  do count_ = read(life, &byte, 1);
  while (count_ == -1 && errno == EINTR);
  int result = remove_all(kept, count);
  _exit(result ? 1 : 0);
}

int cl_keeper_start(struct cl_kept *kept, size_t count, int *life) {
  if (count == 0 || count > CL_KEPT_MOST) return -EINVAL;
  int lives[2], answers[2];
  int result = cl_pipe(lives);
  if (result < 0) return result;
  result = cl_pipe(answers);
  if (result < 0) {
    close(lives[0]);
    close(lives[1]);
    return result;
  }
  for (size_t index = 0; index < count; index++) kept[index].directory = -1;
  pid_t child = fork();
  if (child == 0) run(kept, count, lives[0], answers[1]);
  result = child == -1 ? -errno : 0;
  close(lives[0]);
  close(answers[1]);
  struct cl_kept made[CL_KEPT_MOST];
  if (!result) {
    int64_t got = cl_read(answers[0], made, count * sizeof *made);
    if (got != (int64_t)(count * sizeof *made)) result = got < 0 ? (int)got : -EPIPE;
  }
  close(answers[0]);
  for (size_t index = 0; index < count && !result; index++) {
    kept[index].device = made[index].device;
    kept[index].inode = made[index].inode;
    kept[index].error = made[index].error;
    result = -made[index].error;
  }
  if (!result) {
    *life = lives[1];
    return child;
  }
  close(lives[1]);
  int status;
  if (child > 0) cl_wait(child, false, &status, &(struct cl_usage){0});
  return result;
}

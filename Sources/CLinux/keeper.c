// See cl_keeper.h. From the fork on only async-signal-safe calls, over what was laid out before.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// How long the processes of a control group may take to end, and a directory to become empty while
// the processes that write to it end, in microseconds.
#define PATIENCE 20000000
// How long somebody else's lock on a place is waited for: who frees one holds it for a moment.
#define PATIENCE_FOR_LOCK 5000000

// Of the process: who it is, which its filter does not let it ask any more, and where the monitor
// waits for it.
static uid_t own_user;
static int monitors_end = -1;

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

// Whether a session may have made a directory of this mode to keep a place; the set-gid bit is
// inherited.
static bool is_place(mode_t mode) {
  mode &= 05777;
  return mode == 01700 || mode == 01750 || mode == 01755;
}

// How many entries are in `directory`, which has not been read yet; -1 if that cannot be said.
static int count_entries(int directory) {
  for (int found = 0;;) {
    _Alignas(8) char buffer[2048];
    long size = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (size <= 0) return size < 0 ? -1 : found;
    for (long at = 0; at < size;) {
      // struct linux_dirent64: two numbers of 64 bits, the length of the entry, its type, its name.
      unsigned short length;
      memcpy(&length, buffer + at + 16, sizeof length);
      const char *name = buffer + at + 19;
      found += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
      at += length;
    }
  }
}

// Whether `directory` is what was just made under its name with `mode`. Whoever may write to the
// directory above can have put another one there since, and it must not be given away.
static bool is_ours(const struct cl_kept *kept, int directory, mode_t mode) {
  struct stat status;
  if (fstat(directory, &status) == -1) return false;
  // Some file systems give everything to one user, whoever makes it.
  if (status.st_uid != own_user && status.st_uid != kept->user) return false;
  if (kept->kind == CL_KEPT_CGROUP) return true;
  // An access control list of the directory above may have taken bits away.
  return (status.st_mode & 05777 & ~mode) == 0 && (status.st_mode & 01000) == (mode & 01000) &&
         count_entries(directory) == 0;
}

// One attempt at a place: 0, an error number, or EAGAIN for a place that is just going.
static int take_place(struct cl_kept *kept) {
  bool made = mkdirat(kept->parent, kept->name, kept->mode) == 0;
  if (!made && errno != EEXIST) return errno;
  int directory = open_beneath(kept->parent, kept->name, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return directory == -ENOENT ? EAGAIN : -directory;
  struct stat status, named;
  int error = 0;
  if (made && !is_ours(kept, directory, kept->mode)) {
    close(directory);
    return EEXIST;
  }
  if (made && (kept->user != UINT32_MAX || kept->group != UINT32_MAX) &&
      fchown(directory, kept->user, kept->group) == -1)
    error = errno;
  if (!error && made && fchmod(directory, kept->mode) == -1) error = errno;
  if (!error && fstat(directory, &status) == -1) error = errno;
  if (!error && !is_place(status.st_mode)) error = EEXIST;
  if (!error && flock(directory, LOCK_SH | LOCK_NB) == -1)
    error = errno == EWOULDBLOCK ? EAGAIN : errno;
  // Another session may have removed it before the lock was ours.
  if (!error && (fstatat(kept->parent, kept->name, &named, AT_SYMLINK_NOFOLLOW) == -1 ||
                 named.st_ino != status.st_ino || named.st_dev != status.st_dev))
    error = EAGAIN;
  if (error) {
    close(directory);
    if (made) unlinkat(kept->parent, kept->name, AT_REMOVEDIR);
    return error;
  }
  kept->directory = directory;
  kept->device = status.st_dev;
  kept->inode = status.st_ino;
  return 0;
}

static void pause_briefly(void) {
  struct timespec moment = {.tv_nsec = 5000000};
  nanosleep(&moment, NULL);
}

// The same; whether the monitor has gone meanwhile, or does not wait any more.
static bool pause_until_alone(void) {
  // A pipe that nobody reads is an error, asked for or not.
  struct pollfd reader = {.fd = monitors_end};
  return poll(&reader, 1, 5) > 0;
}

static int make(struct cl_kept *kept) {
  if (kept->kind == CL_KEPT_PLACE) {
    int error;
    for (int64_t end = cl_monotonic_microseconds() + PATIENCE_FOR_LOCK;
         (error = take_place(kept)) == EAGAIN && cl_monotonic_microseconds() < end;)
      if (pause_until_alone()) return EINTR;
    return error;
  }
  if (mkdirat(kept->parent, kept->name, 0700) == -1) return errno;
  int directory = open_beneath(kept->parent, kept->name, O_RDONLY | O_DIRECTORY);
  struct stat status;
  int error = directory < 0 ? -directory : 0;
  if (!error && !is_ours(kept, directory, 0700)) {
    close(directory);
    return EEXIST;
  }
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

// The last session that shares a place removes it, and only if it is empty.
static int free_place(const struct cl_kept *kept, int directory) {
  if (flock(directory, LOCK_EX | LOCK_NB) == -1) return errno == EWOULDBLOCK ? 0 : -errno;
  if (unlinkat(kept->parent, kept->name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  if (errno != ENOTEMPTY && errno != EEXIST) return -errno;
  // Somebody's own directory by now, and no place that another session may take for shared.
  (void)fchmod(directory, 0755);
  return 0;
}

int cl_keeper_remove(const struct cl_kept *kept) {
  int directory;
  // A machine that is short of something for a moment is no reason to leave it behind.
  for (int64_t end = cl_monotonic_microseconds() + PATIENCE;;) {
    directory = open_beneath(kept->parent, kept->name, O_RDONLY | O_DIRECTORY);
    if (directory != -ENFILE && directory != -EMFILE && directory != -ENOMEM) break;
    if (cl_monotonic_microseconds() > end) break;
    pause_briefly();
  }
  if (directory == -ENOENT) return 0;
  // A file of that name is somebody's, who took the place away first.
  if (kept->kind == CL_KEPT_PLACE && (directory == -ENOTDIR || directory == -ELOOP)) return 0;
  if (directory < 0) return directory;
  struct stat status;
  int error = fstat(directory, &status) == -1 ? -errno : 0;
  // What somebody put in its place is not ours to remove.
  if (!error && (status.st_dev != kept->device || status.st_ino != kept->inode)) error = -ESTALE;
  if (error || kept->kind == CL_KEPT_PLACE) {
    if (kept->kind == CL_KEPT_PLACE) error = error == -ESTALE ? 0 : free_place(kept, directory);
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
      close(kept[index].directory);
      int error = cl_keeper_remove(&kept[index]);
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

#ifdef CL_SKIP_STEPS
#define SKIPS(settings, step) ((settings)->skip == CL_STEP_KEEPER_##step)
#else
#define SKIPS(settings, step) ((void)(settings), false)
#endif

// Of root's rights those over files are needed: what a server of another id made has to go.
static int keep_file_rights(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct held[2];
  if (syscall(SYS_capget, &header, held) == -1) return errno;
  const uint32_t wanted = 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_CHOWN;
  struct __user_cap_data_struct rest[2] = {
      {.effective = held[0].effective & wanted, .permitted = held[0].permitted & wanted}, {0}};
  return syscall(SYS_capset, &header, rest) == -1 ? errno : 0;
}

// Beneath the directories that its things are made in: making, listing and removing, and for control
// groups the files in them. Nothing else is in reach, by whatever name.
static int reach_only(const struct cl_kept *kept, size_t count) {
  int abi = cl_landlock_abi();
  if (abi < 0) return -abi;
  int ruleset = cl_landlock_create(abi, true);
  if (ruleset < 0) return -ruleset;
  int result = 0;
  for (size_t index = 0; index < count && result == 0; index++) {
    uint64_t access = LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    if (kept[index].kind == CL_KEPT_CGROUP)
      access |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    // What lies too deep is moved up before it is emptied.
    if (kept[index].kind == CL_KEPT_DIRECTORY && abi >= 2) access |= LANDLOCK_ACCESS_FS_REFER;
    result = cl_landlock_allow(ruleset, kept[index].parent, access);
  }
  if (result == 0) result = cl_landlock_restrict(ruleset);
  close(ruleset);
  return -result;
}

static int canary(void) {
  int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root == -1) return errno;
  close(root);
  return 0;
}

// How many descriptors are open, without the one that this takes; -1 if it cannot be read.
static int count_descriptors(void) {
  int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory == -1) return -1;
  int found = count_entries(directory);
  close(directory);
  return found > 0 ? found - 1 : found;
}

// Waits until the monitor is gone, and then until the process is that it named, if it named one. So
// nothing of the cell is left that could use the moment.
static void await_end(int life) {
  int process = -1;
  for (;;) {
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
      struct cmsghdr header;
      char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t count = recvmsg(life, &message, MSG_CMSG_CLOEXEC);
    if (count == -1 && errno == EINTR) continue;
    if (count <= 0) break;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && process < 0)
      memcpy(&process, CMSG_DATA(header), sizeof process);
  }
  if (process < 0) return;
  // It dies with the monitor, by its death signal; its end comes when everything in it has ended.
  struct pollfd ended = {.fd = process, .events = POLLIN};
  while (poll(&ended, 1, -1) == -1 && errno == EINTR) continue;
  close(process);
}

static int close_others(const struct cl_kept *kept, size_t count, int life, int answer,
                        const struct cl_keeper_settings *settings, struct cl_keeper_facts *facts) {
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
  // With what it really forgot to close, among it the monitor's end, the test build would never end.
  if (SKIPS(settings, DESCRIPTORS) && dup(answer) == -1) return errno;
  facts->planned = (int32_t)distinct;
  facts->descriptors = count_descriptors();
  return -closed;
}

// Gives up what it does not need. Returns 0 or an error number.
static int become_keeper(const struct cl_kept *kept, size_t count, int life, int answer,
                         const struct cl_keeper_settings *settings, struct cl_keeper_facts *facts) {
  // Modes are meant as they are written.
  umask(0);
  // A terminal and a process group signal every process that they know of, and this one has to
  // be there after all the others.
  if (!SKIPS(settings, SESSION) && setsid() == -1) return errno;
  // By the raw call, because the C library keeps two signals back.
  const uint64_t all = ~0ULL;
  if (!SKIPS(settings, SIGNALS) &&
      syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all) == -1)
    return errno;
  if (prctl(PR_SET_PDEATHSIG, 0) == -1 || prctl(PR_SET_NAME, "anchor-keeper") == -1) return errno;
  if (chdir("/") == -1) return errno;
  int error = close_others(kept, count, life, answer, settings, facts);
  if (!error && !SKIPS(settings, ENVIRONMENT)) cl_forget_environment();
  facts->environment = cl_environment_bytes();
  if (!error && !SKIPS(settings, CAPABILITIES)) error = keep_file_rights();
  if (!error && !SKIPS(settings, NO_NEW_PRIVILEGES) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
    error = errno;
  facts->canary_before = canary();
  if (!error && !SKIPS(settings, LANDLOCK)) error = reach_only(kept, count);
  facts->canary_after = canary();
  if (!error && !SKIPS(settings, DUMPABLE) && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
    error = errno;
  facts->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  // Last, because it lets nothing of the above through.
  if (!error && !SKIPS(settings, FILTER)) error = -cl_load_filter(settings->program, settings->count);
  return error;
}

static bool send_all(int end, const void *bytes, size_t size) {
  for (size_t written = 0; written < size;) {
    ssize_t part = write(end, (const char *)bytes + written, size - written);
    if (part <= 0 && !(part == -1 && errno == EINTR)) return false;
    if (part > 0) written += (size_t)part;
  }
  return true;
}

static _Noreturn void run(struct cl_kept *kept, size_t count,
                          const struct cl_keeper_settings *settings, int life, int answer) {
  struct cl_keeper_facts facts = {0};
  own_user = geteuid();
  monitors_end = answer;
  int error = become_keeper(kept, count, life, answer, settings, &facts);
  for (size_t index = 0; index < count && !error; index++) error = make(&kept[index]);
  if (error) {
    remove_all(kept, count);
    for (size_t index = 0; index < count; index++) kept[index].error = error;
  }
  bool told =
      send_all(answer, &facts, sizeof facts) && send_all(answer, kept, count * sizeof *kept);
  close(answer);
  if (error || !told) _exit(error ? 0 : remove_all(kept, count) ? 1 : 0);
  await_end(life);
  _exit(remove_all(kept, count) ? 1 : 0);
}

int cl_keeper_await(int life, int process) {
  char byte = 0;
  int64_t sent = cl_send_passing(life, &byte, 1, process);
  return sent == 1 ? 0 : sent < 0 ? (int)sent : -EIO;
}

// Waits until the keeper has said something, or one of the signals has come that end the session.
static int await_answer(int end) {
  for (;;) {
    struct pollfd answer = {.fd = end, .events = POLLIN};
    int result = poll(&answer, 1, 50);
    if (result > 0) return 0;
    if (result == -1 && errno != EINTR) return -errno;
    if (cl_pending_end() > 0) return -EINTR;
  }
}

static int receive_all(int end, void *bytes, size_t size) {
  for (size_t got = 0; got < size;) {
    int64_t part = cl_read(end, (char *)bytes + got, size - got);
    if (part <= 0) return part < 0 ? (int)part : -EPIPE;
    got += (size_t)part;
  }
  return 0;
}

int cl_keeper_start(struct cl_kept *kept, size_t count, const struct cl_keeper_settings *settings,
                    struct cl_keeper_facts *facts, int *life) {
  if (count == 0 || count > CL_KEPT_MOST || settings->count == 0) return -EINVAL;
  int lives[2], answers[2];
  int result = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lives) == -1 ? -errno : 0;
  if (result < 0) return result;
  result = cl_pipe(answers);
  if (result < 0) {
    close(lives[0]);
    close(lives[1]);
    return result;
  }
  for (size_t index = 0; index < count; index++) kept[index].directory = -1;
  pid_t child = fork();
  if (child == 0) run(kept, count, settings, lives[0], answers[1]);
  result = child == -1 ? -errno : 0;
  close(lives[0]);
  close(answers[1]);
  struct cl_kept made[CL_KEPT_MOST];
  if (!result) result = await_answer(answers[0]);
  if (!result) result = receive_all(answers[0], facts, sizeof *facts);
  if (!result) result = receive_all(answers[0], made, count * sizeof *made);
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

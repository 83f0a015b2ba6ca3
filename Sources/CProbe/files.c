// Attempts on files: the ways around a path that is not there. Relative names are in the private
// directory of whoever tries: /tmp in the cell, the controls' own outside.
#define _GNU_SOURCE
#include "CProbe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FROM_HERE "../../../../../../../../../../../../../../../.."

static void settle(struct cp_outcome *out, bool worked) {
  out->error = worked ? 0 : errno;
  out->word = worked ? "done" : "refused";
}

// What could not be prepared was not tried, and must not pass for a wall that holds.
static bool prepared(struct cp_outcome *out, bool worked, const char *what) {
  if (worked) return true;
  out->error = errno;
  out->word = "unknown";
  snprintf(out->detail, sizeof out->detail, "could not prepare: %s", what);
  return false;
}

static void read_one(int fd, struct cp_outcome *out) {
  char byte;
  settle(out, fd >= 0 && read(fd, &byte, 1) >= 0);
}

static void try_link_read(const char *target, struct cp_outcome *out) {
  if (!prepared(out, symlink(target, "probe-link") == 0, "a symbolic link")) return;
  read_one(open("probe-link", O_RDONLY | O_CLOEXEC), out);
  unlink("probe-link");
}

// The link is changed between two looks, as one would to trick a check by name.
static void try_link_swap(const char *target, struct cp_outcome *out) {
  if (!prepared(out, symlink("/dev/null", "probe-swap") == 0, "a symbolic link")) return;
  int first = open("probe-swap", O_PATH | O_CLOEXEC);
  unlink("probe-swap");
  if (!prepared(out, first >= 0 && symlink(target, "probe-swap") == 0, "a second link")) return;
  read_one(open("probe-swap", O_RDONLY | O_CLOEXEC), out);
  unlink("probe-swap");
}

static void try_hard_link(const char *target, struct cp_outcome *out) {
  settle(out, link(target, "probe-hard") == 0);
  unlink("probe-hard");
}

static void try_rename_in(const char *target, struct cp_outcome *out) {
  settle(out, rename(target, "probe-renamed") == 0);
  // Outside it is put back, for the next who wants it.
  if (out->error == 0) rename("probe-renamed", target);
}

static void try_rename_out(const char *target, struct cp_outcome *out) {
  int fd = open("probe-movable", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (!prepared(out, fd >= 0, "a file of its own")) return;
  settle(out, rename("probe-movable", target) == 0);
  unlink(out->error == 0 ? target : "probe-movable");
}

static void try_beyond(const char *target, struct cp_outcome *out) {
  char path[4200];
  snprintf(path, sizeof path, FROM_HERE "%s", target);
  read_one(open(path, O_RDONLY | O_CLOEXEC), out);
}

static void try_prefix(const char *prefix, const char *target, struct cp_outcome *out) {
  char path[4200];
  snprintf(path, sizeof path, "%s%s", prefix, target);
  read_one(open(path, O_RDONLY | O_CLOEXEC), out);
}

static void try_through_descriptor(const char *target, struct cp_outcome *out) {
  int root = open("/", O_PATH | O_CLOEXEC);
  if (!prepared(out, root >= 0, "the root directory")) return;
  char path[4200];
  snprintf(path, sizeof path, "/proc/self/fd/%d/%s", root, target + 1);
  read_one(open(path, O_RDONLY | O_CLOEXEC), out);
}

static void try_beneath_descriptor(const char *target, struct cp_outcome *out) {
  int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!prepared(out, here >= 0, "the private directory")) return;
  char path[4200];
  snprintf(path, sizeof path, FROM_HERE "%s", target);
  read_one(openat(here, path, O_RDONLY | O_CLOEXEC), out);
}

// A descriptor without rights, made into one with rights.
static void try_reopen(const char *target, struct cp_outcome *out) {
  int fd = open(target, O_PATH | O_CLOEXEC);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  read_one(fd < 0 ? fd : open(path, O_RDONLY | O_CLOEXEC), out);
}

static void try_openat2(const char *target, struct cp_outcome *out) {
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
  read_one((int)syscall(SYS_openat2, AT_FDCWD, target, &how, sizeof how), out);
}

static void try_watch(const char *target, struct cp_outcome *out) {
  int events = inotify_init1(IN_CLOEXEC);
  if (!prepared(out, events >= 0, "inotify")) return;
  settle(out, inotify_add_watch(events, target, IN_OPEN) >= 0);
}

static void try_set_id_file(mode_t bits, struct cp_outcome *out) {
  int fd = open("probe-set-id", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (!prepared(out, fd >= 0, "a file of its own")) return;
  settle(out, fchmod(fd, 0700 | bits) == 0);
  unlink("probe-set-id");
}

// The mode of a new file is an argument of open as well.
static void try_set_id_creation(struct cp_outcome *out) {
  struct stat facts;
  int fd = open("probe-created", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_ISUID | 0700);
  settle(out, fd >= 0 && fstat(fd, &facts) == 0 && facts.st_mode & S_ISUID);
  unlink("probe-created");
}

static void try_device(struct cp_outcome *out) {
  unlink("probe-device");
  // The same numbers as /dev/null.
  settle(out, mknod("probe-device", S_IFCHR | 0666, 0x103) == 0);
  unlink("probe-device");
}

// Programs of its own are data in the cell: its private space does not execute.
static void try_run_script(struct cp_outcome *out) {
  static const char text[] = "#!/probe/has/no/such/interpreter\n";
  int fd = open("probe-script", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  if (!prepared(out, fd >= 0 && write(fd, text, sizeof text - 1) > 0, "a script")) return;
  close(fd);
  char *arguments[] = {"probe-script", NULL};
  execve("./probe-script", arguments, arguments + 1);
  // A kernel that gets as far as the interpreter would have executed it.
  if (errno == ENOENT) {
    out->word = "reached";
    out->error = ENOENT;
  } else {
    settle(out, false);
  }
  unlink("probe-script");
}

static void try_mount_flag(const char *path, unsigned long flag, struct cp_outcome *out) {
  struct statvfs facts;
  if (!prepared(out, statvfs(path, &facts) == 0, "the mount's flags")) return;
  out->word = facts.f_flag & flag ? "refused" : "done";
}

// Whether something could be written there, without leaving anything: access(2) knows of modes and
// mounts and nothing of Landlock. The file that a directory gets has no name.
static void try_write_in(const char *path, struct cp_outcome *out) {
  struct stat facts;
  // What cannot even be looked at is closed; outside it must not be.
  if (stat(path, &facts) != 0) return settle(out, false);
  int flags = S_ISDIR(facts.st_mode) ? O_TMPFILE | O_EXCL : O_NONBLOCK;
  settle(out, open(path, flags | O_WRONLY | O_CLOEXEC, 0600) >= 0);
}

// "PATH:SIZE:FILES": whether the file system there holds more than that.
static void try_room(const char *text, struct cp_outcome *out) {
  char path[256];
  unsigned long long size, files;
  struct statfs facts;
  if (sscanf(text, "%255[^:]:%llu:%llu", path, &size, &files) != 3 || statfs(path, &facts) != 0) {
    prepared(out, false, "the file system's size");
    return;
  }
  unsigned long long holds = (unsigned long long)facts.f_blocks * (unsigned long long)facts.f_bsize;
  out->word = holds > size || facts.f_files > files ? "done" : "refused";
  snprintf(out->detail, sizeof out->detail, "%llu bytes, %llu files", holds,
           (unsigned long long)facts.f_files);
}

// "PATH:SIZE": files that are so large together, whose room is taken but not filled. Several where one
// may not be that large: what stops it has to be the want of room.
static void try_reserve(const char *text, struct cp_outcome *out) {
  char path[256], file[300];
  unsigned long long size, taken = 0;
  struct rlimit limit;
  if (sscanf(text, "%255[^:]:%llu", path, &size) != 2 || getrlimit(RLIMIT_FSIZE, &limit) != 0) {
    prepared(out, false, "the name");
    return;
  }
  signal(SIGXFSZ, SIG_IGN);
  int count = 0, error = 0;
  for (; taken < size && error == 0; count++) {
    unsigned long long part = size - taken < limit.rlim_cur ? size - taken : limit.rlim_cur;
    snprintf(file, sizeof file, "%s/probe-reserve-%d", path, count);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || part == 0 || count == CP_MOST_RESERVED) {
      prepared(out, false, "a file of its own");
      error = -1;
    } else if (fallocate(fd, 0, 0, (off_t)part) != 0) {
      error = errno;
    }
    if (fd >= 0) close(fd);
    taken += part;
  }
  while (count-- > 0) {
    snprintf(file, sizeof file, "%s/probe-reserve-%d", path, count);
    unlink(file);
  }
  if (error == -1) return;
  out->error = error;
  out->word = error == 0 ? "done" : error == ENOSPC ? "refused" : "unknown";
}

// What was made is taken away again, because the same is tried a second time behind the walls: what
// is there already would be refused without them.
static void try_make(bool worked, const char *path, int flags, struct cp_outcome *out) {
  settle(out, worked);
  if (worked) unlinkat(AT_FDCWD, path, flags);
}

// The other way round: what was removed is made again.
static void try_remove_fifo(const char *path, struct cp_outcome *out) {
  settle(out, unlink(path) == 0);
  if (out->error == 0) mkfifo(path, 0600);
}

bool cp_attempt_file(const char *name, struct cp_outcome *out) {
  const char *colon = strchr(name, ':');
  const char *rest = colon == NULL ? "" : colon + 1;
  size_t verb = colon == NULL ? strlen(name) : (size_t)(colon - name);
  struct stat facts;
#define VERB(word) (verb == strlen(word) && memcmp(name, word, verb) == 0)
  errno = 0;
  // The content is nobody's business: it would end up in a report.
  if (VERB("read-byte")) read_one(open(rest, O_RDONLY | O_CLOEXEC | O_NONBLOCK), out);
  else if (VERB("lstat")) settle(out, lstat(rest, &facts) == 0);
  else if (VERB("may-write")) settle(out, access(rest, W_OK) == 0);
  else if (VERB("write-in")) try_write_in(rest, out);
  else if (VERB("open-write")) settle(out, open(rest, O_WRONLY | O_CLOEXEC | O_NONBLOCK) >= 0);
  else if (VERB("open-path")) settle(out, open(rest, O_PATH | O_CLOEXEC) >= 0);
  else if (VERB("open-directory")) settle(out, open(rest, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
  else if (VERB("truncate")) settle(out, truncate(rest, 0) == 0);
  else if (VERB("chmod")) settle(out, chmod(rest, 0600) == 0);
  else if (VERB("touch")) settle(out, utimensat(AT_FDCWD, rest, NULL, 0) == 0);
  else if (VERB("set-attribute")) settle(out, setxattr(rest, "user.probe", "1", 1, 0) == 0);
  else if (VERB("make-fifo")) try_make(mkfifo(rest, 0600) == 0, rest, 0, out);
  else if (VERB("make-directory")) try_make(mkdir(rest, 0700) == 0, rest, AT_REMOVEDIR, out);
  else if (VERB("remove-fifo")) try_remove_fifo(rest, out);
  else if (VERB("symlink")) settle(out, symlink("/dev/null", rest) == 0);
  else if (VERB("link-read")) try_link_read(rest, out);
  else if (VERB("link-swap")) try_link_swap(rest, out);
  else if (VERB("hard-link")) try_hard_link(rest, out);
  else if (VERB("rename-in")) try_rename_in(rest, out);
  else if (VERB("rename-out")) try_rename_out(rest, out);
  else if (VERB("beyond")) try_beyond(rest, out);
  else if (VERB("self-root")) try_prefix("/proc/self/root", rest, out);
  else if (VERB("self-cwd")) try_prefix("/proc/self/cwd/" FROM_HERE, rest, out);
  else if (VERB("parent-root")) {
    char root[64];
    snprintf(root, sizeof root, "/proc/%d/root", getppid());
    try_prefix(root, rest, out);
  }
  else if (VERB("through-descriptor")) try_through_descriptor(rest, out);
  else if (VERB("beneath-descriptor")) try_beneath_descriptor(rest, out);
  else if (VERB("reopen")) try_reopen(rest, out);
  else if (VERB("openat2")) try_openat2(rest, out);
  else if (VERB("watch")) try_watch(rest, out);
  else if (VERB("set-uid-file")) try_set_id_file(S_ISUID, out);
  else if (VERB("set-gid-file")) try_set_id_file(S_ISGID, out);
  else if (VERB("created-set-uid")) try_set_id_creation(out);
  else if (VERB("make-device")) try_device(out);
  else if (VERB("run-script")) try_run_script(out);
  else if (VERB("room-beyond")) try_room(rest, out);
  else if (VERB("reserve")) try_reserve(rest, out);
  else if (VERB("writable-mount")) try_mount_flag(rest, ST_RDONLY, out);
  else if (VERB("set-id-mount")) try_mount_flag(rest, ST_NOSUID, out);
  else if (VERB("device-mount")) try_mount_flag(rest, 4 /* ST_NODEV */, out);
  else if (VERB("exec-mount")) try_mount_flag(rest, 8 /* ST_NOEXEC */, out);
  else return false;
#undef VERB
  return true;
}

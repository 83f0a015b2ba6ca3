// Emptying a directory that somebody else filled, perhaps to make that hard.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// So many directories are open at once at most; what lies deeper is moved to the top first.
#define DEEPEST 32

struct removal {
  int top;
  unsigned moved;
  int error;  // the last that stopped something
};

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static void put_number(char *out, unsigned number) {
  char digits[12];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count) *out++ = digits[--count];
  *out = 0;
}

// The directory `name` for reading, never through a link or into a mount. One that its owner closed
// is opened by the owner's right to change its mode, through a descriptor and not by its name.
static int open_directory(int parent, const char *name) {
  struct open_how how = {
      .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
  int place = (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
  if (place == -1) return -errno;
  struct stat status;
  if (fstat(place, &status) == 0 && (status.st_mode & 0700) != 0700) {
    char path[32] = "/proc/self/fd/";
    put_number(path + strlen(path), (unsigned)place);
    // Whether it worked shows below.
    (void)chmod(path, 0700);
  }
  int directory = openat(place, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int result = directory == -1 ? -errno : directory;
  close(place);
  return result;
}

static int move_to_top(struct removal *removal, int directory, const char *name) {
  for (int attempt = 0; attempt < 1000; attempt++) {
    char moved[32] = "moved-";
    put_number(moved + strlen(moved), removal->moved++);
    if (syscall(SYS_renameat2, directory, name, removal->top, moved, 1 /* RENAME_NOREPLACE */) == 0)
      return 0;
    if (errno != EEXIST) return -errno;
  }
  return -EEXIST;
}

static bool empty(struct removal *removal, int directory, int depth);

// Whether the entry is gone from this directory.
static bool remove_entry(struct removal *removal, int directory, const char *name, int depth) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) return true;
  int error = errno;
  // Only directories are answered so, and a directory of ours that we may not write to was opened.
  if (error != EISDIR && error != EPERM) {
    removal->error = -error;
    return false;
  }
  if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
  int below = open_directory(directory, name);
  if (below == -ENOENT) return true;
  if (below < 0) {
    removal->error = below;
    return false;
  }
  bool gone = false;
  if (depth == DEEPEST) {
    int result = move_to_top(removal, directory, name);
    gone = result == 0;
    if (!gone) removal->error = result;
  } else if (empty(removal, below, depth + 1)) {
    gone = unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
    if (!gone) removal->error = -errno;
  }
  close(below);
  return gone;
}

// Whether nothing is left in `directory`.
static bool empty(struct removal *removal, int directory, int depth) {
  for (;;) {
    bool left = false, removed = false;
    if (lseek(directory, 0, SEEK_SET) == -1) return false;
    for (;;) {
      _Alignas(struct entry) char buffer[2048];
      long size = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
      if (size < 0) {
        removal->error = -errno;
        return false;
      }
      if (size == 0) break;
      for (long at = 0; at < size;) {
        struct entry *entry = (struct entry *)(void *)(buffer + at);
        at += entry->length;
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
        left = true;
        if (remove_entry(removal, directory, entry->name, depth)) removed = true;
      }
    }
    // Removing moves what is still to be read in some file systems: empty is what was seen empty.
    if (!left) return true;
    if (!removed) return false;
  }
}

int cl_empty_directory(int directory) {
  struct removal removal = {.top = directory};
  struct stat status;
  if (fstat(directory, &status) == -1) return -errno;
  // A server may have closed the directory that it was given; an error shows with the entries.
  if ((status.st_mode & 0700) != 0700) (void)fchmod(directory, 0700);
  if (empty(&removal, directory, 0)) return 0;
  return removal.error ? removal.error : -ENOTEMPTY;
}

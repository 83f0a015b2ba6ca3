#define _GNU_SOURCE
#include "CLinux.h"
#include "errors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int cl_memory_file(const char *name, int64_t size) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == -1) return -errno;
  // Beyond it the kernel sends a signal.
  if (limit.rlim_cur < (rlim_t)size) size = (int64_t)limit.rlim_cur;
  int file = OR_ERRNO(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file < 0) return file;
  const int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (ftruncate(file, size) == 0 && fcntl(file, F_ADD_SEALS, seals) == 0) return file;
  int error = errno;
  close(file);
  return -error;
}

int64_t cl_file_position(int descriptor) { return OR_ERRNO(lseek(descriptor, 0, SEEK_CUR)); }

int cl_lock_file(int descriptor) { return OR_ERRNO(flock(descriptor, LOCK_EX | LOCK_NB)); }
int cl_sync_file(int descriptor) { return OR_ERRNO(fsync(descriptor)); }

int cl_open_unnamed(int directory) {
  return OR_ERRNO(openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
}

int cl_name_file(int descriptor, int directory, const char *name) {
  // By way of /proc, because naming it by its descriptor alone takes CAP_DAC_READ_SEARCH.
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  return OR_ERRNO(linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW));
}

int cl_rename_within(int directory, const char *from, const char *to) {
  return OR_ERRNO(renameat(directory, from, directory, to));
}

int cl_remove_within(int directory, const char *name) {
  return OR_ERRNO(unlinkat(directory, name, 0));
}

// Anybody may give a file a time that is too large to be counted in this way.
static int64_t nanoseconds(const struct timespec *time) {
  int64_t result;
  if (__builtin_mul_overflow((int64_t)time->tv_sec, (int64_t)1000000000, &result) ||
      __builtin_add_overflow(result, (int64_t)time->tv_nsec, &result))
    return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
  return result;
}

int cl_file_times(int directory, const char *path, int flags, int64_t *modified, int64_t *changed) {
  struct stat facts;
  int result = OR_ERRNO(fstatat(directory, path, &facts, flags));
  if (result < 0) return result;
  *modified = nanoseconds(&facts.st_mtim);
  *changed = nanoseconds(&facts.st_ctim);
  return 0;
}

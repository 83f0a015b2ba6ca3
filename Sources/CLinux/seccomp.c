#define _GNU_SOURCE
#include "cl_seccomp.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int cl_seccomp_file(void) {
  int file = memfd_create("seccomp", MFD_CLOEXEC);
  return file < 0 ? -errno : file;
}

long cl_seccomp_read(int file, void *buffer, size_t size) {
  struct stat status;
  if (fstat(file, &status) != 0 || status.st_size > (off_t)size) return 0;
  ssize_t count = pread(file, buffer, (size_t)status.st_size, 0);
  return count == status.st_size ? count : 0;
}

void cl_seccomp_close(int file) { close(file); }

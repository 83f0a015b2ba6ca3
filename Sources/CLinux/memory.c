// What a process keeps of the one that it was forked from, and of its own past. Async-signal-safe but
// for what says otherwise.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static ssize_t read_some(int file, char *part, size_t size) {
  ssize_t count;
  do count = read(file, part, size);
  while (count == -1 && errno == EINTR);
  return count;
}

// Where the kernel says that it put the environment: /proc/self/stat, fields 50 and 51 (proc(5)).
// /proc/self/environ would say the same, but not to a process that is not dumpable.
static bool find_environment(uintptr_t bounds[2]) {
  int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file == -1) return false;
  char text[4096];
  ssize_t count = read_some(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return false;
  text[count] = 0;
  // The name, in parentheses, may hold anything; after it comes field 3.
  const char *at = strrchr(text, ')');
  if (at == NULL) return false;
  bounds[0] = bounds[1] = 0;
  int field = 2;
  for (at++; *at; at++) {
    if (*at == ' ') field++;
    else if ((field == 50 || field == 51) && *at >= '0' && *at <= '9')
      bounds[field - 50] = bounds[field - 50] * 10 + (uintptr_t)(*at - '0');
  }
  return bounds[0] != 0 && bounds[1] >= bounds[0];
}

void cl_forget_environment(void) {
  for (char **variable = environ; variable && *variable; variable++)
    explicit_bzero(*variable, strlen(*variable));
  // The C library has taken some of them off that list, or put copies there (GLIBC_TUNABLES). Where
  // this cannot be found out, the count below cannot either, and that is an error.
  uintptr_t bounds[2];
  if (find_environment(bounds)) explicit_bzero((void *)bounds[0], bounds[1] - bounds[0]);
}

int cl_environment_bytes(void) {
  uintptr_t bounds[2];
  if (!find_environment(bounds)) return -1;
  int found = 0;
  for (uintptr_t byte = bounds[0]; byte < bounds[1]; byte++) found += *(const char *)byte != 0;
  return found;
}

// A line is "START-END rwxs OFFSET …": its second word tells of writing and sharing.
int cl_shared_mappings(void) {
  int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file == -1) return -1;
  char part[4096], rights[4] = {0};
  ssize_t count;
  int found = 0, word = 0, place = 0;
  while ((count = read_some(file, part, sizeof part)) > 0) {
    for (ssize_t index = 0; index < count; index++) {
      char byte = part[index];
      if (byte == '\n') {
        found += rights[1] == 'w' && rights[3] == 's';
        word = 0;
      } else if (byte == ' ') {
        word++;
        place = 0;
      } else if (word == 1 && place < 4) {
        rights[place++] = byte;
      }
    }
  }
  close(file);
  return count < 0 ? -1 : found;
}

int cl_keep_from_children(void *memory, size_t size) {
  return madvise(memory, size, MADV_DONTFORK) == -1 ? -errno : 0;
}

int cl_unmap(void *memory, size_t size) { return munmap(memory, size) == -1 ? -errno : 0; }

// The segments that are executed and never written hold nothing that is not in the file (madvise(2)).
static int forget_code(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size, (void)unused;
  uintptr_t page = (uintptr_t)getpagesize();
  for (int index = 0; index < object->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
    if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_X | PF_W)) != PF_X) continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
    if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

// Not async-signal-safe.
void cl_give_back_memory(void) {
  malloc_trim(0);
  dl_iterate_phdr(forget_code, NULL);
}

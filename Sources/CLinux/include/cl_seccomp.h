// Where libseccomp puts a compiled filter: it can only write to a descriptor.
#pragma once
#include <stddef.h>

// A new close-on-exec file in memory. Returns its descriptor or -errno.
int cl_seccomp_file(void);

// Reads the whole file from its start into `buffer`. Returns the bytes read, or 0 on any error
// and if the file is larger than `size`.
long cl_seccomp_read(int file, void *buffer, size_t size);

void cl_seccomp_close(int file);

// Files that are made whole or not at all, and what tells whether one was changed.
#ifndef CL_FILES_H
#define CL_FILES_H

#include <stdint.h>
#include <sys/types.h>

// A file in memory that has no name (memfd_create(2)), close-on-exec, of `size` bytes or what the
// caller may have (`RLIMIT_FSIZE`); sealed, so that it stays that large.
int cl_memory_file(const char *name, int64_t size);
// Where an open file is read or written next (lseek(2)).
int64_t cl_file_position(int descriptor);
// Holds other holders off until `descriptor` is closed (flock(2)); -EWOULDBLOCK where there is one.
int cl_lock_file(int descriptor);
// fsync(2).
int cl_sync_file(int descriptor);
// Opens a file without a name in a directory, for writing (`O_TMPFILE`), mode 0600.
int cl_open_unnamed(int directory);
// Gives an open file without a name one; -EEXIST where the name is taken.
int cl_name_file(int descriptor, int directory, const char *name);
// renameat(2) within one directory; unlinkat(2).
int cl_rename_within(int directory, const char *from, const char *to);
int cl_remove_within(int directory, const char *name);
// When the contents and when anything of a file was changed last, in nanoseconds since 1970; `flags`
// are AT_* values.
int cl_file_times(int directory, const char *path, int flags, int64_t *modified, int64_t *changed);

#endif

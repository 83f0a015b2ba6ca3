// Refused system calls that the kernel tells us of (seccomp_unotify(2)).
//
// There is one way to answer: with an error. No function here lets a call continue or puts a
// descriptor into another process.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Loads a filter and returns a close-on-exec descriptor on which those of its calls come that it
// answers with SECCOMP_RET_USER_NOTIF, or -errno, and then nothing was loaded: EBUSY when an older
// filter of this process has such a descriptor already, E2BIG when the kernel's messages are longer
// than we know. A caller that was told of waits for its answer in a way that only a fatal signal
// ends, where the kernel can do that (5.19).
int cl_load_filter_listening(const void *program, size_t count);

// A call as its caller made it: the registers, which only the filter interprets.
struct cl_denied_call {
  uint64_t id;
  uint32_t number, architecture;
  uint64_t arguments[6];
};

// Takes the next call. Returns 0 or -errno: -ENOENT when its caller is gone. Waits for one, so
// poll(2) first.
int cl_next_denied_call(int listener, struct cl_denied_call *call);

// Answers a call with an error number, 1 to 4095; any other counts as EPERM. Returns 0 or -errno:
// -ENOENT when its caller is gone.
int cl_refuse_call(int listener, uint64_t id, int error);

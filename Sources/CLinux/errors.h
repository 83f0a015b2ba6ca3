// Shared by the files of wrappers.
#pragma once

#include <errno.h>

// What a call gives, or the negated number of its error; a call that a signal interrupts is made again.
#define OR_ERRNO(call)                       \
  ({                                         \
    __typeof__(call) result_;                \
    do result_ = (call);                     \
    while (result_ == -1 && errno == EINTR); \
    result_ == -1 ? -errno : result_;        \
  })

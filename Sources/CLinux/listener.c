#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of 5.19; older headers lack it.
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

// Room for what a newer kernel may append.
union message {
  struct seccomp_notif call;
  struct seccomp_notif_resp answer;
  char room[256];
};

int cl_load_filter_listening(const void *program, size_t count) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == -1) return -errno;
  if (sizes.seccomp_notif > sizeof(union message)) return -E2BIG;
  if (sizes.seccomp_notif_resp > sizeof(union message)) return -E2BIG;
  struct sock_fprog filter = {.len = (unsigned short)count,
                              .filter = (struct sock_filter *)(uintptr_t)program};
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (listener == -1 && errno == EINVAL) {
    flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  }
  return listener == -1 ? -errno : (int)listener;
}

static int command(int listener, unsigned long request, union message *message) {
  int result;
  do result = ioctl(listener, request, message);
  while (result == -1 && errno == EINTR);
  return result == -1 ? -errno : 0;
}

int cl_next_denied_call(int listener, struct cl_denied_call *call) {
  // The kernel wants it zeroed.
  union message message;
  memset(&message, 0, sizeof message);
  int result = command(listener, SECCOMP_IOCTL_NOTIF_RECV, &message);
  if (result < 0) return result;
  const struct seccomp_data *data = &message.call.data;
  *call = (struct cl_denied_call){
      .id = message.call.id, .number = (uint32_t)data->nr, .architecture = data->arch};
  for (int index = 0; index < 6; index++) call->arguments[index] = data->args[index];
  return 0;
}

int cl_refuse_call(int listener, uint64_t id, int error) {
  union message message;
  memset(&message, 0, sizeof message);
  message.answer.id = id;
  // No flags: SECCOMP_USER_NOTIF_FLAG_CONTINUE would make the call. And an error in any case,
  // because without one the caller would take the call for done.
  message.answer.error = error >= 1 && error <= 4095 ? -error : -EPERM;
  return command(listener, SECCOMP_IOCTL_NOTIF_SEND, &message);
}

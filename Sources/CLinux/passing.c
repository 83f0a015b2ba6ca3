// Descriptors on their way between two processes. See cl_system.h.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t cl_send_descriptors(int descriptor, const void *buffer, size_t size, const int *passed,
                            size_t count) {
  if (count == 0 || count > CL_PASSED_MOST) return -EINVAL;
  struct iovec part = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
  union {
    char space[CMSG_SPACE(CL_PASSED_MOST * sizeof(int))];
    struct cmsghdr header;
  } control = {{0}};
  control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                    .cmsg_len = CMSG_LEN(count * sizeof *passed)};
  memcpy(CMSG_DATA(&control.header), passed, count * sizeof *passed);
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(count * sizeof *passed)};
  int64_t sent;
  do sent = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent == -1 && errno == EINTR);
  return sent == -1 ? -errno : sent;
}

int64_t cl_receive_descriptors(int descriptor, void *buffer, size_t size,
                               int passed[CL_PASSED_MOST], size_t *count) {
  struct iovec part = {.iov_base = buffer, .iov_len = size};
  union {
    char space[CMSG_SPACE(CL_PASSED_MOST * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = sizeof control};
  *count = 0;
  int64_t received;
  // These flags are what the relay's filter lets through.
  do received = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (received == -1 && errno == EINTR);
  if (received == -1) return -errno;
  // The kernel attaches no more than there is room for, and says so.
  bool too_much = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < here; index++) {
      int one;
      memcpy(&one, CMSG_DATA(header) + index * sizeof one, sizeof one);
      if (*count < CL_PASSED_MOST) {
        passed[(*count)++] = one;
      } else {
        close(one);
        too_much = true;
      }
    }
  }
  if (!too_much) return received;
  for (size_t index = 0; index < *count; index++) close(passed[index]);
  *count = 0;
  return -EBADMSG;
}

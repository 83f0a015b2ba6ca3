// The directory that the controls work in, and what the cell must not reach.
#define _GNU_SOURCE
#include "CProbe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool make_file(int directory, const char *name, mode_t mode, const char *text) {
  int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  bool made = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
  if (file >= 0) close(file);
  return made;
}

static int listen_on(const void *address, socklen_t length, int family) {
  int end = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (end >= 0 && bind(end, address, length) == 0 && listen(end, 64) == 0) return end;
  if (end >= 0) close(end);
  return -1;
}

static void make_sockets(struct cp_scratch *scratch) {
  struct sockaddr_un path = {.sun_family = AF_UNIX}, abstract = {.sun_family = AF_UNIX};
  struct sockaddr_in host = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof host;
  snprintf(path.sun_path, sizeof path.sun_path, "%s/socket", scratch->path);
  // The random name of the directory is this one's as well.
  snprintf(scratch->abstract, sizeof scratch->abstract, "%s", strrchr(scratch->path, '/') + 1);
  size_t used = strlen(scratch->abstract);
  memcpy(abstract.sun_path + 1, scratch->abstract, used);
  scratch->sockets[0] = listen_on(&path, sizeof path, AF_UNIX);
  scratch->sockets[1] =
      listen_on(&abstract, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + used), AF_UNIX);
  scratch->sockets[2] = listen_on(&host, sizeof host, AF_INET);
  if (scratch->sockets[2] >= 0 &&
      getsockname(scratch->sockets[2], (struct sockaddr *)&host, &length) == 0)
    scratch->port = ntohs(host.sin_port);
}

const char *cp_scratch_path(const struct cp_scratch *scratch) { return scratch->path; }
const char *cp_scratch_abstract(const struct cp_scratch *scratch) { return scratch->abstract; }

int cp_scratch_fill(struct cp_scratch *scratch, const char *path) {
  *scratch = (struct cp_scratch){.sockets = {-1, -1, -1}};
  if (strlen(path) >= sizeof scratch->path) return -ENAMETOOLONG;
  strcpy(scratch->path, path);
  mode_t mask = umask(077);
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int result = 0;
  if (directory < 0 || !make_file(directory, "secret", 0600, "the key is under the mat\n") ||
      !make_file(directory, "program", 0700, "#!/bin/true\n") ||
      !make_file(directory, "movable", 0600, "x") || mkdirat(directory, "inner", 0700) != 0 ||
      mkfifoat(directory, "fifo", 0600) != 0)
    result = -errno;
  if (directory >= 0) close(directory);
  umask(mask);
  if (result == 0) make_sockets(scratch);
  return result;
}

void cp_scratch_close(struct cp_scratch *scratch) {
  for (int i = 0; i < 3; i++) {
    if (scratch->sockets[i] >= 0) close(scratch->sockets[i]);
    scratch->sockets[i] = -1;
  }
}

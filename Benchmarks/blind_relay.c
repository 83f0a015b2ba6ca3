// The baseline for messages: copies bytes between a client and a server without looking at them,
// with one poll, one read and one write at a time and nothing else.
//   blind_relay COMMAND ARGUMENT...
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char part[65536];

// Copies what one read gives; false at the end.
static bool copy(int from, int to) {
  ssize_t count = read(from, part, sizeof part);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return false;
  for (ssize_t sent = 0; sent < count;) {
    ssize_t more = write(to, part + sent, (size_t)(count - sent));
    if (more < 0 && errno != EINTR) return false;
    if (more > 0) sent += more;
  }
  return true;
}

int main(int argc, char **argv) {
  int in[2], out[2];
  if (argc < 2 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return 125;
  pid_t child = fork();
  if (child == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  struct pollfd ends[2] = {{.fd = 0, .events = POLLIN}, {.fd = out[0], .events = POLLIN}};
  while (ends[1].fd >= 0) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) return 125;
    if (ends[0].revents != 0 && !copy(0, in[1])) {
      ends[0].fd = -1;
      close(in[1]);
    }
    if (ends[1].revents != 0 && !copy(out[0], 1)) ends[1].fd = -1;
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

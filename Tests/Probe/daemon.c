// A process that gets away from its parent, and shows for how long it lives.
#include "probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void start_daemon(const char *path, bool keep_stdio) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  pid_t child = fork();
  if (child != 0) {
    waitpid(child, NULL, 0);
    close(fd);
    return;
  }
  setsid();
  if (fork() != 0) _exit(0);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (!keep_stdio) {
    for (int i = 0; i < 3; i++) close(i);
  }
  // Half a minute, so that a test that fails leaves nothing behind for long.
  for (int beats = 0; beats < 600; beats++) {
    if (write(fd, ".", 1) < 0) _exit(1);
    struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    nanosleep(&pause, NULL);
  }
  _exit(0);
}

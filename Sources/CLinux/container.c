// What the monitor needs where no namespace ends with the cell, and as process 1 of a container.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int cl_securebits(void) {
  int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  return bits == -1 ? -errno : bits;
}

static int open_children(void) {
  char path[64], shown[16] = {0};
  ssize_t length = readlink("/proc/self", shown, sizeof shown - 1);
  if (length <= 0 || atoi(shown) != getpid()) return -ESRCH;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  int file = open(path, O_RDONLY | O_CLOEXEC);
  return file == -1 ? -errno : file;
}

bool cl_lists_children(void) {
  int file = open_children();
  if (file >= 0) close(file);
  return file >= 0;
}

int cl_look_as(uint32_t user, uint32_t group) {
  // These calls say nothing of success; asked for what is not an id, they give the present one.
  setfsgid(group);
  setfsuid(user);
  return setfsgid((gid_t)-1) == (int)group && setfsuid((uid_t)-1) == (int)user ? 0 : -EPERM;
}

static bool kept(int process, const int *keep, size_t count) {
  for (size_t index = 0; index < count; index++)
    if (keep[index] == process) return true;
  return false;
}

int cl_kill_children(const int *keep, size_t count) {
  int file = open_children();
  if (file < 0) return file;
  char list[4096];
  ssize_t length = read(file, list, sizeof list - 1);
  close(file);
  if (length < 0) return -EIO;
  list[length] = 0;
  int killed = 0;
  // A number that the end of the list cut off is there again in the next round.
  for (char *at = list, *end; (end = strchr(at, ' ')) != NULL; at = end + 1) {
    int process = atoi(at);
    if (process <= 0 || kept(process, keep, count)) continue;
    kill(process, SIGKILL);
    killed++;
  }
  return killed;
}

void cl_reap_others(const int *keep, size_t count) {
  // One by one, because waiting for any would take from those in `keep` what they ended with.
  char list[4096];
  int file = open_children();
  ssize_t length = file < 0 ? -1 : read(file, list, sizeof list - 1);
  if (file >= 0) close(file);
  if (length < 0) return;
  list[length] = 0;
  for (char *at = list, *end; (end = strchr(at, ' ')) != NULL; at = end + 1) {
    int process = atoi(at);
    if (process > 0 && !kept(process, keep, count)) waitpid(process, NULL, WNOHANG);
  }
}

static void end(int number) { _exit(128 + number); }

int cl_end_on_signals(const int *signals, size_t count) {
  struct sigaction action = {.sa_handler = end};
  sigfillset(&action.sa_mask);
  for (size_t index = 0; index < count; index++)
    if (sigaction(signals[index], &action, NULL) == -1) return -errno;
  return 0;
}

// Attempts that win by a race: a name leads somewhere else from one moment to the next.
#define _GNU_SOURCE
#include "CProbe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXCHANGE 2  // RENAME_EXCHANGE of linux/fs.h
#define INSIDE "inside"

// How often and how long is tried: enough for a race that can be won to be won many times, and
// little enough for a machine that has other things to do.
struct effort {
  int rounds;
  long milliseconds;
};
static const struct effort thorough = {4000, 1500}, brief = {500, 200};

struct counts {
  int inside, beyond, failed, error;
};

static bool unknown(struct cp_outcome *out, const char *what) {
  out->error = errno;
  out->word = "unknown";
  snprintf(out->detail, sizeof out->detail, "could not prepare: %s", what);
  return false;
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Exchanges two names until its parent has seen enough.
static pid_t start_exchanging(const char *one, const char *other) {
  pid_t parent = getpid(), child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(10);
  while (getppid() == parent) syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, EXCHANGE);
  _exit(0);
}

static void look(const char *path, struct counts *counts) {
  char text[sizeof INSIDE] = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) {
    counts->failed++;
    counts->error = errno;
  } else if (strcmp(text, INSIDE) == 0) {
    counts->inside++;
  } else {
    counts->beyond++;
  }
  if (fd >= 0) close(fd);
}

// Opens FILE below both names while they are exchanged. "done" when one time it was another file
// than the one that begins with "inside"; the detail has the counts.
static void race(const char *one, const char *other, const char *file, struct effort effort,
                 struct cp_outcome *out) {
  char paths[2][4200];
  snprintf(paths[0], sizeof paths[0], "%s/%s", one, file);
  snprintf(paths[1], sizeof paths[1], "%s/%s", other, file);
  struct counts counts = {0};
  pid_t child = start_exchanging(one, other);
  if (child < 0) {
    unknown(out, "a second process");
    return;
  }
  long until = milliseconds() + effort.milliseconds;
  for (int round = 0; round < effort.rounds && milliseconds() < until; round++)
    look(paths[round % 2], &counts);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  out->error = counts.beyond > 0 ? 0 : counts.error;
  out->word = counts.beyond > 0 ? "done" : "refused";
  snprintf(out->detail, sizeof out->detail, "%d inside, %d beyond, %d failed", counts.inside,
           counts.beyond, counts.failed);
  // Who never got anywhere has not raced.
  if (counts.inside + counts.beyond == 0) out->word = "unknown";
}

// A directory of its own and a link to that of `target`, exchanged in the private directory.
static void race_link(const char *target, struct cp_outcome *out) {
  char directory[4096];
  const char *name = strrchr(target, '/');
  if (name == NULL || name == target || strlen(target) >= sizeof directory) {
    unknown(out, "the name");
    return;
  }
  snprintf(directory, sizeof directory, "%.*s", (int)(name - target), target);
  char file[300];
  snprintf(file, sizeof file, "probe-race-one%s", name);
  int fd = -1;
  bool made = mkdir("probe-race-one", 0700) == 0 && symlink(directory, "probe-race-other") == 0 &&
              (fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0 &&
              write(fd, INSIDE, sizeof INSIDE - 1) == sizeof INSIDE - 1;
  if (fd >= 0) close(fd);
  if (made) race("probe-race-one", "probe-race-other", name + 1, brief, out);
  else unknown(out, "a directory and a link");
  // Which is which now is anybody's guess.
  const char *names[] = {"probe-race-one", "probe-race-other"};
  for (int index = 0; index < 2; index++) {
    struct stat facts;
    if (lstat(names[index], &facts) != 0) continue;
    if (S_ISLNK(facts.st_mode)) unlink(names[index]);
    snprintf(file, sizeof file, "%s%s", names[index], name);
    if (S_ISDIR(facts.st_mode) && unlink(file) == 0) rmdir(names[index]);
  }
}

bool cp_attempt_race(const char *name, struct cp_outcome *out) {
  if (strncmp(name, "race-link:", 10) == 0) {
    race_link(name + 10, out);
    return true;
  }
  // "race:ONE:OTHER:FILE"
  if (strncmp(name, "race:", 5) != 0) return false;
  char *text = strdup(name + 5);
  char *rest = text, *parts[3];
  for (int index = 0; index < 3; index++) parts[index] = strsep(&rest, ":");
  if (parts[2] != NULL) race(parts[0], parts[1], parts[2], thorough, out);
  else unknown(out, "the name");
  free(text);
  return true;
}

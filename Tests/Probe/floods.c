// Floods: each takes as much of one thing as it gets, up to a bound of its own, so that a limit that
// does not hold hurts nobody. What came of it is text: how much there was, and what stopped it.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBIBYTE (1L << 20)

static char part[MEBIBYTE];

// A bomb: each process makes others until the kernel refuses; all of them wait until they are ended.
static long flood_processes(long most) {
  long *count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int gate[2];
  if (count == MAP_FAILED || pipe(gate) == -1) return -1;
  pid_t first = fork();
  if (first == 0) {
    setpgid(0, 0);
    __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(count, __ATOMIC_SEQ_CST) < most) {
      pid_t child = fork();
      if (child == -1) break;
      if (child == 0) __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    }
    int error = errno;
    if (write(gate[1], &error, sizeof error) < 0) _exit(1);
    for (;;) pause();
  }
  if (first == -1) return -1;
  int error = 0;
  if (read(gate[0], &error, sizeof error) < 0) return -1;
  usleep(300 * 1000);
  kill(-first, SIGKILL);
  while (waitpid(-first, NULL, 0) > 0) continue;
  errno = *count >= most ? 0 : error;
  return *count < most ? *count : most;
}

static void *wait_for_ever(void *nothing) {
  for (;;) pause();
  return nothing;
}

static long flood_threads(long most) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (long made = 0; made < most; made++) {
    pthread_t thread;
    int error = pthread_create(&thread, &small, wait_for_ever, NULL);
    if (error != 0) {
      errno = error;
      return made;
    }
  }
  errno = 0;
  return most;
}

static long flood_memory(long most, int kind) {
  for (long made = 0; made < most; made++) {
    char *piece = mmap(NULL, MEBIBYTE, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return made;
    memset(piece, 1, MEBIBYTE);
  }
  errno = 0;
  return most;
}

static long fill(int file, long most) {
  for (long made = 0; made < most; made++)
    if (write(file, part, sizeof part) != (ssize_t)sizeof part) return made;
  errno = 0;
  return most;
}

static long flood_file(const char *path, long most) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  long made = file == -1 ? -1 : fill(file, most);
  int error = errno;
  unlink(path);
  errno = error;
  return made;
}

static long flood_files(const char *place, long most) {
  char path[256];
  long made = 0;
  for (; made < most; made++) {
    snprintf(path, sizeof path, "%s/flood-%ld", place, made);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file == -1) break;
    close(file);
  }
  int error = made == most ? 0 : errno;
  for (long index = 0; index < made; index++) {
    snprintf(path, sizeof path, "%s/flood-%ld", place, index);
    unlink(path);
  }
  errno = error;
  return made;
}

static long flood_memory_files(long most) {
  long made = 0;
  while (made < most) {
    int file = (int)syscall(SYS_memfd_create, "flood", 1);
    if (file == -1) return made;
    long more = fill(file, most - made);
    made += more;
    if (more == 0) return made;
  }
  errno = 0;
  return made;
}

static long flood_descriptors(long most, bool pipes) {
  for (long made = 0; made < most; made++) {
    int ends[2];
    if (pipes ? pipe(ends) == -1 : open("/dev/null", O_RDONLY) == -1) return made;
  }
  errno = 0;
  return most;
}

// Descriptors that nobody holds any more but messages that nobody reads.
static long flood_in_flight(long most) {
  int ends[2] = {-1, -1};
  for (long made = 0; made < most; made++) {
    char byte = 0;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    union {
      char space[CMSG_SPACE(sizeof(int))];
      struct cmsghdr align;
    } rights = {{0}};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights,
                             .msg_controllen = sizeof rights};
    // A socket takes a few hundred at most, so a new one after so many.
    if (made % 100 == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1) return made;
    int file = open("/dev/null", O_RDONLY);
    if (file == -1) return made;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
    if (sendmsg(ends[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) == -1) return made;
    close(file);
  }
  errno = 0;
  return most;
}

static long flood_signals(pid_t to, int number, long most) {
  signal(number, SIG_IGN);
  for (long made = 0; made < most; made++) {
    union sigval value = {.sival_int = 0};
    if (sigqueue(to, number, value) == -1) return made;
  }
  errno = 0;
  return most;
}

static long flood(const char *how, const char *place, long most) {
  if (strcmp(how, "processes") == 0) return flood_processes(most);
  if (strcmp(how, "threads") == 0) return flood_threads(most);
  if (strcmp(how, "heap") == 0) return flood_memory(most, MAP_PRIVATE);
  if (strcmp(how, "shared") == 0) return flood_memory(most, MAP_SHARED);
  if (strcmp(how, "memory-files") == 0) return flood_memory_files(most);
  if (strcmp(how, "file") == 0) return flood_file(place, most);
  if (strcmp(how, "files") == 0) return flood_files(place, most);
  if (strcmp(how, "descriptors") == 0) return flood_descriptors(most, false);
  if (strcmp(how, "pipes") == 0) return flood_descriptors(most, true);
  if (strcmp(how, "in-flight") == 0) return flood_in_flight(most);
  if (strcmp(how, "signals-to-self") == 0) return flood_signals(getpid(), SIGRTMIN, most);
  if (strcmp(how, "signals-to-init") == 0) return flood_signals(1, SIGRTMIN, most);
  if (strcmp(how, "kill-init") == 0) return flood_signals(1, SIGUSR1, most);
  if (strcmp(how, "deaf-processor") == 0) signal(SIGXCPU, SIG_IGN);
  if (strcmp(how, "processor") == 0 || strcmp(how, "deaf-processor") == 0)
    for (volatile long turn = 0;; turn++) continue;
  errno = EINVAL;
  return -1;
}

// Floods in a child and says what came of it, or, with `here`, in this very process.
void drown(const char *how, const char *place, long most, bool here, bool careless, char *report,
           size_t size) {
  struct { long made; int error, finished; } *shared = mmap(
      NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int status = 0;
  if (shared == MAP_FAILED) _exit(1);
  shared->finished = 0;
  pid_t child = here ? 0 : fork();
  if (child == 0) {
    if (!here) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!careless) signal(SIGXFSZ, SIG_IGN);
    alarm(15);
    shared->made = flood(how, place, most);
    shared->error = errno;
    shared->finished = 1;
    alarm(0);
    if (!here) _exit(0);
  } else if (child > 0) {
    waitpid(child, &status, 0);
  }
  const char *error = strerrorname_np(shared->error);
  snprintf(report, size, "{\"made\":%ld,\"errno\":\"%s\",\"signal\":%d,\"finished\":%s}",
           shared->made, shared->error == 0 ? "" : error ? error : "?",
           WIFSIGNALED(status) ? WTERMSIG(status) : 0, shared->finished ? "true" : "false");
  munmap(shared, sizeof *shared);
}

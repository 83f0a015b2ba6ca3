// The attempts that need more than one call with a bad pointer.
#define _GNU_SOURCE
#include "CProbe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *error_name(int error) {
  const char *name = strerrorname_np(error);
  return error == 0 ? "" : name != NULL ? name : "E?";
}

void cp_append_outcome(struct cp_buffer *to, const char *name, const struct cp_outcome *out) {
  cp_append_text(to, "{\"attempt\":");
  cp_append_string(to, name, strlen(name));
  cp_append_text(to, ",\"outcome\":\"");
  cp_append_text(to, out->word);
  cp_append_text(to, "\",\"errno\":\"");
  cp_append_text(to, error_name(out->error));
  cp_append_text(to, "\",\"detail\":");
  cp_append_string(to, out->detail, strlen(out->detail));
  cp_append_text(to, "}");
}

static void settle(struct cp_outcome *out, bool worked) {
  out->error = worked ? 0 : errno;
  out->word = worked ? "done" : "refused";
}

static void try_read(const char *path, struct cp_outcome *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  ssize_t count = fd < 0 ? -1 : read(fd, out->detail, sizeof out->detail - 1);
  settle(out, count >= 0);
  out->detail[count < 0 ? 0 : count] = 0;
}

static void try_write(const char *path, struct cp_outcome *out) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  settle(out, fd >= 0 && write(fd, "probe\n", 6) == 6);
}

static void try_list(const char *path, struct cp_outcome *out) {
  DIR *directory = opendir(path);
  settle(out, directory != NULL);
  size_t length = 0;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    size_t more = strlen(entry->d_name);
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (length + more + 2 > sizeof out->detail) break;
    memcpy(out->detail + length, entry->d_name, more);
    out->detail[length + more] = '\n';
    length += more + 1;
  }
}

static void try_descriptors(struct cp_outcome *out) {
  size_t length = 0;
  for (int fd = 0; fd < 4096 && length < sizeof out->detail - 8; fd++) {
    if (fcntl(fd, F_GETFD) != -1)
      length += (size_t)snprintf(out->detail + length, 8, "%d ", fd);
  }
  settle(out, true);
}

static void try_environment(struct cp_outcome *out) {
  size_t length = 0;
  for (char **entry = environ; *entry != NULL; entry++) {
    int more = snprintf(out->detail + length, sizeof out->detail - length, "%s\n", *entry);
    if (more < 0 || length + (size_t)more >= sizeof out->detail) break;
    length += (size_t)more;
  }
  settle(out, true);
}

static void try_connect(const char *where, struct cp_outcome *out) {
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  struct sockaddr_in host = {.sin_family = AF_INET};
  const struct sockaddr *address = (const struct sockaddr *)&path;
  socklen_t length = sizeof path;
  const char *target = strchr(where, ':') != NULL ? strchr(where, ':') + 1 : "";
  if (strncmp(where, "tcp:", 4) == 0) {
    char name[64] = {0};
    const char *colon = strrchr(target, ':');
    if (colon == NULL || (size_t)(colon - target) >= sizeof name) return;
    memcpy(name, target, (size_t)(colon - target));
    inet_pton(AF_INET, name, &host.sin_addr);
    host.sin_port = htons((uint16_t)atoi(colon + 1));
    address = (const struct sockaddr *)&host;
    length = sizeof host;
  } else if (strncmp(where, "abstract:", 9) == 0) {
    memcpy(path.sun_path + 1, target, strnlen(target, sizeof path.sun_path - 2));
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(target));
  } else {
    memcpy(path.sun_path, target, strnlen(target, sizeof path.sun_path - 1));
  }
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  settle(out, fd >= 0 && connect(fd, address, length) == 0);
  snprintf(out->detail, sizeof out->detail, fd < 0 ? "no socket" : "socket");
}

// Copies this executable (or a script) to `path` and runs it there.
static void try_run_copy(const char *path, struct cp_outcome *out) {
  int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  char part[65536];
  ssize_t count = 0;
  while (to >= 0 && from >= 0 && (count = read(from, part, sizeof part)) > 0) {
    if (write(to, part, (size_t)count) != count) count = -1;
  }
  if (to < 0 || from < 0 || count < 0) {
    settle(out, false);
    snprintf(out->detail, sizeof out->detail, "could not write the copy");
    return;
  }
  close(to);
  char *arguments[] = {(char *)path, "try", NULL};
  execve(path, arguments, environ);
  settle(out, false);
}

// Starts up to `most` children that wait; the detail says how many there were.
static void try_processes(int most, struct cp_outcome *out) {
  int started = 0;
  pid_t parent = getpid(), *children = calloc((size_t)most + 1, sizeof *children);
  for (; children != NULL && started < most; started++) {
    children[started] = fork();
    if (children[started] == 0) {
      // Whoever is ended before it can end these must not leave them behind.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      alarm(10);
      if (getppid() != parent) _exit(0);
      for (;;) pause();
    }
    if (children[started] < 0) break;
  }
  settle(out, started == most);
  for (int i = 0; i < started; i++) kill(children[i], SIGKILL);
  for (int i = 0; i < started; i++) waitpid(children[i], NULL, 0);
  snprintf(out->detail, sizeof out->detail, "%d", started);
}

static void try_memory(size_t mebibytes, struct cp_outcome *out) {
  size_t size = mebibytes << 20;
  char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  settle(out, bytes != MAP_FAILED);
  for (size_t at = 0; bytes != MAP_FAILED && at < size; at += 4096) bytes[at] = 1;
}

// "4:48": four processes that use 48 MiB each at the same time.
static void try_together(const char *argument, struct cp_outcome *out) {
  const char *colon = strchr(argument, ':');
  int most = atoi(argument), ended = 0;
  size_t size = colon == NULL ? 0 : (size_t)atoi(colon + 1) << 20;
  atomic_int *ready =
      mmap(NULL, sizeof *ready, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t parent = getpid(), children[16];
  if (size == 0 || most < 1 || most > 16 || ready == MAP_FAILED) return settle(out, false);
  for (int i = 0; i < most; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(0);
      char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (bytes == MAP_FAILED) _exit(1);
      for (size_t at = 0; at < size; at += 4096) bytes[at] = 1;
      atomic_fetch_add(ready, 1);
      for (;;) pause();
    }
    if (children[i] < 0) ended++;
  }
  // Until all have what they want, or one of them is gone; the attempt itself has its time.
  while (ended == 0 && atomic_load(ready) < most) {
    if (waitpid(-1, NULL, WNOHANG) > 0) ended++;
    usleep(1000);
  }
  errno = ENOMEM;
  settle(out, ended == 0);
  for (int i = 0; i < most; i++)
    if (children[i] > 0) kill(children[i], SIGKILL);
  while (waitpid(-1, NULL, 0) > 0) continue;
  snprintf(out->detail, sizeof out->detail, "%d of %d", atomic_load(ready), most);
}

static void try_locked_memory(size_t mebibytes, struct cp_outcome *out) {
  size_t size = mebibytes << 20;
  char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  settle(out, bytes != MAP_FAILED && mlock(bytes, size) == 0);
}

// Makes up to `most` empty directories below `path`; the detail says how many there were.
static void try_inodes(const char *argument, struct cp_outcome *out) {
  const char *colon = strrchr(argument, ':');
  int most = colon == NULL ? 0 : atoi(colon + 1), made = 0;
  char path[256];
  for (; made < most; made++) {
    snprintf(path, sizeof path, "%.*s/%d", (int)(colon - argument), argument, made);
    if (mkdir(path, 0700) == -1) break;
  }
  settle(out, made == most);
  snprintf(out->detail, sizeof out->detail, "%d", made);
  for (int index = 0; index < made; index++) {
    snprintf(path, sizeof path, "%.*s/%d", (int)(colon - argument), argument, index);
    rmdir(path);
  }
}

// Sets the limit of core files (or of open files) to 0 and goes on.
static void try_limit(int which, struct cp_outcome *out) {
  struct rlimit limit = {0, 0};
  if (getrlimit(which, &limit) == 0)
    snprintf(out->detail, sizeof out->detail, "%llu %llu", (unsigned long long)limit.rlim_cur,
             (unsigned long long)limit.rlim_max);
  limit.rlim_cur = which == RLIMIT_CORE ? 0 : 32;
  settle(out, setrlimit(which, &limit) == 0);
}

static void try_open_files(int most, struct cp_outcome *out) {
  int opened = 0;
  while (opened < most && dup(0) >= 0) opened++;
  settle(out, opened == most);
  snprintf(out->detail, sizeof out->detail, "%d", opened);
}

static void try_file_size(const char *argument, struct cp_outcome *out) {
  char *path = strdup(argument);
  char *colon = path == NULL ? NULL : strrchr(path, ':');
  if (colon == NULL) return;
  *colon = 0;
  long long most = atoll(colon + 1) << 20, written = 0;
  signal(SIGXFSZ, SIG_IGN);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  static char part[1 << 16];
  ssize_t count = 0;
  while (fd >= 0 && written < most && (count = write(fd, part, sizeof part)) > 0) written += count;
  settle(out, fd >= 0 && count > 0);
  snprintf(out->detail, sizeof out->detail, "%lld", written);
  unlink(path);
}

static void try_burn(struct cp_outcome *out) {
  for (volatile uint64_t i = 0;; i++) {
    if (i == UINT64_MAX) break;
  }
  settle(out, true);
}

// Makes a file with both set-id bits, under the umask 0; the detail is the mode that came of it.
static void try_set_id(const char *path, struct cp_outcome *out) {
  umask(0);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 06755);
  struct stat facts = {0};
  settle(out, fd >= 0 && fstat(fd, &facts) == 0);
  snprintf(out->detail, sizeof out->detail, "%o", (unsigned)facts.st_mode);
}

// Lets everybody read a file by an access control list (the kernel's format: version 2, then tag,
// rights and id of each entry), or sets an attribute of user.*.
static void try_attribute(const char *path, bool is_list, struct cp_outcome *out) {
  static const unsigned char list[] = {
    2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 0, 0, 255, 255, 255, 255,
    32, 0, 7, 0, 255, 255, 255, 255};
  int result = is_list ? setxattr(path, "system.posix_acl_access", list, sizeof list, 0)
                       : setxattr(path, "user.probe", "1", 1, 0);
  settle(out, result == 0);
}

// Takes a lease on a file that is open for reading: whoever opens it for writing then waits.
static void try_lease(const char *path, struct cp_outcome *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  settle(out, fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
}

// Locks a file as databases do, for this open of it.
static void try_lock(const char *path, struct cp_outcome *out) {
  struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  settle(out, fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0);
}

// "DEVICE:INODE:VERB:PATH": the attempt VERB:PATH, but only if PATH leads to that file or cannot be
// looked at. Another one of that name is the cell's own, and what is done with it says nothing.
static void try_on_host(const char *text, struct cp_outcome *out) {
  unsigned long long device, inode;
  int length = 0;
  if (sscanf(text, "%llu:%llu:%n", &device, &inode, &length) != 2 || length == 0) {
    out->word = "unknown";
    return;
  }
  const char *path = strchr(text + length, ':');
  struct stat facts;
  if (path != NULL && stat(path + 1, &facts) == 0 &&
      (facts.st_dev != device || facts.st_ino != inode)) {
    out->word = "refused";
    snprintf(out->detail, sizeof out->detail, "another file of this name");
    return;
  }
  cp_attempt(text + length, out);
}

void cp_attempt(const char *name, struct cp_outcome *out) {
  const char *colon = strchr(name, ':');
  const char *rest = colon == NULL ? "" : colon + 1;
  size_t verb = colon == NULL ? strlen(name) : (size_t)(colon - name);
  memset(out, 0, sizeof *out);
#define VERB(word) (verb == strlen(word) && memcmp(name, word, verb) == 0)
  errno = 0;
  if (VERB("read")) try_read(rest, out);
  else if (VERB("write")) try_write(rest, out);
  else if (VERB("list")) try_list(rest, out);
  else if (VERB("stat")) { struct stat s; settle(out, stat(rest, &s) == 0); }
  else if (VERB("host")) try_on_host(rest, out);
  else if (VERB("readlink")) {
    ssize_t count = readlink(rest, out->detail, sizeof out->detail - 1);
    settle(out, count >= 0);
  }
  else if (VERB("unlink")) settle(out, unlink(rest) == 0);
  else if (VERB("mkdir")) settle(out, mkdir(rest, 0755) == 0);
  else if (VERB("chdir")) settle(out, chdir(rest) == 0);
  else if (VERB("cwd")) settle(out, getcwd(out->detail, sizeof out->detail) != NULL);
  else if (VERB("fds")) try_descriptors(out);
  else if (VERB("env")) try_environment(out);
  else if (VERB("connect")) try_connect(rest, out);
  else if (VERB("run-copy")) try_run_copy(rest, out);
  else if (VERB("lease")) try_lease(rest, out);
  else if (VERB("lock")) try_lock(rest, out);
  else if (VERB("set-id")) try_set_id(rest, out);
  else if (VERB("access-list") || VERB("attribute")) try_attribute(rest, VERB("access-list"), out);
  else if (VERB("exec")) {
    char *arguments[] = {(char *)rest, NULL};
    execve(rest, arguments, environ);
    settle(out, false);
  }
  else if (VERB("kill")) settle(out, kill(atoi(rest), 0) == 0);
  else if (VERB("processes")) try_processes(atoi(rest), out);
  else if (VERB("memory")) try_memory((size_t)atoll(rest), out);
  else if (VERB("locked-memory")) try_locked_memory((size_t)atoll(rest), out);
  else if (VERB("together")) try_together(rest, out);
  else if (VERB("inodes")) try_inodes(rest, out);
  else if (VERB("limit-core")) try_limit(RLIMIT_CORE, out);
  else if (VERB("limit-files")) try_limit(RLIMIT_NOFILE, out);
  else if (VERB("open-files")) try_open_files(atoi(rest), out);
  else if (VERB("file-size")) try_file_size(rest, out);
  else if (VERB("burn")) try_burn(out);
  else if (!cp_attempt_file(name, out) && !cp_attempt_state(name, out) &&
           !cp_attempt_hardening(name, out) && !cp_attempt_environment(name, out) &&
           !cp_attempt_race(name, out) && !cp_attempt_call(name, out)) {
    out->word = "unknown";
    snprintf(out->detail, sizeof out->detail, "no such attempt");
  }
#undef VERB
}

static void in_child(const char *name, struct cp_outcome *out, unsigned seconds, pid_t parent) {
  // Nobody is left behind when the parent is ended, or when the attempt hangs.
  if (seconds > 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    alarm(seconds);
  }
  cp_attempt(name, out);
  _exit(0);
}

void cp_attempt_apart(const char *name, struct cp_outcome *out, unsigned seconds) {
  memset(out, 0, sizeof *out);
  struct cp_outcome *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t parent = getpid();
  pid_t child = shared == MAP_FAILED ? -1 : fork();
  if (child == 0) in_child(name, shared, seconds, parent);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    out->word = "unknown";
    out->error = errno;
    return;
  }
  if (shared->word != NULL) *out = *shared;
  if (WIFSIGNALED(status)) {
    bool late = seconds > 0 && WTERMSIG(status) == SIGALRM;
    out->word = late ? "unknown" : "killed";
    snprintf(out->detail, sizeof out->detail, "SIG%s", sigabbrev_np(WTERMSIG(status)));
  } else if (out->word == NULL) {
    // The child became another program, which ended well: that is what was attempted.
    out->word = WEXITSTATUS(status) == 0 ? "done" : "refused";
  }
  munmap(shared, sizeof *shared);
}

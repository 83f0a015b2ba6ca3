// probe landlock ABI RULES NAME...   enforces Landlock alone, as a cell does, and tries each NAME
//
// RULES is a file with a line for each rule: its rights in hexadecimal, a space and its path. No
// mount, namespace or filter stands in front, so that what is refused this wall alone refuses.
#define _GNU_SOURCE
#include "probe.h"
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *what) {
  perror(what);
  return 1;
}

static int enforce(int abi, const char *rules) {
  int ruleset = cl_landlock_create(abi, true);
  FILE *file = fopen(rules, "re");
  char line[4200];
  if (ruleset < 0 || file == NULL) return failed(rules);
  while (fgets(line, sizeof line, file) != NULL) {
    char *path;
    unsigned long long access = strtoull(line, &path, 16);
    path++;
    path[strcspn(path, "\n")] = 0;
    int place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    int result = place < 0 ? -errno : cl_landlock_allow(ruleset, place, access);
    if (result < 0) {
      errno = -result;
      return failed(path);
    }
    close(place);
  }
  fclose(file);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || cl_landlock_restrict(ruleset) != 0)
    return failed("landlock_restrict_self");
  return 0;
}

static int bind_tcp(int port) {
  struct sockaddr_in host = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port)};
  int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return end < 0 ? -1 : bind(end, (const struct sockaddr *)&host, sizeof host);
}

// A request that its driver does not know: ENOTTY comes from the driver, EACCES from the wall.
static int device_request(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = ioctl(fd, 0x5a5a, 0);
  return result == -1 && errno == ENOTTY ? 0 : -1;
}

// Attempts that only this test needs: "VERB:PATH" or "VERB:PATH:PATH".
static bool attempt(const char *name, struct cp_outcome *out) {
  char *text = strdup(name), *rest = text;
  const char *verb = strsep(&rest, ":"), *one = strsep(&rest, ":");
  const char *other = strsep(&rest, ":");
  bool known = true;
  int result = -1;
  errno = 0;
  if (one == NULL) known = false;
  else if (strcmp(verb, "rename") == 0 && other) result = rename(one, other);
  else if (strcmp(verb, "link") == 0 && other) result = link(one, other);
  else if (strcmp(verb, "rmdir") == 0) result = rmdir(one);
  else if (strcmp(verb, "make-socket") == 0) result = mknod(one, S_IFSOCK | 0600, 0);
  else if (strcmp(verb, "make-character") == 0) result = mknod(one, S_IFCHR | 0600, 0x103);
  else if (strcmp(verb, "make-block") == 0) result = mknod(one, S_IFBLK | 0600, 0x700);
  else if (strcmp(verb, "device-request") == 0) result = device_request(one);
  else if (strcmp(verb, "bind-tcp") == 0) result = bind_tcp(atoi(one));
  else known = false;
  if (known) {
    memset(out, 0, sizeof *out);
    out->error = result == 0 ? 0 : errno;
    out->word = result == 0 ? "done" : "refused";
  }
  free(text);
  return known;
}

int landlock(int argc, char **argv) {
  if (argc < 4) return 2;
  // Without rules there is no wall: the control.
  if (strcmp(argv[3], "-") != 0 && enforce(atoi(argv[2]), argv[3]) != 0) return 1;
  for (int i = 4; i < argc; i++) {
    struct cp_outcome out;
    struct cp_buffer line = {0};
    if (!attempt(argv[i], &out)) cp_attempt_apart(argv[i], &out, 0);
    cp_append_outcome(&line, argv[i], &out);
    cp_append(&line, "\n", 1);
    if (write(1, line.bytes, line.length) < 0) return 1;
  }
  return 0;
}

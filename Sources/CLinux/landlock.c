// Landlock rulesets (Documentation/userspace-api/landlock.rst).
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Bits newer than the kernel headers that we build with; the numbers are kernel ABI.
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

struct ruleset_attr {
  uint64_t handled_access_fs, handled_access_net, scoped;
};

uint64_t cl_landlock_handled_files(int abi) {
  uint64_t handled = (1ULL << 13) - 1;  // ABI 1: execute … make_sym
  if (abi >= 2) handled |= 1ULL << 13;  // refer
  if (abi >= 3) handled |= FS_TRUNCATE;
  if (abi >= 5) handled |= FS_IOCTL_DEV;
  return handled;
}

int cl_landlock_create(int abi, bool scope_signals) {
  struct ruleset_attr attributes = {.handled_access_fs = cl_landlock_handled_files(abi)};
  size_t size = sizeof(uint64_t);
  if (abi >= 4) {
    attributes.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
    size = 2 * sizeof(uint64_t);
  }
  if (abi >= 6) {
    attributes.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | (scope_signals ? SCOPE_SIGNAL : 0);
    size = sizeof attributes;
  }
  long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  return ruleset == -1 ? -errno : (int)ruleset;
}

int cl_landlock_allow(int ruleset, int parent, uint64_t access) {
  struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = parent};
  long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  return result == -1 ? -errno : 0;
}

int cl_landlock_restrict(int ruleset) {
  return syscall(SYS_landlock_restrict_self, ruleset, 0) == -1 ? -errno : 0;
}

int cl_landlock_scope_signals(void) {
  struct ruleset_attr attributes = {.scoped = SCOPE_SIGNAL};
  long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (ruleset == -1) return -errno;
  int result = cl_landlock_restrict((int)ruleset);
  close((int)ruleset);
  return result;
}

int cl_landlock_deny_everything(void) {
  int abi = cl_landlock_abi();
  if (abi < 0) return abi;
  int ruleset = cl_landlock_create(abi, true);
  if (ruleset < 0) return ruleset;
  int result = cl_landlock_restrict(ruleset);
  close(ruleset);
  return result;
}

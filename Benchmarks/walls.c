// Starts a server behind walls of the kinds that a cell has, and does nothing else: no profile, no
// plan, no look at what holds, no relay, no record. What it takes is what the kernel takes for them,
// so no program that sets them up for each start is faster.
//   walls SERVER
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSTRUCTIONS 713  // as many as the filter of a cell has

static const char *const shown[] = {"/usr", "/etc/ssl", "/dev/null", "/dev/zero", "/dev/urandom"};
#define SHOWN (sizeof shown / sizeof *shown)
static int trees[SHOWN + 1];

static int must(long result, const char *step) {
  if (result < 0) {
    perror(step);
    exit(1);
  }
  return (int)result;
}

static int clone_tree(const char *path) {
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID,
                                  .propagation = MS_PRIVATE};
  int tree = must(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE), path);
  must(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
               sizeof attributes), "mount_setattr");
  return tree;
}

static void attach(int tree, int root, const char *path) {
  int at = must(openat(root, path, O_PATH | O_CLOEXEC), path);
  must(syscall(SYS_move_mount, tree, "", at, "",
               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), path);
  close(at);
  close(tree);
}

static int make(const char *type) {
  int context = must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);
  must(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
  int mounted = must(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0), type);
  close(context);
  return mounted;
}

static void build(const char *server) {
  int root = make("tmpfs");
  must(syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "/");
  const char *const places[] = {"usr", "etc", "etc/ssl", "dev", "proc", "tmp", "home", "srv"};
  for (size_t index = 0; index < sizeof places / sizeof *places; index++)
    must(mkdirat(root, places[index], 0755), places[index]);
  for (size_t index = 0; index < SHOWN; index++) {
    if (strncmp(shown[index], "/dev/", 5) == 0)
      close(must(openat(root, shown[index] + 1, O_WRONLY | O_CREAT, 0644), shown[index]));
    attach(trees[index], root, shown[index] + 1);
  }
  close(must(openat(root, "srv/server", O_WRONLY | O_CREAT, 0755), server));
  attach(trees[SHOWN], root, "srv/server");
  attach(make("tmpfs"), root, "tmp");
  attach(make("tmpfs"), root, "home");
  attach(make("proc"), root, "proc");
  must(fchdir(root), "/");
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "umount");
}

static void restrict_files(void) {
  struct landlock_ruleset_attr handled = {.handled_access_fs = (1 << 13) - 1};
  int rules = must(syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0), "landlock");
  const char *const allowed[] = {"/usr", "/etc", "/dev", "/proc", "/tmp", "/home", "/srv"};
  for (size_t index = 0; index < sizeof allowed / sizeof *allowed; index++) {
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                          LANDLOCK_ACCESS_FS_EXECUTE,
        .parent_fd = must(open(allowed[index], O_PATH | O_CLOEXEC), allowed[index])};
    must(syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), "rule");
    close(rule.parent_fd);
  }
  must(syscall(SYS_landlock_restrict_self, rules, 0), "landlock_restrict_self");
  close(rules);
}

static void filter_calls(void) {
  static struct sock_filter code[INSTRUCTIONS];
  code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
  for (int index = 1; index < INSTRUCTIONS - 1; index++) {
    uint8_t rest = INSTRUCTIONS - 2 - index > 255 ? 0 : (uint8_t)(INSTRUCTIONS - 2 - index);
    code[index] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1000 + index, rest, 0);
  }
  code[INSTRUCTIONS - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = INSTRUCTIONS, .filter = code};
  must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program),
       "seccomp");
}

static void write_text(const char *path, const char *text) {
  int file = must(open(path, O_WRONLY | O_CLOEXEC), path);
  must(write(file, text, strlen(text)), path);
  close(file);
}

int main(int count, char **words) {
  if (count != 2) return 2;
  int ids = (int)getuid(), groups = (int)getgid();
  char map[64];
  must(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
               CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_NEWTIME), "unshare");
  snprintf(map, sizeof map, "1000 %d 1", ids);
  write_text("/proc/self/uid_map", map);
  write_text("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "1000 %d 1", groups);
  write_text("/proc/self/gid_map", map);
  for (size_t index = 0; index < SHOWN; index++) trees[index] = clone_tree(shown[index]);
  trees[SHOWN] = clone_tree(words[1]);
  pid_t init = must(fork(), "fork");
  if (init != 0) {
    int status;
    must(waitpid(init, &status, 0), "wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int link = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  must(ioctl(link, SIOCSIFFLAGS, &up), "lo");
  close(link);
  must(sethostname("walls", 5), "sethostname");
  build(words[1]);
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  restrict_files();
  filter_calls();
  pid_t server = must(fork(), "fork");
  if (server == 0) {
    execl("/srv/server", "/srv/server", (char *)NULL);
    must(-1, "exec");
  }
  int status;
  must(waitpid(server, &status, 0), "wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

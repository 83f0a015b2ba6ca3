// Attempts that are one system call, mostly with a bad pointer or descriptor, so that they tell
// without doing: EPERM or ENOSYS says that a filter (or a capability check) stopped the call,
// anything else that the kernel's own code was reached ("reached", or "done" when it worked).
#define _GNU_SOURCE
#include "CProbe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD ((long)0x10)

// Spelled out so that older headers will do.
#define NEW_NAMESPACE_USER 0x10000000L
#define NEW_NAMESPACE_MOUNT 0x00020000L
#define USER_MODE_ONLY 1L

static const struct cp_call calls[] = {
  {"umount-expire", SYS_umount2, {BAD, 4}},
  {"fsconfig", SYS_fsconfig, {-1, 0, 0, 0, 0}},
  {"fspick", SYS_fspick, {-1, BAD, 0}},
  {"open_tree_attr", 467, {-1, BAD, 0, BAD, 32}},
  {"swapoff", SYS_swapoff, {BAD}},
  {"quotactl_fd", 443, {-1, 0x7fffffff, 0, BAD}},
  {"prctl-securebits", SYS_prctl, {28, 0, 0, 0, 0}},
  {"delete_module", SYS_delete_module, {BAD, 0}},
  {"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, -1}},
  {"adjtimex", SYS_adjtimex, {BAD}},
  {"clock_adjtime", SYS_clock_adjtime, {0, BAD}},
  {"setdomainname", SYS_setdomainname, {BAD, -1}},
  {"fanotify_mark", SYS_fanotify_mark, {-1, 0, 0, -1, BAD}},
  {"fanotify_init-plain", SYS_fanotify_init, {0x200, 0}},
  {"process_mrelease", SYS_process_mrelease, {-1, 0}},
  {"seccomp", SYS_seccomp, {99, 0, BAD}},
  {"modify_ldt", SYS_modify_ldt, {1, BAD, 1}},
  {"iopl-4", SYS_iopl, {4}},
  {"ioperm-wrap", SYS_ioperm, {-1, 2, 1}},
  {"chown", SYS_chown, {BAD, 0, 0}},
  {"fchown", SYS_fchown, {-1, 0, 0}},
  {"lchown", SYS_lchown, {BAD, 0, 0}},
  {"fchownat", SYS_fchownat, {-1, BAD, 0, 0, 0}},
  {"io_setup", SYS_io_setup, {0, BAD}},
  {"io_destroy", SYS_io_destroy, {-1}},
  {"io_submit", SYS_io_submit, {-1, 1, BAD}},
  {"shmat", SYS_shmat, {-1, 0, 0}},
  {"shmctl", SYS_shmctl, {-1, 2, BAD}},
  {"semget", SYS_semget, {0x7ffffffe, 0, 0}},
  {"semctl", SYS_semctl, {-1, 0, 2, BAD}},
  {"msgget", SYS_msgget, {0x7ffffffe, 0}},
  {"msgsnd", SYS_msgsnd, {-1, BAD, 1, 0}},
  {"mq_open", SYS_mq_open, {BAD, 0, 0, 0}},
  {"mq_unlink", SYS_mq_unlink, {BAD}},
  {"statmount", 457, {BAD, BAD, 0, 0}},
  {"listmount", 458, {BAD, BAD, 0, 0}},
  {"lsm_set_self_attr", 460, {0, BAD, 0, 0}},
  {"setgroups-none", SYS_setgroups, {0, 0}},
  {"setreuid-0", SYS_setreuid, {0, 0}},
  {"setregid-0", SYS_setregid, {0, 0}},
  {"setresgid-0", SYS_setresgid, {0, 0, 0}},
  {"setuid-1", SYS_setuid, {1}},
  {"setgid-1", SYS_setgid, {1}},
  {"setfsuid-0", SYS_setfsuid, {0}},
  {"setfsgid-0", SYS_setfsgid, {0}},
  {"connect-nowhere", SYS_connect, {-1, BAD, 16}},
  {"bind", SYS_bind, {-1, BAD, 16}},
  {"listen", SYS_listen, {-1, 1}},
  {"accept", SYS_accept, {-1, 0, 0}},
  {"accept4", SYS_accept4, {-1, 0, 0, 0}},
  {"socket-netlink-audit", SYS_socket, {AF_NETLINK, SOCK_RAW, 9}},
  {"socket-inet-raw", SYS_socket, {AF_INET, SOCK_RAW, 1}},
  {"socketpair-inet", SYS_socketpair, {AF_INET, SOCK_STREAM, 0, BAD}},
  {"socketpair-tipc", SYS_socketpair, {30, 15, 0, BAD}},
  {"socketpair-unix-dgram", SYS_socketpair, {AF_UNIX, SOCK_DGRAM, 0, BAD}},
  {"socketpair-unix-raw", SYS_socketpair, {AF_UNIX, SOCK_RAW, 0, BAD}},
  {"mknod-block", SYS_mknod, {BAD, 060666, 0x800}},
  {"mknodat", SYS_mknodat, {-100, BAD, 020666, 0x103}},
  {"mknod-socket", SYS_mknod, {BAD, 0140666, 0}},
  {"chmod-set-uid", SYS_chmod, {BAD, 04755}},
  {"chmod-set-gid", SYS_chmod, {BAD, 02755}},
  {"fchmod-set-uid", SYS_fchmod, {-1, 04755}},
  {"fchmodat-set-uid", SYS_fchmodat, {-1, BAD, 04755}},
  {"fchmodat2-set-uid", 452, {-1, BAD, 04755, 0}},
  {"open-set-uid", SYS_open, {BAD, 0101, 04755}},
  {"openat-set-uid", SYS_openat, {-1, BAD, 0101, 04755}},
  {"creat-set-uid", SYS_creat, {BAD, 04755}},
  {"mount", SYS_mount, {BAD, BAD, BAD, 0, 0}},
  {"umount", SYS_umount2, {BAD, 0}},
  {"pivot_root", SYS_pivot_root, {BAD, BAD}},
  {"fsopen", SYS_fsopen, {BAD, 0}},
  {"fsmount", SYS_fsmount, {-1, 0, 0}},
  {"open_tree", SYS_open_tree, {-1, BAD, 0}},
  {"move_mount", SYS_move_mount, {-1, BAD, -1, BAD, 0}},
  {"mount_setattr", SYS_mount_setattr, {-1, BAD, 0, BAD, 32}},
  {"unshare-user", SYS_unshare, {NEW_NAMESPACE_USER}},
  {"unshare-mount", SYS_unshare, {NEW_NAMESPACE_MOUNT}},
  {"unshare-all", SYS_unshare, {NEW_NAMESPACE_USER | NEW_NAMESPACE_MOUNT | 0x6c000000L}},
  {"setns", SYS_setns, {-1, 0}},
  {"clone3", SYS_clone3, {BAD, 88}},
  {"ptrace-traceme", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
  {"process_vm_readv", SYS_process_vm_readv, {1, BAD, 1, BAD, 1, 0}},
  {"process_vm_writev", SYS_process_vm_writev, {1, BAD, 1, BAD, 1, 0}},
  {"kcmp", SYS_kcmp, {-1, -1, 0, 0, 0}},
  {"pidfd_getfd", SYS_pidfd_getfd, {-1, 0, 0}},
  {"process_madvise", SYS_process_madvise, {-1, BAD, 1, 0, 0}},
  {"io_uring_setup", SYS_io_uring_setup, {1, BAD}},
  {"io_uring_enter", SYS_io_uring_enter, {-1, 0, 0, 0, 0}},
  {"io_uring_register", SYS_io_uring_register, {-1, 0, 0, 0}},
  {"bpf", SYS_bpf, {0, BAD, 64}},
  {"keyctl", SYS_keyctl, {0, -3, 0}},
  {"add_key", SYS_add_key, {BAD, BAD, 0, 0, 0}},
  {"request_key", SYS_request_key, {BAD, BAD, BAD, 0}},
  {"userfaultfd", SYS_userfaultfd, {USER_MODE_ONLY}},
  {"perf_event_open", SYS_perf_event_open, {BAD, 0, -1, -1, 0}},
  {"open_by_handle_at", SYS_open_by_handle_at, {-1, BAD, 0}},
  {"name_to_handle_at", SYS_name_to_handle_at, {-1, BAD, BAD, BAD, 0}},
  {"fanotify_init", SYS_fanotify_init, {-1, 0}},
  {"capset", SYS_capset, {BAD, BAD}},
  {"chroot", SYS_chroot, {BAD}},
  {"init_module", SYS_init_module, {BAD, 0, BAD}},
  {"finit_module", SYS_finit_module, {-1, BAD, 0}},
  {"kexec_load", SYS_kexec_load, {0, 0, BAD, -1}},
  {"reboot", SYS_reboot, {0, 0, 0, 0}},
  {"swapon", SYS_swapon, {BAD, 0}},
  {"settimeofday", SYS_settimeofday, {BAD, 0}},
  {"clock_settime", SYS_clock_settime, {0, BAD}},
  {"sethostname", SYS_sethostname, {BAD, -1}},
  {"acct", SYS_acct, {BAD}},
  {"quotactl", SYS_quotactl, {-1, BAD, 0, BAD}},
  {"syslog", SYS_syslog, {3, BAD, 1}},
  {"iopl", SYS_iopl, {3}},
  {"ioperm", SYS_ioperm, {0x80, 1, 1}},
  {"mknod", SYS_mknod, {BAD, 020666, 0x103}},
  {"move_pages", SYS_move_pages, {0, 1, BAD, BAD, BAD, 0}},
  {"migrate_pages", SYS_migrate_pages, {0, 64, BAD, BAD}},
  {"mbind-bad", SYS_mbind, {BAD, 4096, 9, 0, 0, 0}},
  {"vhangup", SYS_vhangup, {0}},
  {"lookup_dcookie", 212, {0, BAD, 1}},
  {"personality-no-random", SYS_personality, {0x0040000}},
  {"personality-read-implies-exec", SYS_personality, {0x0400000}},
  {"setuid-0", SYS_setuid, {0}},
  {"setresuid-0", SYS_setresuid, {0, 0, 0}},
  {"setgid-0", SYS_setgid, {0}},
  {"setgroups", SYS_setgroups, {1, BAD}},
  {"tiocsti", SYS_ioctl, {0, 0x5412, BAD}},
  {"tiocsti-high", SYS_ioctl, {0, 0x100005412L, BAD}},
  {"tioclinux", SYS_ioctl, {0, 0x541c, BAD}},
  {"prctl-dumpable-high", SYS_prctl, {0x59616d61L, -1, 0, 0, 0}},
  {"memfd_secret", 447, {-1}},
  {"unknown-call", 999, {0}},
  {"socket-inet", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
  {"socket-inet-dgram", SYS_socket, {AF_INET, SOCK_DGRAM, 0}},
  {"socket-inet6", SYS_socket, {AF_INET6, SOCK_STREAM, 0}},
  {"socket-unix", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
  {"socket-unix-dgram", SYS_socket, {AF_UNIX, SOCK_DGRAM, 0}},
  {"socket-unix-high", SYS_socket, {0x100000001L, SOCK_STREAM, 0}},
  {"socket-netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
  {"socket-packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
  {"socket-vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
  {"socket-alg", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}},
  {"socket-bluetooth", SYS_socket, {AF_BLUETOOTH, SOCK_STREAM, 0}},
};

static void judge(struct cp_outcome *out, long result) {
  out->error = result < 0 ? errno : 0;
  out->word = result >= 0                                    ? "done"
              : out->error == EPERM || out->error == ENOSYS ? "refused"
                                                             : "reached";
}

static long pair(int type) {
  int ends[2];
  return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends);
}

static long pair_stream(void) { return pair(SOCK_STREAM); }
static long pair_seqpacket(void) { return pair(SOCK_SEQPACKET); }
static long pair_dgram(void) { return pair(SOCK_DGRAM); }

// A capability of its own account: what capset allows, and not only whether the call is there.
static long raise_capabilities(void) {
  struct {
    uint32_t version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    uint32_t effective, permitted, inheritable;
  } sets[2] = {{1u << 21, 1u << 21, 0}, {0, 0, 0}};  // CAP_SYS_ADMIN and no other
  return syscall(SYS_capset, &header, sets);
}

// The parent waits for us, so that it notices nothing of this.
static long trace_parent(void) { return syscall(SYS_ptrace, PTRACE_SEIZE, getppid(), 0, 0); }

// The 32-bit entry, with its own numbers.
static long int80_call(long number, long first, long second) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(first), "c"(second)
                   : "memory", "r8", "r9", "r10", "r11");
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

static long int80(void) { return int80_call(20, 0, 0); }              // getpid
static long int80_open(void) { return int80_call(5, BAD, 0); }        // open
static long int80_socketcall(void) { return int80_call(102, 1, BAD); }  // socketcall(SYS_SOCKET)
static long int80_mount(void) { return int80_call(21, BAD, BAD); }    // mount
static long int80_execve(void) { return int80_call(11, BAD, 0); }     // execve

// The x32 table: the same numbers with bit 30 set; 39 is getpid.
static long x32(void) { return syscall(0x40000000L | SYS_getpid); }
static long x32_execve(void) { return syscall(0x40000000L | 520, BAD, 0, 0); }

static long write_and_execute(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static const struct {
  const char *name;
  long (*run)(void);
} routines[] = {
  {"int80", int80},
  {"int80-open", int80_open},
  {"int80-socketcall", int80_socketcall},
  {"int80-mount", int80_mount},
  {"int80-execve", int80_execve},
  {"x32", x32},
  {"x32-execve", x32_execve},
  {"pair-stream", pair_stream},
  {"pair-seqpacket", pair_seqpacket},
  {"pair-dgram", pair_dgram},
  {"ptrace-attach", trace_parent},
  {"raise-capabilities", raise_capabilities},
  {"mprotect-wx", write_and_execute},
};

// Attempts that are one call with a number in their name. Descriptors and types are bad ones: the
// filter looks at the number, the kernel does nothing.
static const struct {
  const char *prefix;
  struct cp_call call;
  int argument;
} families[] = {
  // SOCK_MAX is 11, and a type above it ends before the kernel would load a module for the family.
  {"socket-family:", {"", SYS_socket, {0, 15, 0}}, 0},
  {"unshare:", {"", SYS_unshare, {0}}, 0},
  {"clone:", {"", SYS_clone, {0}}, 0},
  {"ioctl:", {"", SYS_ioctl, {-1, 0, BAD}}, 1},
  {"prctl:", {"", SYS_prctl, {0, -1, -1, -1, -1}}, 0},
  {"setsockopt:", {"", SYS_setsockopt, {-1, SOL_SOCKET, 0, BAD, 16}}, 2},
  {"personality:", {"", SYS_personality, {0}}, 0},
  // On a process by its number.
  {"pidfd-of:", {"", SYS_pidfd_open, {0, 0}}, 0},
  {"limits-of:", {"", SYS_prlimit64, {0, 7, 0, 0}}, 0},
  {"trace-of:", {"", SYS_ptrace, {0x4206 /* PTRACE_SEIZE */, 0, 0, 0}}, 1},
  {"memory-of:", {"", SYS_process_vm_readv, {0, BAD, 1, BAD, 1, 0}}, 0},
};

static const struct {
  const char *name;
  unsigned long flag;
} clones[] = {
  {"clone-user", 0x10000000}, {"clone-mount", 0x00020000}, {"clone-pid", 0x20000000},
  {"clone-net", 0x40000000},  {"clone-ipc", 0x08000000},   {"clone-uts", 0x04000000},
  {"clone-cgroup", 0x02000000}, {"clone-plain", 0}};

bool cp_call_of(const char *name, struct cp_call *out) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (strcmp(name, calls[i].name) != 0) continue;
    *out = calls[i];
    return true;
  }
  for (size_t i = 0; i < sizeof clones / sizeof *clones; i++) {
    if (strcmp(name, clones[i].name) != 0) continue;
    *out = (struct cp_call){clones[i].name, SYS_clone, {(long)clones[i].flag | SIGCHLD}};
    return true;
  }
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    size_t length = strlen(families[i].prefix);
    if (strncmp(name, families[i].prefix, length) != 0) continue;
    *out = families[i].call;
    out->arguments[families[i].argument] = strtol(name + length, NULL, 0);
    return true;
  }
  return false;
}

bool cp_attempt_call(const char *name, struct cp_outcome *out) {
  for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) {
    if (strcmp(name, routines[i].name) != 0) continue;
    judge(out, routines[i].run());
    return true;
  }
  struct cp_call call;
  if (!cp_call_of(name, &call)) return false;
  const long *a = call.arguments;
  long result = syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (call.number == SYS_clone && result == 0) _exit(0);
  judge(out, result);
  // The kernel has no such answer for this one; filters of container runtimes do.
  if (call.number == SYS_socket && call.arguments[0] == AF_NETLINK && call.arguments[2] == 9 &&
      out->error == EINVAL)
    out->word = "refused";
  return true;
}

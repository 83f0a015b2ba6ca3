/// A set of system calls that are decided alike, and why.
public struct SyscallGroup: Sendable {
  /// What a group's calls get.
  public enum Verdict: Sendable, Hashable {
    /// The calls proceed.
    case allowed
    /// The calls fail with `EPERM`; a profile may add them back by name.
    case denied
    /// The calls fail with `EPERM`, whatever a profile says: they undo a wall of the cell.
    case closed
    /// The calls fail with `ENOTSUP`, as on a file system that has no such thing; a profile may add
    /// them back by name.
    case unsupported
    /// The calls fail with `ENOSYS`, as unknown ones do; a profile may add them back by name.
    case absent
    /// The calls fail with `ENOSYS`, whatever a profile says.
    case closedAbsent

    var action: SeccompAction {
      switch self {
      case .allowed: .allow
      case .denied, .closed: .denied
      case .unsupported: .unsupported
      case .absent, .closedAbsent: .absent
      }
    }
  }

  /// The group's name, as messages show it.
  public let name: StaticString
  /// What the calls get.
  public let verdict: Verdict
  /// Why.
  public let reason: StaticString
  /// The calls.
  public let calls: [Syscall]
  /// Whether libraries try the calls and do without them, some for each thread or file: that they
  /// were refused is nothing that anybody has to know, and nothing that may cost time.
  public let isProbed: Bool

  init(
    _ name: StaticString, _ verdict: Verdict, _ reason: StaticString, _ calls: [Syscall],
    isProbed: Bool = false
  ) {
    self.name = name
    self.verdict = verdict
    self.reason = reason
    self.calls = calls
    self.isProbed = isProbed
  }
}

/// Baseline 1: which system calls a server may make, group by group.
///
/// A change to what a group allows is a new baseline with a new number; a profile names the one
/// it was written for. Calls that are decided by their arguments are in `conditional`. Calls in
/// no group are unknown to this version and get `ENOSYS`, like those of a `closedAbsent` group.
///
/// *Limits*: a filter sees registers, not memory. It cannot tell one path from another, nor the
/// flags of `clone3` and the mode of `openat2`, which are therefore not there; paths are the
/// business of the mounts and of Landlock.
public enum SyscallGroups {
  /// Every group whose calls are decided whatever their arguments.
  public static let baseline1: [SyscallGroup] = allowed1 + refused1

  static let allowed1: [SyscallGroup] = [
    SyscallGroup(
      "files", .allowed,
      "opening, reading, writing and naming files; which ones is decided by the mounts",
      [
        .read, .write, .close, .newfstatat, .fstat, .lseek, .pread64, .pwrite64, .readv,
        .writev, .stat, .lstat, .statx, .access, .faccessat, .faccessat2,
        .preadv, .pwritev, .preadv2, .pwritev2, .readlink, .readlinkat, .getdents, .getdents64,
        .getcwd, .chdir, .fchdir, .rename, .renameat, .renameat2, .mkdir, .mkdirat, .rmdir, .link,
        .linkat, .unlink, .unlinkat, .symlink, .symlinkat, .umask, .truncate, .ftruncate,
        .fallocate, .fadvise64, .readahead, .fsync, .fdatasync, .sync_file_range, .statfs,
        .fstatfs, .utime, .utimes, .futimesat, .utimensat, .flock, .copy_file_range,
      ]),
    SyscallGroup(
      "descriptors", .allowed,
      "copying, closing and moving data between descriptors that the process already holds",
      [
        .dup, .dup2, .dup3, .pipe, .pipe2, .close_range, .sendfile, .splice, .tee,
        .vmsplice, .memfd_create,
      ]),
    SyscallGroup(
      "extended attributes", .allowed,
      "Python's file copies read them and fail on an unknown error",
      [.getxattr, .lgetxattr, .fgetxattr, .listxattr, .llistxattr, .flistxattr]),
    SyscallGroup(
      "events", .allowed, "event loops: every runtime is built on one of these",
      [
        .poll, .ppoll, .select, .pselect6, .epoll_create, .epoll_create1, .epoll_ctl, .epoll_wait,
        .epoll_pwait, .epoll_pwait2, .eventfd, .eventfd2, .inotify_init, .inotify_init1,
        .inotify_add_watch, .inotify_rm_watch, .signalfd, .signalfd4,
      ]),
    SyscallGroup(
      "memory", .allowed,
      "allocation and mapping, with writable code: just-in-time compilers need it",
      [
        .mmap, .munmap, .mprotect, .mremap, .brk, .madvise, .mincore, .msync, .mlock, .mlock2,
        .munlock, .mlockall, .munlockall, .membarrier, .pkey_alloc, .pkey_free, .pkey_mprotect,
        .mseal, .map_shadow_stack, .mbind, .get_mempolicy, .set_mempolicy, .set_mempolicy_home_node,
      ]),
    SyscallGroup(
      "processes", .allowed,
      "starting, waiting for and signalling processes; only those of the cell can be named",
      [
        .fork, .vfork, .execve, .execveat, .exit, .exit_group, .wait4, .waitid, .kill, .tkill,
        .tgkill, .getpid, .getppid, .gettid, .getpgrp, .getpgid, .setpgid, .getsid, .setsid,
        .pidfd_open, .pidfd_send_signal, .set_tid_address, .set_robust_list, .get_robust_list,
        .rseq, .arch_prctl, .getrlimit, .getrusage, .times, .sysinfo,
        .uname, .getcpu,
      ]),
    SyscallGroup(
      "threads", .allowed,
      "locks and scheduling; raising a priority needs a capability, or a limit that is 0 in a cell",
      [
        .futex, .futex_waitv, .sched_yield, .sched_getaffinity, .sched_setaffinity,
        .sched_getparam, .sched_setparam, .sched_getscheduler, .sched_setscheduler,
        .sched_get_priority_max, .sched_get_priority_min, .sched_rr_get_interval, .sched_getattr,
        .sched_setattr, .getpriority, .setpriority, .ioprio_get, .ioprio_set,
      ]),
    SyscallGroup(
      "identity", .allowed, "reading one's own ids and capabilities; changing them is denied",
      [
        .getuid, .geteuid, .getgid, .getegid, .getresuid, .getresgid, .getgroups, .capget,
      ]),
    SyscallGroup(
      "signals", .allowed, "handlers, masks and waiting",
      [
        .rt_sigaction, .rt_sigprocmask, .rt_sigreturn, .rt_sigpending, .rt_sigtimedwait,
        .rt_sigqueueinfo, .rt_tgsigqueueinfo, .rt_sigsuspend, .sigaltstack, .pause, .alarm,
        .getitimer, .setitimer, .restart_syscall,
      ]),
    SyscallGroup(
      "time", .allowed, "clocks and timers; setting a clock is denied",
      [
        .clock_gettime, .clock_getres, .clock_nanosleep, .nanosleep, .gettimeofday, .time,
        .timer_create, .timer_settime, .timer_gettime, .timer_getoverrun, .timer_delete,
        .timerfd_create, .timerfd_settime, .timerfd_gettime,
      ]),
    SyscallGroup(
      "socket pairs", .allowed,
      "using the ends of a socket pair, which event loops wake themselves with",
      [
        .sendto, .recvfrom, .sendmsg, .recvmsg, .sendmmsg, .recvmmsg, .shutdown, .getsockname,
        .getpeername, .getsockopt,
      ]),
    SyscallGroup("random", .allowed, "random numbers from the kernel", [.getrandom]),
    SyscallGroup(
      "landlock", .allowed, "a server may confine itself further; this can only take away",
      [.landlock_create_ruleset, .landlock_add_rule, .landlock_restrict_self]),
  ]

  static let refused1: [SyscallGroup] = [
    SyscallGroup(
      "sockets", .closed, "there is no network: a socket could only reach the host's own services",
      [.socket, .connect, .bind, .listen, .accept, .accept4]),
    SyscallGroup(
      "namespaces", .closed,
      "a new user namespace gives every capability inside it, and the kernel's largest surface",
      [.unshare, .setns]),
    SyscallGroup(
      "mounts", .closed, "the view of the file system is fixed when the cell is sealed",
      [
        .mount, .umount2, .pivot_root, .chroot, .open_tree, .open_tree_attr, .move_mount, .fsopen,
        .fsconfig, .fsmount, .fspick, .mount_setattr, .swapon, .swapoff, .quotactl, .quotactl_fd,
      ]),
    SyscallGroup(
      "file handles", .closed, "a handle opens a file without walking to it",
      [.open_by_handle_at, .name_to_handle_at]),
    SyscallGroup(
      "kernel", .closed, "loading code into the kernel, or replacing or stopping it",
      [
        .init_module, .finit_module, .delete_module, .kexec_load, .kexec_file_load, .reboot, .bpf,
      ]),
    SyscallGroup(
      "machine", .closed, "settings and hardware of the whole machine",
      [
        .settimeofday, .clock_settime, .adjtimex, .clock_adjtime, .sethostname, .setdomainname,
        .iopl, .ioperm, .acct, .syslog, .vhangup,
      ]),
    SyscallGroup(
      "keyrings", .closed, "kernel keyrings are not namespaced: keys of the host are in reach",
      [.add_key, .request_key, .keyctl]),
    SyscallGroup(
      "identity changes", .closed, "ids and capabilities are fixed when the cell is sealed",
      [
        .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid, .setfsuid, .setfsgid,
        .setgroups, .capset,
      ]),
    SyscallGroup(
      "tracing", .denied, "reading, changing and comparing other processes; debuggers only",
      [
        .ptrace, .process_vm_readv, .process_vm_writev, .kcmp, .pidfd_getfd, .process_mrelease,
        .migrate_pages, .move_pages, .perf_event_open,
      ]),
    SyscallGroup(
      "page faults", .denied, "holding the kernel still in the middle of a copy helps exploits",
      [.userfaultfd]),
    SyscallGroup(
      "file events", .denied, "watches whole mounts and can hold back other processes' opens",
      [.fanotify_init, .fanotify_mark]),
    SyscallGroup(
      "own filters", .denied,
      "a filter can only take away, but its compiler is kernel surface that no server here needs",
      [.seccomp]),
    SyscallGroup(
      "owners", .denied, "files that a server makes belong to it; programs expect this refusal",
      [.chown, .fchown, .lchown, .fchownat]),
    SyscallGroup(
      "setting extended attributes", .unsupported,
      """
      user.* and access control lists can be set on any file of a writable grant, and a list may \
      open it to others on the host; copies that would keep them do without on this error
      """,
      [.setxattr, .lsetxattr, .fsetxattr, .removexattr, .lremovexattr, .fremovexattr]),
    SyscallGroup("segments", .denied, "16-bit code segments", [.modify_ldt]),
    SyscallGroup(
      "ring I/O", .closedAbsent,
      "opens files and makes sockets past every other rule here; runtimes fall back",
      [.io_uring_setup, .io_uring_enter, .io_uring_register], isProbed: true),
    SyscallGroup(
      "inspectable clone", .closedAbsent,
      "its flags are in memory, where a filter cannot look; libraries fall back to clone",
      [.clone3], isProbed: true),
    SyscallGroup(
      "inspectable open", .closedAbsent,
      "its mode is in memory, where a filter cannot look; libraries fall back to openat",
      [.openat2], isProbed: true),
    SyscallGroup(
      "older asynchronous I/O", .absent, "kernel surface that no common runtime needs",
      [
        .io_setup, .io_destroy, .io_getevents, .io_pgetevents, .io_submit, .io_cancel,
      ]),
    SyscallGroup(
      "System V and message queues", .absent, "kernel surface that no common runtime needs",
      [
        .shmget, .shmat, .shmctl, .shmdt, .semget, .semop, .semctl, .semtimedop, .msgget, .msgsnd,
        .msgrcv, .msgctl, .mq_open, .mq_unlink, .mq_timedsend, .mq_timedreceive, .mq_notify,
        .mq_getsetattr,
      ]),
    SyscallGroup(
      "flushing the machine", .absent, "flushes every process's data; files have fsync",
      [.sync, .syncfs]),
    SyscallGroup(
      "newer calls", .absent, "libraries that know these know how to do without them",
      [
        .process_madvise, .memfd_secret, .cachestat, .futex_wake, .futex_wait, .futex_requeue,
        .statmount, .listmount, .lsm_get_self_attr, .lsm_set_self_attr, .lsm_list_modules,
        .setxattrat, .getxattrat, .listxattrat, .removexattrat, .file_getattr, .file_setattr,
      ], isProbed: true),
    SyscallGroup(
      "leftovers", .closedAbsent, "removed from the kernel, or never there on this architecture",
      [
        .uselib, .ustat, .sysfs, ._sysctl, .create_module, .get_kernel_syms, .query_module,
        .nfsservctl, .getpmsg, .putpmsg, .afs_syscall, .tuxcall, .security, .set_thread_area,
        .get_thread_area, .epoll_ctl_old, .epoll_wait_old, .vserver, .lookup_dcookie,
        .remap_file_pages,
      ]),
  ]
}

/// A system call, by the name the kernel gives it.
///
/// The raw value is the call's number on x86-64, which also serves as its identity; on other
/// architectures `number` translates. Calls that exist on one architecture only (`open` has no
/// number on arm64) have a nil `number` elsewhere and produce no rule there.
/// Source: the kernel's `syscall_64.tbl` and `asm-generic/unistd.h`, up to Linux 6.18.
public enum Syscall: UInt16, Sendable, Hashable, CaseIterable {
  case read = 0, write = 1, open = 2, close = 3, stat = 4, fstat = 5, lstat = 6, poll = 7
  case lseek = 8, mmap = 9, mprotect = 10, munmap = 11, brk = 12, rt_sigaction = 13
  case rt_sigprocmask = 14, rt_sigreturn = 15, ioctl = 16, pread64 = 17, pwrite64 = 18
  case readv = 19, writev = 20, access = 21, pipe = 22, select = 23, sched_yield = 24
  case mremap = 25, msync = 26, mincore = 27, madvise = 28, shmget = 29, shmat = 30, shmctl = 31
  case dup = 32, dup2 = 33, pause = 34, nanosleep = 35, getitimer = 36, alarm = 37
  case setitimer = 38, getpid = 39, sendfile = 40, socket = 41, connect = 42, accept = 43
  case sendto = 44, recvfrom = 45, sendmsg = 46, recvmsg = 47, shutdown = 48, bind = 49
  case listen = 50, getsockname = 51, getpeername = 52, socketpair = 53, setsockopt = 54
  case getsockopt = 55, clone = 56, fork = 57, vfork = 58, execve = 59, exit = 60, wait4 = 61
  case kill = 62, uname = 63, semget = 64, semop = 65, semctl = 66, shmdt = 67, msgget = 68
  case msgsnd = 69, msgrcv = 70, msgctl = 71, fcntl = 72, flock = 73, fsync = 74, fdatasync = 75
  case truncate = 76, ftruncate = 77, getdents = 78, getcwd = 79, chdir = 80, fchdir = 81
  case rename = 82, mkdir = 83, rmdir = 84, creat = 85, link = 86, unlink = 87, symlink = 88
  case readlink = 89, chmod = 90, fchmod = 91, chown = 92, fchown = 93, lchown = 94, umask = 95
  case gettimeofday = 96, getrlimit = 97, getrusage = 98, sysinfo = 99, times = 100, ptrace = 101
  case getuid = 102, syslog = 103, getgid = 104, setuid = 105, setgid = 106, geteuid = 107
  case getegid = 108, setpgid = 109, getppid = 110, getpgrp = 111, setsid = 112, setreuid = 113
  case setregid = 114, getgroups = 115, setgroups = 116, setresuid = 117, getresuid = 118
  case setresgid = 119, getresgid = 120, getpgid = 121, setfsuid = 122, setfsgid = 123
  case getsid = 124, capget = 125, capset = 126, rt_sigpending = 127, rt_sigtimedwait = 128
  case rt_sigqueueinfo = 129, rt_sigsuspend = 130, sigaltstack = 131, utime = 132, mknod = 133
  case uselib = 134, personality = 135, ustat = 136, statfs = 137, fstatfs = 138, sysfs = 139
  case getpriority = 140, setpriority = 141, sched_setparam = 142, sched_getparam = 143
  case sched_setscheduler = 144, sched_getscheduler = 145, sched_get_priority_max = 146
  case sched_get_priority_min = 147, sched_rr_get_interval = 148, mlock = 149, munlock = 150
  case mlockall = 151, munlockall = 152, vhangup = 153, modify_ldt = 154, pivot_root = 155
  case _sysctl = 156, prctl = 157, arch_prctl = 158, adjtimex = 159, setrlimit = 160
  case chroot = 161, sync = 162, acct = 163, settimeofday = 164, mount = 165, umount2 = 166
  case swapon = 167, swapoff = 168, reboot = 169, sethostname = 170, setdomainname = 171
  case iopl = 172, ioperm = 173, create_module = 174, init_module = 175, delete_module = 176
  case get_kernel_syms = 177, query_module = 178, quotactl = 179, nfsservctl = 180, getpmsg = 181
  case putpmsg = 182, afs_syscall = 183, tuxcall = 184, security = 185, gettid = 186
  case readahead = 187, setxattr = 188, lsetxattr = 189, fsetxattr = 190, getxattr = 191
  case lgetxattr = 192, fgetxattr = 193, listxattr = 194, llistxattr = 195, flistxattr = 196
  case removexattr = 197, lremovexattr = 198, fremovexattr = 199, tkill = 200, time = 201
  case futex = 202, sched_setaffinity = 203, sched_getaffinity = 204, set_thread_area = 205
  case io_setup = 206, io_destroy = 207, io_getevents = 208, io_submit = 209, io_cancel = 210
  case get_thread_area = 211, lookup_dcookie = 212, epoll_create = 213, epoll_ctl_old = 214
  case epoll_wait_old = 215, remap_file_pages = 216, getdents64 = 217, set_tid_address = 218
  case restart_syscall = 219, semtimedop = 220, fadvise64 = 221, timer_create = 222
  case timer_settime = 223, timer_gettime = 224, timer_getoverrun = 225, timer_delete = 226
  case clock_settime = 227, clock_gettime = 228, clock_getres = 229, clock_nanosleep = 230
  case exit_group = 231, epoll_wait = 232, epoll_ctl = 233, tgkill = 234, utimes = 235
  case vserver = 236, mbind = 237, set_mempolicy = 238, get_mempolicy = 239, mq_open = 240
  case mq_unlink = 241, mq_timedsend = 242, mq_timedreceive = 243, mq_notify = 244
  case mq_getsetattr = 245, kexec_load = 246, waitid = 247, add_key = 248, request_key = 249
  case keyctl = 250, ioprio_set = 251, ioprio_get = 252, inotify_init = 253
  case inotify_add_watch = 254, inotify_rm_watch = 255, migrate_pages = 256, openat = 257
  case mkdirat = 258, mknodat = 259, fchownat = 260, futimesat = 261, newfstatat = 262
  case unlinkat = 263, renameat = 264, linkat = 265, symlinkat = 266, readlinkat = 267
  case fchmodat = 268, faccessat = 269, pselect6 = 270, ppoll = 271, unshare = 272
  case set_robust_list = 273, get_robust_list = 274, splice = 275, tee = 276
  case sync_file_range = 277, vmsplice = 278, move_pages = 279, utimensat = 280
  case epoll_pwait = 281, signalfd = 282, timerfd_create = 283, eventfd = 284, fallocate = 285
  case timerfd_settime = 286, timerfd_gettime = 287, accept4 = 288, signalfd4 = 289
  case eventfd2 = 290, epoll_create1 = 291, dup3 = 292, pipe2 = 293, inotify_init1 = 294
  case preadv = 295, pwritev = 296, rt_tgsigqueueinfo = 297, perf_event_open = 298
  case recvmmsg = 299, fanotify_init = 300, fanotify_mark = 301, prlimit64 = 302
  case name_to_handle_at = 303, open_by_handle_at = 304, clock_adjtime = 305, syncfs = 306
  case sendmmsg = 307, setns = 308, getcpu = 309, process_vm_readv = 310, process_vm_writev = 311
  case kcmp = 312, finit_module = 313, sched_setattr = 314, sched_getattr = 315, renameat2 = 316
  case seccomp = 317, getrandom = 318, memfd_create = 319, kexec_file_load = 320, bpf = 321
  case execveat = 322, userfaultfd = 323, membarrier = 324, mlock2 = 325, copy_file_range = 326
  case preadv2 = 327, pwritev2 = 328, pkey_mprotect = 329, pkey_alloc = 330, pkey_free = 331
  case statx = 332, io_pgetevents = 333, rseq = 334, pidfd_send_signal = 424
  case io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427, open_tree = 428
  case move_mount = 429, fsopen = 430, fsconfig = 431, fsmount = 432, fspick = 433
  case pidfd_open = 434, clone3 = 435, close_range = 436, openat2 = 437, pidfd_getfd = 438
  case faccessat2 = 439, process_madvise = 440, epoll_pwait2 = 441, mount_setattr = 442
  case quotactl_fd = 443, landlock_create_ruleset = 444, landlock_add_rule = 445
  case landlock_restrict_self = 446, memfd_secret = 447, process_mrelease = 448
  case futex_waitv = 449, set_mempolicy_home_node = 450, cachestat = 451, fchmodat2 = 452
  case map_shadow_stack = 453, futex_wake = 454, futex_wait = 455, futex_requeue = 456
  case statmount = 457, listmount = 458, lsm_get_self_attr = 459, lsm_set_self_attr = 460
  case lsm_list_modules = 461, mseal = 462, setxattrat = 463, getxattrat = 464, listxattrat = 465
  case removexattrat = 466, open_tree_attr = 467, file_getattr = 468, file_setattr = 469

  /// The call's name, as the kernel spells it.
  public var name: String { "\(self)" }

  /// The call whose kernel name is `name`, byte for byte; nil if this version does not know it.
  public init?(name: String) {
    for call in Syscall.allCases where call.name.utf8.elementsEqual(name.utf8) {
      self = call
      return
    }
    return nil
  }

  /// The call's number on this machine's architecture; nil if it has none there.
  public var number: UInt32? {
    #if arch(x86_64)
      return UInt32(rawValue)
    #elseif arch(arm64)
      let number = Self.arm64Numbers[Int(rawValue)]
      return number < 0 ? nil : UInt32(number)
    #endif
  }

  #if arch(arm64)
    /// arm64 numbers, indexed by x86-64 number; -1 where the call does not exist.
    private static let arm64Numbers: [Int16] = [
      63, 64, -1, 57, -1, 80, -1, -1, 62, 222, 226, 215, 214, 134, 135, 139, 29, 67, 68, 65, 66, -1,
      -1, -1, 124, 216, 227, 232, 233, 194, 196, 195, 23, -1, -1, 101, 102, -1, 103, 172, 71, 198,
      203, 202, 206, 207, 211, 212, 210, 200, 201, 204, 205, 199, 208, 209, 220, -1, -1, 221, 93,
      260, 129, 160, 190, 193, 191, 197, 186, 189, 188, 187, 25, 32, 82, 83, 45, 46, -1, 17, 49, 50,
      -1, -1, -1, -1, -1, -1, -1, -1, -1, 52, -1, 55, -1, 166, 169, 163, 165, 179, 153, 117, 174,
      116, 176, 146, 144, 175, 177, 154, 173, -1, 157, 145, 143, 158, 159, 147, 148, 149, 150, 155,
      151, 152, 156, 90, 91, 136, 137, 138, 133, 132, -1, -1, -1, 92, -1, 43, 44, -1, 141, 140, 118,
      121, 119, 120, 125, 126, 127, 228, 229, 230, 231, 58, -1, 41, -1, 167, -1, 171, 164, 51, 81,
      89, 170, 40, 39, 224, 225, 142, 161, 162, -1, -1, -1, 105, 106, -1, -1, 60, 42, -1, -1, -1,
      -1, -1, 178, 213, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 130, -1, 98, 122, 123, -1, 0, 1,
      4, 2, 3, -1, 18, -1, -1, -1, 234, 61, 96, 128, 192, 223, 107, 110, 108, 109, 111, 112, 113,
      114, 115, 94, -1, 21, 131, -1, -1, 235, 237, 236, 180, 181, 182, 183, 184, 185, 104, 95, 217,
      218, 219, 30, 31, -1, 27, 28, 238, 56, 34, 33, 54, -1, 79, 35, 38, 37, 36, 78, 53, 48, 72, 73,
      97, 99, 100, 76, 77, 84, 75, 239, 88, 22, -1, 85, -1, 47, 86, 87, 242, 74, 19, 20, 24, 59, 26,
      69, 70, 240, 241, 243, 262, 263, 261, 264, 265, 266, 267, 269, 268, 168, 270, 271, 272, 273,
      274, 275, 276, 277, 278, 279, 294, 280, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290, 291,
      292, 293, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 424,
      425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 436, 437, 438, 439, 440, 441, 442, 443,
      444, 445, 446, 447, 448, 449, 450, 451, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462,
      463, 464, 465, 466, 467, 468, 469,
    ]
  #endif
}

"""A session whose relay or init somebody took over: what test_guard and its companions share.

Uses the build of the tests (`make skipping`), whose relay does what a line of its client says, and
whose init does what a queued signal says. No release has these ways in (test_binary).
"""

import ctypes
import json
import os
import platform
import re

from harness import (PATIENCE, TOP, Case, Peer, alive, command_line, descendants, need, processes,
                     until)

TEST_BUILD = os.environ.get("ANCHORHOLD_SKIPPING", str(TOP / ".build/skipping/debug/anchorhold"))


def relay_steps():
    """The names of what confines the relay."""
    header = (TOP / "Sources/CLinux/include/cl_cell.h").read_text()
    return re.findall(r"^  STEP\((RELAY_\w+),", header, re.M)


# System calls by name, for attempts on one's own descriptors. From asm/unistd_64.h.
NUMBERS = {
    "open": 2, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "ioctl": 16, "pread64": 17,
    "pwrite64": 18, "readv": 19, "writev": 20, "access": 21, "pipe": 22, "mremap": 25, "shmget": 29,
    "dup": 32, "dup2": 33, "pause": 34, "alarm": 37, "getpid": 39, "sendfile": 40, "connect": 42,
    "accept": 43, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "shutdown": 48,
    "bind": 49, "listen": 50, "getsockname": 51, "getpeername": 52, "socketpair": 53,
    "setsockopt": 54, "getsockopt": 55, "clone": 56, "fork": 57, "vfork": 58, "execve": 59,
    "wait4": 61, "kill": 62, "fcntl": 72, "flock": 73, "fsync": 74, "fdatasync": 75,
    "ftruncate": 77, "fchdir": 81, "fchmod": 91, "fchown": 93, "umask": 95, "getrlimit": 97,
    "ptrace": 101, "capget": 125, "capset": 126, "personality": 135, "setpriority": 141,
    "sched_setscheduler": 144, "mlockall": 151, "prctl": 157, "setrlimit": 160, "fsetxattr": 190,
    "tkill": 200, "remap_file_pages": 216, "fadvise64": 221, "tgkill": 234, "unlinkat": 263,
    "splice": 275, "tee": 276, "sync_file_range": 277, "vmsplice": 278, "utimensat": 280,
    "signalfd": 282, "timerfd_create": 283, "eventfd": 284, "fallocate": 285, "dup3": 292,
    "preadv": 295, "pwritev": 296, "rt_tgsigqueueinfo": 297, "prlimit64": 302, "sendmmsg": 307,
    "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "seccomp": 317,
    "memfd_create": 319, "execveat": 322, "copy_file_range": 326, "pwritev2": 328,
    "pkey_mprotect": 329, "pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434,
    "close_range": 436, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440,
    "landlock_create_ruleset": 444, "landlock_restrict_self": 446,
}


class Taken(Case):
    """A session in the test build."""

    def setUp(self):
        super().setUp()
        need(self, os.path.exists(TEST_BUILD), "the build of the tests: make skipping")
        if platform.machine() != "x86_64":
            self.skipTest("the numbers of the calls are those of x86-64")

    def start(self, leave_out=(), profile=None, **environment):
        """A session after its handshake; `leave_out` are steps that do not confine the relay, and
        then nothing is read back either."""
        environment = {**self.environment, **environment}
        if leave_out:
            environment["ANCHORHOLD_LEAVE_OUT"] = ",".join(leave_out)
        peer = Peer(command_line("run", profile or self.profile(), binary=TEST_BUILD), env=environment)
        self.addCleanup(peer.end)
        peer.initialize()
        return peer

    def open(self, *leave_out_but, **environment):
        """A session whose relay is not confined at all, but for the steps that are named."""
        return self.start([s for s in relay_steps() if s not in leave_out_but], **environment)

    def told(self, peer):
        """What the backdoor said so far."""
        found = []
        for line in peer.stderr.split(b"\n")[:-1]:
            if line.startswith(b'{"attempt"'):
                found.append(json.loads(line))
        return found

    def do(self, peer, what, lines=2, seconds=PATIENCE):
        """Has the relay do it; what came of it, or None when the relay ended of it."""
        before = len(self.told(peer))
        peer.send_raw(b"backdoor " + what.encode() + b"\n")
        until(lambda: len(self.told(peer)) >= before + lines or peer.process.poll() is not None,
              seconds, 0.005)
        if peer.process.poll() is not None:
            for reader in peer.readers:
                reader.join(PATIENCE)
        said = self.told(peer)[before:]
        self.assertTrue(said, f"{what} was never begun: {peer.stderr!r}")
        return said[-1] if len(said) >= lines else None

    def heard(self, peer):
        """Waits until all that an ended session said on stderr is read."""
        for reader in peer.readers:
            reader.join(PATIENCE)

    def call(self, name, *arguments):
        """A line that makes the relay do this system call."""
        return " ".join(["call", str(NUMBERS[name]), *map(str, arguments)])

    def end_record(self):
        """The last record of the last session; None if it is no end."""
        last = max(self.record_files(), key=lambda path: path.stat().st_mtime_ns)
        record = json.loads(last.read_bytes().splitlines()[-1])
        return record if record["kind"] == "session-end" else None

    def assertNothingLeft(self, pids):
        self.assertTrue(until(lambda: not any(alive(p) for p in pids)),
                        [p for p in pids if alive(p)])


def relay_of(peer):
    """The relay's process id."""
    table = processes()
    return next(p for p in descendants(peer.pid) if table.get(p, (0, ""))[1] == "anchor-relay")


def init_of(peer):
    """The process id of the cell's init, as the host sees it."""
    table = processes()
    return next(p for p, (parent, name, _) in table.items()
                if parent == peer.pid and name not in ("anchor-relay", "anchor-keeper"))


def queue_signal(pid, number, value):
    """sigqueue(3), which Python does not have."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.sigqueue(pid, number, ctypes.c_void_p(value)) != 0:
        raise OSError(ctypes.get_errno(), "sigqueue")

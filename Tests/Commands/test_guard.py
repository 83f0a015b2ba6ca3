"""The guard is guarded (promise P7): a relay that an attacker took over gets no further.

The relay of the test build does what a line of its client says, in its own process, after it was
confined. Every attempt is made in a relay that is not confined as well: the positive control.
"""

import collections
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time

from harness import (BINARY, LEVEL, PROBE, ROOT, SLOWNESS, Case, alive, command_line, descendants,
                     has_capability, is_filtered, level_full, need_of_root, processes, server_pid,
                     until)
from taken import TEST_BUILD, Taken, init_of, queue_signal, relay_of

F_SETFL, F_DUPFD, F_SETOWN, F_SETLK, F_SETPIPE_SZ = 4, 0, 8, 6, 1031
O_NONBLOCK, MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS = 0o4000, 1, 2, 0x20

# By what they would give an attacker. "@" is a directory of the test, "PARENT" the monitor.
ATTEMPTS = {
    "files": [
        "try read:/etc/passwd", "try read:/proc/self/status", "try read:/proc/self/maps",
        "try read:/proc/PARENT/environ", "try list:/", "try stat:/etc/passwd", "try lstat:/",
        "try readlink:/proc/self/exe", "try write:@/written", "try mkdir:@/made",
        "try unlink:@/there", "try chdir:/", "try cwd", "try open-path:/etc/passwd",
        "try open-directory:/", "try openat2:/etc/passwd", "try truncate:@/there",
        "try chmod:@/there", "try touch:@/there", "try hard-link:@/there", "try symlink:@/link",
        "try make-fifo:@/fifo", "try may-write:@/there", "try watch:/etc/passwd",
        "try reopen:/etc/passwd", "try self-root:/etc/passwd", "try beyond:/etc/passwd",
    ],
    "sockets": [
        "try socket-inet", "try socket-inet-dgram", "try socket-inet6", "try socket-unix",
        "try socket-unix-dgram", "try socket-netlink", "try socket-unix-high", "try pair-stream",
        "try pair-dgram", "try connect:tcp:127.0.0.1:1", "try connect:abstract:nobody",
        *[f"try socket-family:{number}" for number in range(46)],
    ],
    "processes": [
        "try clone-plain", "try processes:1", "try exec:/bin/true", "try run-copy:@/copy",
        "try kill:PARENT", "try kill:INIT", "try kill:1", "try kill:-1", "try ptrace-attach",
        "try peek:own", "try poke:own", "try seize:own", "try clone3", "try unshare-all",
        "try clone-user", "try setns", "try pidfd_getfd", "try kcmp", "try process_madvise",
    ],
    "rights": [
        "try setuid-0", "try setgid-0", "try setgroups", "try capset", "try raise-capabilities",
        "try limit-core", "try limit-files", "try prctl:23", "try prctl:39", "try personality:0",
        "try seccomp", "try mount", "try bpf", "try io_uring_setup", "try keyctl",
        "try userfaultfd", "try perf_event_open", "try add_key", "try ptrace-traceme",
    ],
    "foreign calls": ["try int80", "try int80-open", "try int80-socketcall", "try x32"],
    "memory": ["try mprotect-wx"],
}
# What root is before it has to give it up.
KEPT = ("RELAY_IDS",)
# Attempts whose control takes root's rights; none of them changes anything but the relay.
FOR_ROOT = (
    "try read:/proc/PARENT/environ", "try kill:PARENT", "try kill:INIT", "try kill:1",
    "try kill:-1", "try ptrace-attach", "try setuid-0", "try setgid-0", "try setgroups",
    "try capset", "try raise-capabilities", "try mount", "try bpf", "try perf_event_open",
    "try setns", "try peek:own", "try poke:own", "try seize:own", ("fchmod", "audit", 0o777),
    ("fchown", "audit", 0, 0), ("utimensat", "audit", 0, 0, 0),
    ("fsetxattr", "audit", "text", "text", 1, 0), ("kill", "PARENT", 0), ("pidfd_open", "PARENT", 0),
    ("prlimit64", "PARENT", 7, 0, "text"),
)
# These leave an unconfined relay another one than it was.
CHANGES = ("try unshare-all", "try setuid-0", "try setgid-0", "try setgroups", "try seccomp",
           "try limit-files", "try limit-core", "try chdir:/", "try raise-capabilities",
           ("shutdown", "control", 2), ("prctl", 22, 1, 0, 0, 0), ("seccomp", 0, 0, 0))

# The relay's own descriptors: what may be done with them is to read, write and close.
OWN = {
    "the record": [
        ("fcntl", "audit", F_SETFL, 0), ("fcntl", "audit", F_SETFL, O_NONBLOCK),
        ("ftruncate", "audit", 0), ("lseek", "audit", 0, 0), ("pwrite64", "audit", "text", 4, 0),
        ("pwritev", "audit", "text", 0, 0, 0), ("pwritev2", "audit", "text", 0, 0, 0, 0x20),
        ("fallocate", "audit", 3, 0, 1), ("mmap", 0, 4096, 3, MAP_SHARED, "audit", 0),
        ("fchmod", "audit", 0o777), ("fchown", "audit", 0, 0), ("flock", "audit", 2),
        ("utimensat", "audit", 0, 0, 0), ("fsetxattr", "audit", "text", "text", 1, 0),
        ("copy_file_range", "audit", 0, "audit", 0, 1, 0), ("sendfile", "audit", "audit", 0, 1),
        ("splice", "audit", 0, "audit", 0, 1, 0), ("fadvise64", "audit", 0, 0, 0),
        ("pread64", "audit", "text", 1, 0), ("fcntl", "audit", F_SETLK, "text"),
        ("fstat", "audit", "text"),
    ],
    "copies": [
        ("dup", "audit"), ("dup2", "audit", 90), ("dup3", "audit", 91, 0),
        ("fcntl", "audit", F_DUPFD, 92), ("fcntl", "audit", 1030, 93),
        ("execveat", "audit", "text", 0, 0, 0x1000), ("openat2", "audit", "text", "text", 24),
        ("fchdir", "audit"),
    ],
    "sockets": [
        ("sendmsg", "control", 0, 0), ("recvmsg", "control", 0, 0), ("sendmmsg", "control", 0, 0),
        ("bind", "control", "text", 2), ("connect", "control", "text", 2),
        ("listen", "control", 1), ("accept", "control", 0, 0), ("shutdown", "control", 2),
        ("getsockname", "control", "text", "text"), ("getpeername", "control", "text", "text"),
        ("setsockopt", "control", 1, 8, "text", 4), ("getsockopt", "control", 1, 17, "text", "text"),
        ("sendto", "error", "text", 1, 0x4040, "text", 16), ("readv", "control", "text", 0),
        ("writev", "control", "text", 0), ("fsync", "audit"),
        ("sendto", "control", "text", 1, 1, 0, 0),
        ("recvfrom", "control", "text", 0, 0x40, "text", "text"),
    ],
    "drivers": [
        ("ioctl", "error", 0x541B, "text"), ("ioctl", "error", 0x5412, "text"),
        ("ioctl", "error", 0x5421, "text"), ("ioctl", "client", 0x541B, "text"),
        ("ioctl", "audit", 0x80086601, "text"), ("fcntl", "client", F_SETPIPE_SZ, 4096),
        ("fcntl", "client", F_SETOWN, 1), ("tee", "error", "error", 1, 0),
        ("vmsplice", "error", 0, 0, 0),
    ],
    "memory": [
        ("mmap", 0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        ("mmap", 0, 4096, 5, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        ("mmap", 0, 4096, 1, MAP_PRIVATE, "audit", 0),
        ("mmap", 0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
        ("mprotect", 0, 4096, 4), ("pkey_mprotect", 0, 4096, 4, -1),
        ("memfd_create", "text", 0), ("remap_file_pages", 0, 4096, 0, 0, 0), ("mlockall", 1),
    ],
    "others": [
        ("kill", "PARENT", 0), ("kill", 0, 0), ("tkill", "SELF", 0), ("tgkill", "SELF", "SELF", 0),
        ("rt_tgsigqueueinfo", "SELF", "SELF", 0, 0), ("pidfd_open", "PARENT", 0),
        ("pidfd_send_signal", -1, 0, 0, 0), ("process_vm_readv", "SELF", "text", 1, "text", 1, 0),
        ("process_vm_writev", "SELF", "text", 1, "text", 1, 0), ("prlimit64", "PARENT", 7, 0, "text"),
        ("prlimit64", 0, 7, 0, "text"), ("setrlimit", 7, "text"), ("setpriority", 0, 0, 19),
        ("sched_setscheduler", 0, 5, "text"), ("prctl", 4, 1, 0, 0, 0), ("prctl", 1, 0, 0, 0, 0),
        ("prctl", 22, 1, 0, 0, 0), ("seccomp", 0, 0, 0), ("landlock_create_ruleset", 0, 0, 1),
        ("wait4", -1, 0, 1, 0), ("pipe", "text"), ("eventfd", 0), ("signalfd", -1, "text", 8),
        ("timerfd_create", 0, 0), ("alarm", 0), ("umask", 0o77), ("fork",), ("capget", "text", 0),
    ],
}


class RelayCase(Taken):
    def setUp(self):
        super().setUp()
        self.shared = self.shared_directory("shared")
        (self.shared / "there").write_text("x")
        (self.shared / "there").chmod(0o666)

    def line(self, what, peer):
        words = {"PARENT": peer.pid, "SELF": relay_of(peer), "INIT": init_of(peer)}
        if isinstance(what, str):
            for word, pid in words.items():
                what = what.replace(word, str(pid))
            return what.replace("@", str(self.shared))
        return self.call(what[0], *[words.get(a, a) for a in what[1:]])


class TakenRelay(RelayCase):
    def assertStopped(self, what, *leave_out):
        """The relay does not survive the attempt, and the session not the relay."""
        peer = self.start(leave_out)
        below = [peer.pid, relay_of(peer)]
        found = self.do(peer, self.line(what, peer))
        self.assertIsNone(found, f"{what} came back")
        self.assertEqual(peer.wait(), 125, what)
        self.assertIn(b"anchorhold: error: the relay was ended by SIGSYS", peer.stderr, what)
        self.assertNothingLeft(below)
        end = self.end_record()
        self.assertEqual((end["reason"], end["counters"]), ("relay-failed", None), what)

    def control(self, group, attempts):
        """The same attempts in one relay that nothing confines: those that come to something.

        It is no more than an ordinary user, also when we are root, because attempts that work are
        meant to. Only those of FOR_ROOT, which ask and change nothing, are made as root.
        """
        peer = self.open(*KEPT)
        able = []
        for what in attempts:
            if peer.process.poll() is not None or what in CHANGES or what in FOR_ROOT:
                peer.end()
                peer = self.open(*([] if what in FOR_ROOT else KEPT))
            found = self.do(peer, self.line(what, peer))
            if what in CHANGES or what in FOR_ROOT:
                peer.end()
            # What ends an unconfined relay, or is answered with a refusal there, shows nothing
            # when it ends or is refused in a confined one.
            came = found is None and what in BECOMES or found is not None and (
                found["outcome"] in ("done", "reached") or found["errno"] not in REFUSALS)
            if came:
                able.append(what)
        peer.end()
        if ROOT and not is_filtered():
            self.assertEqual([w for w in attempts if w not in able and w not in NO_CONTROL], [],
                             f"{group}: no positive control")
        return able

    def sweep(self, groups):
        shown = 0
        for group, attempts in groups.items():
            # What nobody may do here is tried all the same: SIGSYS comes from the filter only.
            shown += len(self.control(group, attempts))
            for what in attempts:
                with self.subTest(group, what=what):
                    self.assertStopped(what)
        return shown

    def test_a_relay_can_do_nothing_by_name(self):
        self.assertGreater(self.sweep(ATTEMPTS), 60)

    def test_a_relay_can_only_read_write_and_close_what_it_has(self):
        self.assertGreater(self.sweep(OWN), 60)


class TakenRelayThatMayBeGivenPipes(TakenRelay):
    """The same attempts in a relay whose server may be started again, which one more call is let
    through for."""

    def start(self, leave_out=(), profile=None, **environment):
        return super().start(leave_out, profile or self.profile(
            server={"command": [PROBE, "serve"], "restart": "on-failure"}), **environment)

    FLAGS = 0x40000040  # MSG_DONTWAIT | MSG_CMSG_CLOEXEC

    def test_descriptors_are_received_from_the_monitor_alone(self):
        peer = self.start()
        # The control: on its own socket, with these flags, the kernel is reached.
        found = self.do(peer, self.call("recvmsg", "control", "text", self.FLAGS))
        self.assertIn(found["errno"], ("EAGAIN", "EFAULT", "EINVAL", "EMSGSIZE"), found)
        self.assertEqual(peer.text("echo"), "{}")
        for what in [("recvmsg", "client", "text", self.FLAGS),
                     ("recvmsg", "error", "text", self.FLAGS),
                     ("recvmsg", "audit", "text", self.FLAGS), ("recvmsg", -1, "text", self.FLAGS),
                     ("recvmsg", "control", "text", 0), ("recvmsg", "control", "text", 0x40),
                     ("recvmsg", "control", "text", self.FLAGS | 2),
                     ("sendmsg", "control", "text", 0x4040)]:
            with self.subTest(what=what):
                self.assertStopped(what)

    def test_a_relay_without_restarts_receives_nothing(self):
        peer = super().start(profile=self.profile())
        self.assertIsNone(self.do(peer, self.call("recvmsg", "control", "text", self.FLAGS)))
        self.assertEqual(peer.wait(), 125)


class SecondWalls(RelayCase):
    """What still stands when the filter does not: no wall of the relay is the only one for what
    matters most."""

    def listener(self, family, address):
        end = socket.socket(family)
        self.addCleanup(end.close)
        end.bind(address)
        end.listen()
        return end

    def test_without_the_filter_other_walls_stop_what_matters(self):
        tcp = self.listener(socket.AF_INET, ("127.0.0.1", 0))
        self.listener(socket.AF_UNIX, "\0" + self.name)
        attempts = [
            "try read:/etc/passwd", "try list:/", "try write:@/written", "try unlink:@/there",
            "try exec:/bin/true", "try processes:1", "try clone-plain", "try kill:PARENT",
            "try kill:INIT", "try kill:1", "try ptrace-attach", f"try connect:abstract:{self.name}",
            f"try connect:tcp:127.0.0.1:{tcp.getsockname()[1]}", "try setuid-0",
            "try raise-capabilities", "try socket-packet", ("prlimit64", "PARENT", 7, 0, "text"),
            ("ftruncate", "audit", 0), ("fchmod", "audit", 0o777),
        ]
        # Here the filter stands alone: whoever may write a file may change its size, whoever owns it
        # its mode, and limits are asked for by anyone of the same user.
        alone = [("ftruncate", "audit", 0)] + ([] if ROOT else [
            ("fchmod", "audit", 0o777), ("prlimit64", "PARENT", 7, 0, "text")])
        for what in attempts:
            with self.subTest(what=what):
                bare = self.open()
                control = self.do(bare, self.line(what, bare))
                bare.end()
                (self.shared / "there").write_text("x")
                peer = self.start(["RELAY_FILTER"])
                found = self.do(peer, self.line(what, peer))
                peer.end()
                # Of these three a container's root lacks the right to begin with.
                lacking = is_filtered() and what in (
                    "try ptrace-attach", "try raise-capabilities", "try socket-packet")
                if ROOT and not lacking or what[:11] in ("try connect", "try read:/e", "try list:/", "try write:@"):
                    self.assertTrue(control is None or control["outcome"] != "refused", control)
                if what in alone:
                    self.assertEqual(found["outcome"], "done")
                    continue
                self.assertIn(found["errno"], ("EPERM", "EACCES", "EAGAIN"), found)

    def test_the_record_can_only_grow(self):
        # With the filter a relay can write to it, which is its work; what is there stays there.
        peer = self.start()
        path = max(self.record_files(), key=lambda p: p.stat().st_mtime_ns)
        before = path.read_bytes()
        self.assertTrue(before)
        self.do(peer, "call 1 audit text 11")
        self.assertEqual(path.read_bytes()[:len(before)], before)
        self.assertGreater(len(path.read_bytes()), len(before))
        # The control: a relay that may seek still cannot write elsewhere than at the end.
        peer = self.start(["RELAY_FILTER"])
        path = max(self.record_files(), key=lambda p: p.stat().st_mtime_ns)
        before = path.read_bytes()
        self.assertEqual(self.do(peer, self.call("pwrite64", "audit", "text", 11, 0))["outcome"],
                         "done")
        self.assertEqual(path.read_bytes()[:len(before)], before)


class Memory(Taken):
    """What relay and init have in memory of what they were forked from."""

    marker = b"hunter2-" + b"of-the-caller"

    def find(self, pid):
        """How often the caller's secret is in the memory of `pid`."""
        count = 0
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                first, last = (int(n, 16) for n in span.split("-"))
                if rights[0] != "r" or "[vv" in line or "[vdso" in line or "[vsys" in line:
                    continue
                memory.seek(first)
                try:
                    count += memory.read(last - first).count(self.marker)
                except OSError:
                    pass
        return count

    def test_the_callers_environment_is_in_no_memory_but_the_monitors(self):
        if not ROOT:
            self.skipTest("only root can look into them")
        need_of_root(self, 19)
        secret = {"API_TOKEN": self.marker.decode()}
        peer = self.start(**secret)
        self.assertEqual([self.find(p) for p in (relay_of(peer), init_of(peer))], [0, 0])
        self.assertGreater(self.find(peer.pid), 0, "the control: the monitor has it")
        self.assertEqual(self.find(server_pid(peer.pid)), 0)
        open_relay = self.start(["RELAY_ENVIRONMENT"], **secret)
        self.assertGreater(self.find(relay_of(open_relay)), 0)

    def test_a_relay_finds_no_environment(self):
        peer = self.start(["RELAY_FILTER"], API_TOKEN=self.marker.decode())
        self.assertNotIn(self.marker.decode(), self.do(peer, "try env")["detail"])
        peer = self.start(["RELAY_ENVIRONMENT"], API_TOKEN=self.marker.decode())
        self.assertIn(self.marker.decode(), self.do(peer, "try env")["detail"])

    def test_no_memory_is_shared(self):
        if not ROOT:
            self.skipTest("only root can look into them")
        need_of_root(self, 19)
        peer = self.start()
        for pid in [peer.pid, relay_of(peer), init_of(peer)]:
            self.assertEqual(self.shared(pid), [])
        # The control: where it is not kept from the relay, it is there to be seen.
        open_relay = self.start(["RELAY_MEMORY"])
        self.assertEqual(len(self.shared(relay_of(open_relay))), 1)

    def shared(self, pid):
        """The mappings of `pid` that it may write and that are not its own alone."""
        with open(f"/proc/{pid}/maps") as maps:
            return [m for m in maps if m.split()[1][1::2] == "ws"]

    def test_memory_of_a_relay_is_bounded(self):
        attempt = "try memory:400"
        peer = self.start(profile=self.profile(messages={"max_size": "1MiB"}))
        found = self.do(peer, attempt)
        self.assertEqual((found["outcome"], found["errno"]), ("refused", "ENOMEM"))
        self.assertEqual(self.do(self.start(["RELAY_LIMITS"]), attempt)["outcome"], "done")


REFUSALS = ("EPERM", "EACCES", "ENOSYS")
# What ends an unconfined relay because it worked.
BECOMES = ("try exec:/bin/true", "try run-copy:@/copy", ("shutdown", "control", 2))
# What this kernel does not have, and what the record's descriptor does not even let root do.
NO_CONTROL = ("try x32", ("execveat", "audit", "text", 0, 0, 0x1000),
              ("mmap", 0, 4096, 3, MAP_SHARED, "audit", 0),
              ("mmap", 0, 4096, 1, MAP_PRIVATE, "audit", 0))


def message(kind, *numbers, size=72):
    """A control message as the relay would send it, in hexadecimal."""
    numbers = [*numbers, *[0] * (8 - len(numbers))]
    raw = struct.pack("=9Q", *[n & (1 << 64) - 1 for n in [kind, *numbers]])
    return (raw + bytes(200))[:size].hex() or "-"


READY, CLIENT_CLOSED, CLIENT_GONE, SERVER_CLOSED, FINISHED, FAILED = range(1, 7)
BAD_PINS, PINNED, INSPECTED = range(7, 10)
OPEN, SERVER_ENDED, STOP, DENIED = 16, 17, 18, 19
NUMBERS_OF_ALL_SIZES = [1, -1, 2**31, -2**31, 2**53, 2**63 - 1, -2**63]


class TheServer(Case):
    """A server reaches neither monitor nor relay nor init, by whatever number it guesses."""

    ways = ["kill:{}", "pidfd-of:{}", "limits-of:{}", "trace-of:{}", "memory-of:{}",
            "process-file:{}:mem", "process-file:{}:environ", "process-file:{}:root",
            "list:/proc/{}/fd", "read:/proc/{}/status"]

    def test_it_reaches_nobody_by_number(self):
        other = subprocess.Popen(["/bin/sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        control = self.outside(*[way.format(other.pid) for way in self.ways])
        for name, found in control.items():
            self.assertTrue(found["outcome"] == "done" or found["errno"] == "EFAULT", (name, found))
        cell = self.session()
        for pid in [cell.pid, relay_of(cell), init_of(cell), other.pid, os.getpid()]:
            for way in self.ways:
                found = cell.attempt(way.format(pid))
                if LEVEL and way == "pidfd-of:{}":
                    # Numbers can be seen there, and one may be named; it is of no use (the others).
                    continue
                self.assertNotEqual(found["outcome"], "done", found)
                # The last from the filter, of another's limits at level container.
                self.assertIn(found["errno"],
                              ("EPERM", "EACCES", "ESRCH", "ENOENT", "ENOSYS"), found)

    @level_full("processes")
    def test_init_is_there_and_closed(self):
        cell = self.session()
        for way in self.ways:
            found = cell.attempt(way.format(1))
            if way == "kill:{}":
                # It may be asked whether it lives.
                self.assertEqual(found["outcome"], "done", found)
            elif way in ("pidfd-of:{}", "limits-of:{}"):
                # A descriptor of it, and what a process of one's own user may be asked.
                self.assertEqual(found["outcome"], "done", found)
            else:
                self.assertEqual(found["outcome"], "refused", found)
                self.assertIn(found["errno"], ("EPERM", "EACCES"), found)

    def test_our_program_is_not_overwritten_through_a_process(self):
        # A container's runtime was once, by /proc/PID/exe of the process that entered it.
        names = [f"{way}:/proc/{pid}/exe" for way in ("open-write", "may-write", "truncate")
                 for pid in (1, "self")]
        cell = self.session()
        before = os.stat(BINARY)
        for name in names:
            found = cell.attempt(name)
            self.assertEqual(found["outcome"], "refused", found)
            self.assertIn(found["errno"], ("EACCES", "EPERM", "EROFS", "ETXTBSY", "ENOENT"), found)
        self.assertEqual(cell.attempt("process-file:1:exe")["outcome"], "refused")
        # The control: the link of a process of one's own leads to its file.
        self.assertEqual(cell.attempt("process-file:self:exe")["outcome"], "refused")
        after = os.stat(BINARY)
        self.assertEqual((before.st_size, before.st_mtime_ns), (after.st_size, after.st_mtime_ns))

    def test_the_monitor_is_closed_to_processes_of_its_user(self):
        cell = self.session()
        self.assertEqual(os.stat(f"/proc/{cell.pid}/status").st_uid, 0)
        if not ROOT:
            for name in ["mem", "environ", "maps"]:
                with self.assertRaises(PermissionError):
                    open(f"/proc/{cell.pid}/{name}", "rb").read(1)
            # The control: this process, of the same user.
            with open(f"/proc/{os.getpid()}/environ", "rb") as file:
                self.assertTrue(file.read(1))


class TakenControlSocket(Taken):
    """What the relay may say to the monitor, the monitor does; anything else is the relay's end."""

    def say(self, *messages, times=1, wait=True):
        """A session whose relay sends these and goes on as though it had not."""
        peer = self.start()
        self.below = [peer.pid, *descendants(peer.pid)]
        for each in messages:
            peer.send_raw(f"backdoor say {each} {times}\n".encode())
        return peer

    def assertBroken(self, *messages, times=1):
        peer = self.say(*messages, times=times)
        self.assertEqual(peer.wait(10 * SLOWNESS), 125, messages)
        self.heard(peer)
        self.assertRegex(peer.stderr, rb"anchorhold: error: the relay sent [a-z ]+: it and the session")
        self.assertNothingLeft(self.below)
        end = self.end_record()
        self.assertEqual((end["reason"], end["relay"]["outcome"]), ("relay-failed", "broke"))
        self.assertEqual((end["counters"], end["sent"]), (None, [signal.SIGKILL]))
        return peer

    def test_messages_of_the_monitor_and_unknown_ones_end_the_session(self):
        for kind in [READY, OPEN, SERVER_ENDED, STOP, DENIED, BAD_PINS, PINNED, INSPECTED, 0,
                     *range(10, 16), *range(20, 24), 255, 2**31, 2**32 + 2, -1, 2**63 - 1, -2**63]:
            with self.subTest(kind=kind):
                self.assertBroken(message(kind))

    def test_what_belongs_to_a_restart_ends_the_session_when_nobody_asked(self):
        for kind, numbers in [(10, [1]), (11, [1]), (12, []), (12, [1, 1]), (13, [1]), (20, [1]),
                              (21, []), (22, [1])]:
            for restart in ["never", "on-failure"]:
                with self.subTest(kind=kind, restart=restart):
                    self.restart = restart
                    self.assertBroken(message(kind, *numbers))

    def test_a_relay_that_does_not_let_the_server_be_started_again_is_ended(self):
        self.restart = "on-failure"
        peer = self.start()
        below = descendants(peer.pid)
        peer.send_raw(b"backdoor deaf\n")
        time.sleep(0.1)
        os.kill(server_pid(peer.pid), signal.SIGKILL)
        self.assertEqual(peer.wait(30 * SLOWNESS), 125)
        self.heard(peer)
        self.assertIn(b"does not let the server be started again", peer.stderr)
        self.assertNothingLeft(below)
        self.assertEqual(self.end_record()["relay"]["outcome"], "late")

    restart = "never"

    def start(self, leave_out=(), profile=None, **environment):
        return super().start(leave_out, profile or self.profile(
            server={"command": [PROBE, "serve"], "restart": self.restart}), **environment)

    def test_messages_of_any_other_length_end_the_session(self):
        for size in [1, 8, 71, 73, 200]:
            with self.subTest(size=size):
                self.assertBroken(message(CLIENT_CLOSED, size=size))

    def test_numbers_where_there_are_none_end_the_session(self):
        for kind in [CLIENT_CLOSED, CLIENT_GONE, SERVER_CLOSED]:
            for number in NUMBERS_OF_ALL_SIZES:
                with self.subTest(kind=kind, number=number):
                    self.assertBroken(message(kind, number))
        for number in [0, 4096, -1, 2**32 + 5, 2**63 - 1, -2**63]:
            with self.subTest("failed", number=number):
                self.assertBroken(message(FAILED, number))

    def test_a_goodbye_before_the_server_ended_ends_the_session(self):
        for numbers in [[], [1] * 8, *[[n] * 8 for n in NUMBERS_OF_ALL_SIZES]]:
            with self.subTest(numbers=numbers):
                self.assertBroken(message(FINISHED, *numbers))

    def test_numbers_of_a_goodbye_that_no_session_has_are_not_recorded(self):
        # The monitor once counted on from the number of the last record, past the largest number.
        for index in range(8):
            for number in [-1, 2**53, 2**63 - 1, -2**63] + ([2] if index == 7 else []):
                with self.subTest(index=index, number=number):
                    numbers = [0] * 8
                    numbers[index] = number
                    peer = self.start()
                    below = descendants(peer.pid)
                    # The relay ends when the server's end finds it deaf to all but this.
                    self.do(peer, "after " + message(FINISHED, *numbers), lines=1)
                    os.kill(server_pid(peer.pid), signal.SIGKILL)
                    self.assertEqual(peer.wait(10 * SLOWNESS), 125)
                    self.assertNothingLeft(below)
                    end = self.end_record()
                    self.assertEqual((end["reason"], end["counters"], end["seq"]),
                                     ("relay-failed", None, -1))

    def test_the_same_goodbye_with_good_numbers_is_believed(self):
        peer = self.start()
        self.do(peer, "after " + message(FINISHED, 1, 2, 3, 4, 5, 6, 700, 0), lines=1)
        os.kill(server_pid(peer.pid), signal.SIGKILL)
        peer.wait(10 * SLOWNESS)
        end = self.end_record()
        self.assertEqual((end["counters"]["requests"], end["seq"]), (1, 700))

    def test_the_same_message_twice_ends_the_session(self):
        for kind in [CLIENT_CLOSED, CLIENT_GONE, SERVER_CLOSED]:
            with self.subTest(kind=kind):
                self.assertBroken(message(kind), message(kind))

    def test_pins_are_taken_once_and_where_they_were_asked_for(self):
        pins = self.state / "anchorhold/pins"
        profile = self.profile(pins=None)
        told = message(PINNED, *range(1, 9))
        for times in (1, 2):
            shutil.rmtree(pins, ignore_errors=True)
            peer = self.start(profile=profile)
            peer.send_raw(f"backdoor say {told} {times}\n".encode())
            if times == 1:
                self.assertTrue(until(lambda: list(pins.glob("*.pins"))))
                self.assertEqual(peer.finish(), 0)
                # What it made up does not fit what it wrote, which is nothing.
                done = subprocess.run(command_line("run", profile, binary=TEST_BUILD), env=self.environment,
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 125, done)
                self.assertIn(b"is damaged", done.stderr)
            else:
                self.assertEqual(peer.wait(10 * SLOWNESS), 125)
                self.assertEqual(self.last_end()["reason"], "relay-failed")
        # Where there are whole pins there is no room for others.
        shutil.rmtree(pins)
        peer = self.start(profile=profile)
        peer.tools()
        self.assertTrue(until(lambda: list(pins.glob("*.pins"))))
        self.assertEqual(peer.finish(), 0)
        kept = [path.read_bytes() for path in pins.iterdir()]
        peer = self.start(profile=profile)
        peer.send_raw(f"backdoor say {told} 1\n".encode())
        self.assertEqual(peer.wait(10 * SLOWNESS), 125)
        self.assertEqual(self.last_end()["reason"], "relay-failed")
        self.assertEqual([path.read_bytes() for path in pins.iterdir()], kept)

    def last_end(self):
        ends = [r for r in self.records() if r["kind"] == "session-end"]
        return max(ends, key=lambda r: r["time"])

    def test_a_flood_of_messages_ends_the_session(self):
        for each in [message(CLIENT_CLOSED), message(77), message(FAILED, 5), message(STOP, size=8)]:
            with self.subTest(each[:16]):
                peer = self.say(each, times=1 << 40)
                self.assertEqual(peer.wait(10 * SLOWNESS), 125)
                self.heard(peer)
                self.assertLess(peer.stderr.count(b"\n"), 4)
                self.assertNothingLeft(self.below)
                self.assertEqual(self.end_record()["reason"], "relay-failed")

    def test_a_relay_may_say_each_thing_once_and_it_means_no_more_than_that(self):
        # What the relay could say anyway: the session ends in order, with what the server has.
        for kind, reason in [(CLIENT_CLOSED, "client-closed"), (CLIENT_GONE, "client-gone"),
                             (SERVER_CLOSED, "server-ended")]:
            with self.subTest(kind=kind):
                peer = self.say(message(kind))
                # It would say so itself later, and then for the second time.
                peer.send_raw(b"backdoor deaf\n")
                self.assertEqual(peer.wait(15 * SLOWNESS), 128 + signal.SIGTERM)
                self.assertNothingLeft(self.below)
                end = self.end_record()
                self.assertEqual((end["reason"], end["signal"], end["sent"]),
                                 (reason, signal.SIGTERM, [signal.SIGTERM]))
        peer = self.say(message(FAILED, 28))
        peer.send_raw(b"backdoor deaf\n")
        status = peer.wait(15 * SLOWNESS)
        self.heard(peer)
        # One that still heard of the server's end has its last word after this, which breaks the rule.
        self.assertIn(status, [128 + signal.SIGTERM, 125], peer.stderr)
        self.assertIn(b"the relay cannot go on: No space left on device", peer.stderr)

    def test_descriptors_cannot_even_be_sent(self):
        # Without the filter they are sent, and closed unseen.
        peer = self.start(leave_out=["RELAY_FILTER"])
        before = descriptors(peer.pid)
        below = descendants(peer.pid)
        self.do(peer, "hand " + message(77))
        self.assertEqual(peer.wait(10 * SLOWNESS), 125)
        self.assertNothingLeft(below)
        peer = self.start(leave_out=["RELAY_FILTER"])
        before = descriptors(peer.pid)
        self.assertEqual(self.do(peer, "hand " + message(SERVER_CLOSED))["outcome"], "done")
        self.assertEqual(self.do(peer, "hand " + message(CLIENT_CLOSED))["outcome"], "done")
        if ROOT and has_capability(19):
            self.assertTrue(before, "the control: they can be seen")
        self.assertLessEqual(descriptors(peer.pid), before)
        peer.wait(10 * SLOWNESS)
        # With it: the relay's end.
        peer = self.start()
        self.assertIsNone(self.do(peer, "hand " + message(SERVER_CLOSED)))
        self.assertEqual(peer.wait(10 * SLOWNESS), 125)

    def test_a_relay_that_closes_its_socket_is_ended(self):
        peer = self.start()
        below = descendants(peer.pid)
        self.do(peer, "call 3 control")
        self.assertEqual(peer.wait(10 * SLOWNESS), 125)
        self.assertNothingLeft(below)
        self.assertEqual(self.end_record()["reason"], "relay-failed")

    def test_a_relay_that_does_nothing_more_cannot_keep_the_session(self):
        for how in ["deaf", "spin"]:
            for end in ["signal", "server"]:
                with self.subTest(how, end=end):
                    peer = self.start()
                    below = descendants(peer.pid)
                    server = server_pid(peer.pid)
                    peer.send_raw(f"backdoor {how}\n".encode())
                    time.sleep(0.1)
                    started = time.monotonic()
                    os.kill(*((peer.pid, signal.SIGTERM) if end == "signal" else
                              (server, signal.SIGKILL)))
                    peer.wait(15 * SLOWNESS)
                    # 1 s after a signal, and 5 s for a client that might not have read all.
                    self.assertLess(time.monotonic() - started, (3 if end == "signal" else 9) * SLOWNESS)
                    self.assertNothingLeft(below)
                    self.assertEqual(self.end_record()["relay"]["outcome"], "late")

    def test_a_relay_that_takes_nothing_cannot_hold_the_monitor_up(self):
        # More signals than the socket has room for, to a monitor that tells its relay of each.
        peer = self.start(profile=self.profile(PROBE, "serve", "--behave", "stubborn"))
        below = descendants(peer.pid)
        peer.send_raw(b"backdoor deaf\n")
        time.sleep(0.1)
        started = time.monotonic()
        while peer.process.poll() is None and time.monotonic() - started < 10 * SLOWNESS:
            for number in [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]:
                peer.process.send_signal(number)
        self.assertLess(time.monotonic() - started, 5 * SLOWNESS)
        self.assertNothingLeft(below)


class TakenInit(Taken):
    """An init that somebody took over: what it reports after the seal."""

    def order(self, what):
        peer = self.start()
        self.below = descendants(peer.pid)
        self.before = descriptors(peer.pid)
        queue_signal(init_of(peer), signal.SIGUSR2, what)
        return peer

    def test_an_account_that_nobody_asked_for_ends_the_session(self):
        for what in ["short", "long", "unknown", "server", "failure", "init", "descriptor"]:
            number = 1 + ["short", "long", "unknown", "server", "failure", "init",
                          "descriptor"].index(what)
            with self.subTest(what):
                peer = self.order(number)
                self.assertEqual(peer.wait(10 * SLOWNESS), 125)
                self.heard(peer)
                self.assertIn(b"anchorhold: error: the cell's init sent an account", peer.stderr)
                self.assertNothingLeft(self.below)
                end = self.end_record()
                self.assertEqual((end["reason"], end["sent"]), ("cell-failed", [signal.SIGKILL]))
                # The relay ended in order: what the client waited for was answered.
                self.assertIsNotNone(end["counters"])

    def test_a_flood_of_accounts_ends_the_session(self):
        peer = self.order(11)
        self.assertEqual(peer.wait(10 * SLOWNESS), 125)
        self.heard(peer)
        self.assertLess(peer.stderr.count(b"\n"), 4)
        self.assertNothingLeft(self.below)

    def test_a_second_end_ends_the_session(self):
        peer = self.order(8)
        self.assertEqual(peer.wait(10 * SLOWNESS), 125)
        self.assertNothingLeft(self.below)

    def test_an_init_that_lies_about_the_end_and_stays_is_ended(self):
        peer = self.order(9)
        self.assertEqual(peer.wait(10 * SLOWNESS), 7)
        self.assertNothingLeft(self.below)

    def test_an_init_that_hangs_up_and_stays_is_ended(self):
        peer = self.order(10)
        self.assertEqual(peer.wait(10 * SLOWNESS), 128 + signal.SIGKILL)
        self.assertNothingLeft(self.below)

    def test_an_init_that_does_nothing_more_cannot_keep_the_session(self):
        peer = self.order(12)
        peer.close_stdin()
        self.assertEqual(peer.wait(10 * SLOWNESS), 128 + signal.SIGKILL)
        self.assertNothingLeft(self.below)


class KilledAtAnyMoment(Case):
    def test_whoever_of_us_is_killed_whenever_the_rest_ends(self):
        profile = self.profile()
        seen = collections.Counter()
        choose = random.Random(3)
        for attempt in range(80):
            peer = self.run_cell(profile)
            # From the first fork to a session that runs: each child of the monitor once in a while.
            time.sleep(choose.uniform(0, 0.03))
            # A first child at the latest when it is there.
            below = until(lambda: [p for p in descendants(peer.pid) if alive(p)] or
                          peer.process.poll() is not None, 5, 0.001)
            if not isinstance(below, list):
                self.fail(f"it ended by itself: {peer.stderr!r}")
            victim = choose.choice(below)
            seen[processes().get(victim, (0, "gone"))[1]] += 1
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
            # Either it was one that had done its work (the stage), or all of it ends.
            try:
                peer.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
            except BrokenPipeError:
                pass
            peer.close_stdin()
            status = peer.wait(15 * SLOWNESS)
            self.assertIn(status, (0, 125, 128 + signal.SIGKILL, 128 + signal.SIGTERM), peer.stderr)
            self.assertTrue(until(lambda: not any(alive(p) for p in below), 10),
                            [p for p in below if alive(p)])
            peer.end()
        self.assertGreaterEqual(len(seen), 3, seen)


def descriptors(pid):
    """What a process has open, as a set; without rights over it, nothing."""
    try:
        return {(n, os.readlink(f"/proc/{pid}/fd/{n}")) for n in os.listdir(f"/proc/{pid}/fd")}
    except PermissionError:
        return set()

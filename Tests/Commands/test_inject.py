"""Each system call of the launch fails once: no server may come out less sealed than planned.

strace makes the N-th call of a name fail in every process of the launch. A run then either ends
before the server speaks, or the server that speaks is as sealed as any other.
"""

import collections
import json
import os
import pathlib
import re
import shutil

from harness import (LEVEL, NOT_PROMISED, ROOT, Case, Closed, Peer, command_line, descendants, need,
                     processes, until)

# What builds the cell or gives rights up: made to fail each time that it is made.
CALLS = [
    "unshare", "clone", "openat2", "open_tree", "mount_setattr", "move_mount", "fsopen",
    "fsconfig", "fsmount", "mkdirat", "symlinkat", "pivot_root", "umount2", "fchdir", "chdir",
    "prlimit64", "setresuid", "setresgid", "setgroups", "prctl", "capset",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp", "setsid",
    "dup2", "close_range", "rt_sigprocmask", "sethostname", "signalfd4", "pidfd_open",
    "socketpair", "pipe2", "sendto", "recvmsg", "ioctl", "execveat", "madvise",
]
# Of a call that is made once for each of many like things (a capability, a limit), the first few
# and the last are enough.
MANY = 12
# What else the launch was seen to do is made to fail the first time and the last; but for what
# cannot fail, asks for what one knows, or belongs to a program's own start and end.
UNTRIED = {
    "arch_prctl", "brk", "execve", "exit", "exit_group", "getegid", "geteuid", "getgid", "getpid",
    "getppid", "gettid", "getuid", "mmap", "mprotect", "munmap", "restart_syscall", "rseq",
    "rt_sigreturn", "set_robust_list", "set_tid_address", "uname",
}


class InjectedFaults(Case):
    LEVEL = "full"
    # Those of CALLS that this level makes, and this caller.
    MADE = set(CALLS) - (set() if ROOT else {"setgroups"})

    def setUp(self):
        super().setUp()
        if LEVEL and self.LEVEL == "full":
            self.skipTest(f"level container: {NOT_PROMISED['steps']}")
        need(self, shutil.which("strace"), "strace")
        self.path = str(self.profile(isolation=self.LEVEL))

    def status(self, peer):
        """What the server's own entry of /proc says of it."""
        return peer.attempt("read:/proc/self/status")["detail"]

    def counts(self):
        """How often each call is made by the process that makes it most often."""
        log = self.directory / "calls"
        peer = self.start(["strace", "-f", "-qq", "-o", str(log)])
        peer.initialize()
        peer.finish()
        most = collections.Counter()
        by_process = collections.Counter(
            (line.split()[0], match.group(1)) for line in log.read_text().splitlines()
            for match in [re.match(r"\d+\s+(\w+)\(", line)] if match)
        for (_, call), count in by_process.items():
            most[call] = max(most[call], count)
        return most

    def start(self, tracer):
        peer = Peer([*tracer, *command_line("run", self.path)], env=self.environment)
        self.addCleanup(peer.end)
        return peer

    def outcome(self, call, number, error="EPERM"):
        """"refused", or "sealed" after the server has shown its own state; "ended" when a session
        that was sealed did not go on after one of the calls that are not part of sealing."""
        before = set(self.record_files())
        peer = self.start(["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}",
                           "-e", f"inject={call}:error={error}:when={number}"])
        try:
            peer.initialize()
            status = self.status(peer)
            peer.finish()
        except (Closed, BrokenPipeError, KeyError):
            code = peer.wait()
            if call in CALLS:
                self.assertIn(code, (125, 126, 127), f"{call} #{number}: {peer.stderr!r}")
                return "refused"
            return "refused" if code == 125 else "ended"
        finally:
            peer.end()
        for wanted in self.wanted(
                "NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000",
                "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
                "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000"):
            self.assertIn(wanted, status, f"{call} #{number}")
        # The record of this very session.
        (path,) = set(self.record_files()) - before
        self.start_record = json.loads(path.read_bytes().splitlines()[0])
        self.assertEqual(self.start_record["kind"], "session-start")
        self.assertTrue(self.start_record["sealed"] and self.start_record["looks"] == 2,
                        f"{call} #{number}")
        return "sealed"

    def wanted(self, *lines):
        return lines

    def test_no_failed_call_lets_a_server_out_less_sealed(self):
        counts = self.counts()
        # A call that is made no more is none that was tried.
        self.assertEqual(self.MADE - set(counts), set())
        outcomes = collections.Counter()
        unwatched = loads = 0
        for call in CALLS:
            numbers = range(1, counts[call] + 1)
            if len(numbers) > MANY:
                numbers = [*numbers[:MANY - 1], numbers[-1]]
            for number in numbers:
                with self.subTest(call=call, number=number):
                    outcome = self.outcome(call, number)
                    outcomes[outcome] += 1
                    if call == "seccomp" and outcome == "sealed" and self.LEVEL == "full":
                        # Only what asks for a listener may fail, and then there is none.
                        self.assertFalse(self.start_record["denials_watched"])
                        unwatched += 1
                    elif call == "seccomp" and self.LEVEL == "container":
                        # The filter is compiled here, and libseccomp asks the kernel what it can do
                        # by the same call; those may fail, and the filter is loaded all the same.
                        loads += outcome == "refused"
                    elif call in ESSENTIAL:
                        self.assertEqual(outcome, "refused")
        for call in sorted(ESSENTIAL & set(counts) - {"seccomp"}):
            for number, error in [(1, "ENOSYS"), (counts[call], "ENOMEM")]:
                with self.subTest(call=call, number=number, error=error):
                    self.assertEqual(self.outcome(call, number, error), "refused")
        self.assertGreater(outcomes["refused"], 40)
        others = collections.Counter()
        for call in sorted(set(counts) - set(CALLS) - UNTRIED):
            # Strace lets a call fail by another number, and under the filter whose listener sendmsg
            # hands over nobody would answer that.
            last = 1 if call == "sendmsg" else counts[call]
            for number in sorted({1, last}):
                with self.subTest(call=call, number=number):
                    others[self.outcome(call, number)] += 1
        self.assertGreater(others["refused"], 10)
        outcomes.update(others)
        self.assertGreater(unwatched if self.LEVEL == "full" else loads, 0)
        print(dict(outcomes), end=" ", flush=True)


# Calls that are made only in order to seal, and never to try something out.
ESSENTIAL = {"unshare", "open_tree", "fsopen", "fsconfig", "fsmount", "pivot_root", "umount2",
             "capset", "landlock_restrict_self", "seccomp", "mkdirat", "symlinkat", "move_mount"}
if ROOT:
    ESSENTIAL |= {"setgroups"}


class InjectedFaultsWithoutNamespaces(InjectedFaults):
    """The same at isolation level container, where the server cannot open /proc."""

    LEVEL = "container"
    MADE = InjectedFaults.MADE - {
        "fchdir", "fsconfig", "fsmount", "fsopen", "mount_setattr", "move_mount", "open_tree",
        "pivot_root", "sethostname", "symlinkat", "umount2", "unshare"}

    def status(self, peer):
        found = until(lambda: peer.process.poll() is not None or [
            pid for pid in descendants(peer.pid) if processes().get(pid, (0, ""))[1] == "probe"])
        if found is True:
            raise Closed("the session ended")
        return pathlib.Path(f"/proc/{found[0]}/status").read_text()

    def wanted(self, *lines):
        # An ordinary caller keeps its bounding set.
        return [line for line in lines if ROOT or not line.startswith("CapBnd")]

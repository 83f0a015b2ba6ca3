"""Each system call of the launch fails once: no server may come out less sealed than planned.

strace makes the N-th call of a name fail in every process of the launch. A run then either ends
before the server speaks, or the server that speaks is as sealed as any other.
"""

import collections
import os
import pathlib
import re
import shutil

from harness import LEVEL, NOT_PROMISED, ROOT, Case, Closed, Peer, command_line, need, server_pid

# What builds the cell or gives rights up. Calls that only read are left to the read-back's tests.
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


class InjectedFaults(Case):
    LEVEL = "full"
    # Some that the level cannot do without, for the control.
    MADE = {"unshare", "pivot_root", "seccomp", "capset"}

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
        peer = self.start(["strace", "-f", "-qq", "-o", str(log), "-e", "trace=" + ",".join(CALLS)])
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

    def outcome(self, call, number):
        """"refused", or "sealed" after the server has shown its own state."""
        peer = self.start(["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}",
                           "-e", f"inject={call}:error=EPERM:when={number}"])
        try:
            peer.initialize()
            status = self.status(peer)
            peer.finish()
        except (Closed, BrokenPipeError, KeyError):
            code = peer.wait()
            self.assertIn(code, (125, 126, 127), f"{call} #{number}: {peer.stderr!r}")
            return "refused"
        finally:
            peer.end()
        for wanted in self.wanted(
                "NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000",
                "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
                "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000"):
            self.assertIn(wanted, status, f"{call} #{number}")
        start = [r for r in self.records() if r["kind"] == "session-start"][-1]
        self.assertTrue(start["sealed"] and start["looks"] == 2, f"{call} #{number}")
        return "sealed"

    def wanted(self, *lines):
        return lines

    def test_no_failed_call_lets_a_server_out_less_sealed(self):
        counts = self.counts()
        self.assertGreaterEqual(set(counts), self.MADE)
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
                        start = max((r for r in self.records() if r["kind"] == "session-start"),
                                    key=lambda r: r["time"])
                        self.assertFalse(start["denials_watched"])
                        unwatched += 1
                    elif call == "seccomp" and self.LEVEL == "container":
                        # The filter is compiled here, and libseccomp asks the kernel what it can do
                        # by the same call; those may fail, and the filter is loaded all the same.
                        loads += outcome == "refused"
                    elif call in ESSENTIAL:
                        self.assertEqual(outcome, "refused")
        self.assertGreater(outcomes["refused"], 40)
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
    MADE = {"setresuid", "seccomp", "capset", "landlock_restrict_self"}

    def status(self, peer):
        return pathlib.Path(f"/proc/{server_pid(peer.pid)}/status").read_text()

    def wanted(self, *lines):
        # An ordinary caller keeps its bounding set.
        return [line for line in lines if ROOT or not line.startswith("CapBnd")]

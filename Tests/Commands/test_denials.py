"""System calls that the filter refuses: seen, counted, recorded, and refused all the same.

The server is a Python program that makes the calls it is told to, in a tool call.
"""

import ctypes
import errno
import json
import os
import signal
import struct
import sys
import time

from harness import (LEVEL, ROOT, Case, alive, command_line, descendants, is_filtered, need,
                     not_promised, status_of, until)

SERVER = '''
import ctypes, json, os, signal, sys, threading
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return 0 if result >= 0 else ctypes.get_errno()

def apart(number, arguments):
    """The call in a process of its own, which it may end or stop: its error, or how it ended."""
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_REAL, 1)
        # Some of them make a process: only the first one says anything.
        me = os.getpid()
        error = call(number, *arguments)
        os._exit(error if os.getpid() == me else 0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)

made = [0]

def flood(number):
    while True:
        call(number)
        made[0] += 1

def work(arguments):
    if "made" in arguments:
        return made
    if "apart" in arguments:
        return [apart(n, [arguments["argument"]] * 6) for n in arguments["apart"]]
    if "timer" in arguments:
        # A handler after which a call that it interrupted is made again.
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, arguments["timer"], arguments["timer"])
        errors = {call(arguments["number"]) for _ in range(arguments["times"])}
        signal.setitimer(signal.ITIMER_REAL, 0)
        return sorted(errors)
    for _ in range(arguments.get("threads", 0)):
        threading.Thread(target=flood, args=(arguments["number"],), daemon=True).start()
    return [call(*c) for c in arguments.get("calls", []) for _ in range(arguments.get("times", 1))][-50:]

if len(sys.argv) > 1:
    early = [call(int(n)) for n in sys.argv[1].split(",")]
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    if message["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                  "serverInfo": {"name": "caller", "version": "1"}}
    elif message["method"] == "tools/call":
        text = json.dumps(work(message["params"]["arguments"]))
        result = {"content": [{"type": "text", "text": text}]}
    else:
        result = {}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
'''

PTRACE, SYNC, MOUNT, CLONE3, SECCOMP, CHOWN = 101, 162, 165, 435, 317, 92
EPERM, ENOSYS = 1, 38


def listening_filter(until):
    """Gives this process a filter that allows everything and has a listener: none may be below it.

    Without somebody who has its descriptor there would be no listener: a process does that waits
    for the end of the pipe `until`.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    program = struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000)
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
    filters = Program(1, ctypes.cast(instructions, ctypes.c_void_p))
    libc.prctl(38, 1, 0, 0, 0)
    listener = libc.syscall(SECCOMP, 1, 8, ctypes.byref(filters))
    if listener < 0:
        os._exit(99)
    first = os.fork()
    if first != 0:
        os.waitpid(first, 0)
        return
    if os.fork() != 0:
        os._exit(0)
    kept = sorted({until, listener})
    for low, high in zip([-1, *kept], [*kept, 4096]):
        os.closerange(low + 1, high)
    os.read(until, 1)
    os._exit(0)


class Denials(Case):
    # What holds whether anybody is told or not.
    UNTOLD = {"test_where_there_can_be_no_listener_that_is_said_and_the_calls_are_refused",
              "test_a_signal_ends_a_session_in_the_midst_of_a_flood",
              "test_a_monitor_that_is_killed_in_a_flood_leaves_nothing",
              "test_a_server_that_is_stopped_or_killed_in_a_refused_call_holds_nothing_up"}

    def setUp(self):
        super().setUp()
        if is_filtered() and self._testMethodName not in self.UNTOLD:
            not_promised(self, "told of")
        need(self, os.uname().machine == "x86_64", "x86-64: the calls are named by number")

    def command(self, *arguments, **options):
        script = self.directory / "caller.py"
        script.write_text(SERVER)
        self.directory.chmod(0o755)
        return self.profile("/usr/bin/python3", str(script), *arguments, extends="auto", **options)

    def start(self, *options, server=(), **more):
        profile = more.pop("profile", None) or self.command(*server)
        peer = self.run_cell(profile, *options, **more)
        peer.initialize()
        return peer

    def make(self, peer, *calls, tool="work", **more):
        """The errors of these calls, made by the server during `tool`."""
        calls = [list(c) if isinstance(c, tuple) else [c] for c in calls]
        return json.loads(peer.text(tool, {"calls": calls, **more}))

    def newest_start(self):
        """Files of sessions that began in one second are in no order."""
        return max((r for r in self.records() if r["kind"] == "session-start"),
                   key=lambda r: r["time"])

    def denials(self):
        return [r for r in self.records() if r["kind"] == "denial"]

    def test_a_refused_call_is_recorded_with_the_tool_that_ran_and_what_would_allow_it(self):
        cell = self.start()
        self.assertEqual(self.make(cell, PTRACE, SYNC, MOUNT, tool="first"), [EPERM, ENOSYS, EPERM])
        self.assertEqual(self.make(cell, SYNC, SYNC, tool="second"), [ENOSYS] * 2)
        # The control: what is allowed leaves no trace.
        self.assertEqual(self.make(cell, 39, 186), [0, 0])
        self.assertEqual(cell.finish(), 0)
        found = [(d["call"], d["errno"], d["allow"], [c["tool"] for c in d["during"]])
                 for d in self.denials()]
        self.assertEqual(found, [
            ("ptrace", "EPERM", "syscalls: {add: [ptrace]}", ["first"]),
            ("sync", "ENOSYS", "syscalls: {add: [sync]}", ["first"]),
            ("mount", "EPERM", None, ["first"]), ("sync", "ENOSYS", "syscalls: {add: [sync]}", ["second"])])
        records = self.records()
        self.assertTrue(records[0]["denials_watched"])
        self.assertEqual({d["call"]: d["count"] for d in records[-1]["denials"]},
                         {"ptrace": 1, "sync": 3, "mount": 1})
        # Of a call it is recorded when its answer has not been: it was said before.
        kinds = [r["kind"] for r in records if r.get("tool") == "first" or r["kind"] == "denial"]
        self.assertEqual(kinds[:5], ["request", "denial", "denial", "denial", "response"])

    def test_isolation_level_container_tells_of_calls_as_well(self):
        for options, watched in (({}, True), (self.under_a_listener(), False)):
            with self.subTest(watched=watched):
                cell = self.start("--isolation", "container", **options)
                self.assertEqual(self.make(cell, SYNC, MOUNT, tool="work"), [ENOSYS, EPERM])
                self.make(cell, threads=8, number=CHOWN)
                self.assertEqual(cell.finish(), 0)
                start = self.newest_start()
                self.assertEqual((start["isolation"], start["denials_watched"]),
                                 ("container", watched))
                mine = [d for d in self.denials() if d["session"] == start["session"]]
                self.assertEqual({"sync", "mount"} <= {d["call"] for d in mine}, watched, mine)
                self.assertEqual(bool(mine), watched)

    def test_the_line_of_the_profile_that_is_named_allows_the_call(self):
        cell = self.start(profile=self.command(syscalls={"add": ["sync"]}))
        self.assertEqual(self.make(cell, SYNC, PTRACE), [0, EPERM])
        cell.finish()
        self.assertEqual([d["call"] for d in self.denials()], ["ptrace"])

    def test_diagnose_shows_each_call_once_and_the_sums_at_the_end(self):
        profile = self.command(syscalls={"add": ["getpid"]})
        cell = self.start("--diagnose", profile=profile)
        self.make(cell, SYNC, SYNC, MOUNT, SYNC, tool="work")
        cell.finish()
        lines = [line for line in cell.stderr.decode().splitlines() if "hint" in line]
        number = next(i for i, line in enumerate(profile.read_text().splitlines(), 1)
                      if line.startswith("syscalls"))
        self.assertEqual(lines, [
            'anchorhold: hint: the server was refused the system call "sync" (ENOSYS) during tool '
            f'"work"; syscalls: {{add: [sync]}} in {profile}:{number} would allow it',
            'anchorhold: hint: the server was refused the system call "mount" (EPERM) during tool '
            '"work"; nothing allows it (mounts: the view of the file system is fixed when the cell '
            'is sealed)',
            'anchorhold: hint: refused system calls of this session: sync 3, mount 1'])

    def test_without_diagnose_nothing_is_shown(self):
        cell = self.start()
        self.make(cell, SYNC)
        cell.finish()
        self.assertEqual(cell.stderr, b"")
        self.assertEqual([d["call"] for d in self.denials()], ["sync"])

    def test_a_name_of_a_tool_cannot_write_to_the_terminal(self):
        # Such a name is no tool's unless the profile says so.
        profile = self.command()
        profile.write_text(profile.read_text() + "text: {hidden: allow}\n")
        cell = self.start("--diagnose", profile=profile)
        self.make(cell, SYNC, tool="a\x1b]0;title\x07\nanchorhold: hint: all is well\u202e")
        cell.finish()
        for line in cell.stderr.splitlines():
            self.assertTrue(line.startswith(b"anchorhold: hint: "), line)
            self.assertNotIn(b"\x1b", line)
            self.assertNotIn("\u202e".encode(), line)
        self.assertEqual(len(cell.stderr.splitlines()), 2)

    def test_calls_refused_before_the_session_begins_do_not_stop_the_start(self):
        cell = self.start(server=[",".join([str(SYNC)] * 300 + [str(PTRACE)])])
        self.assertEqual(self.make(cell, MOUNT), [EPERM])
        self.assertEqual(cell.finish(), 0)
        records = self.records()
        self.assertEqual(records[0]["kind"], "session-start")
        self.assertEqual({d["call"]: d["count"] for d in records[-1]["denials"]},
                         {"sync": 300, "ptrace": 1, "mount": 1})
        self.assertEqual({d["call"] for d in self.denials()}, {"sync", "ptrace", "mount"})

    def under_a_listener(self):
        """Options that start a process where no listener can be."""
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        self.addCleanup(os.close, read)
        return {"preexec_fn": lambda: listening_filter(read)}

    def test_every_number_gets_the_same_answer_with_and_without_a_listener(self):
        # What ends a process, or waits, or is a jump of the kernel's own probes.
        numbers = [n for n in range(0, 560) if n not in (15, 34, 58, 60, 231, 335, 336)]
        bad = -4096
        answers = {}
        for watched in (True, False):
            options = {} if watched else self.under_a_listener()
            cell = self.start(**options)
            answers[watched] = json.loads(cell.text("work", {"apart": numbers, "argument": bad},
                                                    timeout=60))
            cell.finish()
            start = self.newest_start()
            self.assertEqual(start["denials_watched"], watched)
            self.assertTrue(start["sealed"])
        differences = {n: (a, b) for n, a, b in zip(numbers, answers[True], answers[False]) if a != b}
        self.assertEqual(differences, {})
        self.assertGreater(answers[True].count(EPERM), 60)
        self.assertGreater(answers[True].count(ENOSYS), 60)
        end = sorted((r for r in self.records() if r["kind"] == "session-end"),
                     key=lambda r: r["time"])
        self.assertGreater(len(end[0]["denials"]), 150)
        self.assertIsNone(end[1]["denials"])
        self.assertEqual({d["session"] for d in self.denials()}, {end[0]["session"]})

    def test_where_there_can_be_no_listener_that_is_said_and_the_calls_are_refused(self):
        cell = self.start("--diagnose", **self.under_a_listener())
        self.assertEqual(self.make(cell, SYNC, PTRACE, MOUNT, CLONE3),
                         [ENOSYS, EPERM, EPERM, ENOSYS])
        cell.finish()
        # At level container any filter above ours is enough: its errors would come first.
        because = ("under a filter, whose errors come first" if LEVEL else
                   "under a filter that tells of calls: Device or resource busy")
        self.assertEqual(
            cell.stderr.decode(),
            "anchorhold: hint: system calls that are refused cannot be shown here: this program "
            f"itself runs {because}\n")
        records = self.records()
        self.assertIn(because, records[0]["denials_unwatched_because"])
        self.assertEqual(self.denials(), [])
        self.assertIsNone(records[-1]["denials"])

    def test_a_server_with_filters_of_its_own_is_not_watched(self):
        cell = self.start("--diagnose", profile=self.command(syscalls={"add": ["seccomp"]}))
        self.assertEqual(self.make(cell, SYNC, MOUNT), [ENOSYS, EPERM])
        cell.finish()
        self.assertIn(b"the profile lets the server load filters of its own", cell.stderr)
        self.assertFalse(self.records()[0]["denials_watched"])

    def test_a_flood_of_refused_calls_delays_nothing_else(self):
        cell = self.start()
        self.make(cell, threads=8, number=CHOWN)
        for _ in range(20):
            self.assertIn("result", cell.request("ping"))
        until(lambda: json.loads(cell.text("work", {"made": True}))[0] > 1000)
        # Another call is seen in the midst of it, with its tool.
        self.assertEqual(self.make(cell, SYNC, tool="other"), [ENOSYS])
        self.assertEqual(cell.finish(), 0)
        denials = self.denials()
        self.assertEqual([d["during"][0]["tool"] for d in denials if d["call"] == "sync"], ["other"])
        end = self.records()[-1]
        total = {d["call"]: d["count"] for d in end["denials"]}
        self.assertGreater(total["chown"], 100)
        # Few records, whatever came; what they count is no more than what was.
        self.assertLess(len(denials), 20)
        counted = sum(c["count"] for r in self.records() if r["kind"] == "counts"
                      for c in r["counts"] if c.get("call") == "chown")
        own = sum(1 for d in denials if d["call"] == "chown")
        self.assertEqual(counted + own, total["chown"])

    def test_a_signal_ends_a_session_in_the_midst_of_a_flood(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            with self.subTest(signal=number):
                cell = self.start()
                self.make(cell, threads=8, number=CHOWN)
                inside = descendants(cell.pid)
                cell.process.send_signal(number)
                self.assertEqual(cell.wait(), status)
                self.assertTrue(until(lambda: not any(map(alive, inside))))

    def test_a_monitor_that_is_killed_in_a_flood_leaves_nothing(self):
        cell = self.start()
        self.make(cell, threads=8, number=CHOWN)
        inside = descendants(cell.pid)
        self.assertGreater(len(inside), 2)
        cell.process.kill()
        cell.wait()
        self.assertTrue(until(lambda: not any(map(alive, inside))), inside)

    def test_a_server_that_is_stopped_or_killed_in_a_refused_call_holds_nothing_up(self):
        cell = self.start()
        self.make(cell, threads=8, number=CHOWN)
        server = [p for p in descendants(cell.pid) if status_of(p)["Name"].strip().startswith("python")]
        self.assertTrue(server)
        for pid in server:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)
        for pid in server:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(self.make(cell, SYNC), [ENOSYS])
        for pid in server:
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(cell.wait(), 137)

    def test_a_relay_that_is_stopped_or_killed_in_a_flood_does_not_hold_the_monitor(self):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            with self.subTest(signal=number):
                cell = self.start()
                [relay] = [p for p in descendants(cell.pid)
                           if status_of(p)["Name"].strip() == "anchor-relay"]
                inside = descendants(cell.pid)
                self.make(cell, threads=8, number=CHOWN)
                os.kill(relay, number)
                if number == signal.SIGSTOP:
                    time.sleep(1.5)
                    cell.process.send_signal(signal.SIGTERM)
                    self.assertEqual(cell.wait(), 143)
                else:
                    self.assertEqual(cell.wait(), 125)
                self.assertTrue(until(lambda: not any(map(alive, inside))), inside)
                start = self.newest_start()
                end = [r for r in self.records() if r["session"] == start["session"]][-1]
                self.assertEqual(end["kind"], "session-end")
                self.assertIn("chown", [d["call"] for d in end["denials"]])

    def test_a_server_with_signals_gets_its_errors_all_the_same(self):
        cell = self.start()
        answer = cell.text("work", {"timer": 0.0005, "number": SYNC, "times": 3000}, timeout=60)
        self.assertEqual(json.loads(answer), [ENOSYS])
        cell.finish()
        # Each was counted at least once; one that was made again counts again.
        [total] = self.records()[-1]["denials"]
        self.assertGreaterEqual(total["count"], 3000)

    def test_no_process_of_the_cell_holds_the_listener(self):
        if not ROOT:
            self.skipTest("only root can look into a process that is not dumpable")
        cell = self.start()
        self.make(cell, SYNC)
        held = {}
        for pid in [cell.pid, *descendants(cell.pid)]:
            links = []
            for entry in os.listdir(f"/proc/{pid}/fd"):
                try:
                    links.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
                except FileNotFoundError:
                    pass
            held[pid] = sum("seccomp" in link for link in links)
        # The control: the monitor's is found.
        self.assertEqual(held.pop(cell.pid), 1)
        self.assertGreaterEqual(len(held), 3)
        self.assertEqual(set(held.values()), {0})
        cell.finish()

    def test_a_kernel_without_killable_waits_tells_of_calls_as_well(self):
        need(self, os.path.exists("/usr/bin/strace"), "strace")
        trace = self.directory / "trace"
        # Init's second call asks for the listener, with a flag that kernels before 5.19 do not know.
        cell = self.peer(["strace", "-f", "-qq", "-e", "trace=seccomp", "-e",
                          "inject=seccomp:error=EINVAL:when=2", "-o", trace,
                          *command_line("run", self.command())])
        cell.initialize()
        self.assertEqual(self.make(cell, SYNC, PTRACE), [ENOSYS, EPERM])
        cell.finish()
        self.assertIn("(INJECTED)", trace.read_text())
        self.assertTrue(self.records()[0]["denials_watched"])
        self.assertEqual([d["call"] for d in self.denials()], ["sync", "ptrace"])

    def test_the_only_answer_is_the_error(self):
        if not ROOT:
            self.skipTest("strace of a monitor whose children change their ids needs root")
        need(self, os.path.exists("/usr/bin/strace"), "strace")
        trace = self.directory / "trace"
        cell = self.peer(["strace", "-qq", "-e", "trace=ioctl", "-o", trace,
                          *command_line("run", self.command())])
        cell.initialize()
        self.assertEqual(self.make(cell, SYNC, MOUNT, PTRACE), [ENOSYS, EPERM, EPERM])
        cell.finish()
        lines = [line for line in trace.read_text().splitlines() if "SECCOMP_IOCTL" in line]
        # No look at the caller's memory, no descriptor for it; no flag, no value, an error.
        self.assertEqual({line.split(", ")[1] for line in lines},
                         {"SECCOMP_IOCTL_NOTIF_RECV", "SECCOMP_IOCTL_NOTIF_SEND"}, lines)
        sent = [line for line in lines if "NOTIF_SEND" in line]
        self.assertEqual(len(sent), 3, lines)
        for line, error in zip(sent, (ENOSYS, EPERM, EPERM)):
            self.assertRegex(line, rf"val=0, error=-({error}|{errno.errorcode[error]}\b).*, flags=0}}")


if __name__ == "__main__":
    import unittest
    sys.exit(unittest.main())

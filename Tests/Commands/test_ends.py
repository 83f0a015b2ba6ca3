"""How a session ends, and that nothing of it is left."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

from harness import (LEVEL, PATIENCE, PROBE, SLOWNESS, Case, Closed, alive, command_line, compact,
                     descendants, need_of_root, processes, refused, server_pid, status_of, until)


def slower_than_its_children():
    """For `preexec_fn`: one processor for all, and what we fork is always ahead of us."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    os.sched_setscheduler(0, os.SCHED_IDLE | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def hearing():
    """For `preexec_fn`: a signal that our own caller ignores is not lost before we can say so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def signalled(pid, number=signal.SIGCONT):
    """Sends a signal to what may be gone by now."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def mounts(of):
    """The mounts that name something of `of`; others come and go with what else runs here."""
    return [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
            if str(of) in line]


class EndsOfASession(Case):
    def assertNothingLeft(self, pids):
        self.assertTrue(until(lambda: not any(alive(p) for p in pids), 5 * SLOWNESS),
                        [p for p in pids if alive(p)])
        for pid in pids:
            # What init adopted, init reaps, sooner or later; nothing of ours may wait for us.
            parent = processes().get(pid, (1,))[0]
            self.assertEqual(parent, 1, f"{pid} is a zombie below {parent}")

    def test_end_of_input_ends_the_server_and_its_status_is_ours(self):
        # A granted tree and a name of ours in every path: what is left is known by it.
        tree = self.shared_directory("tree")
        cell = self.session(write=[tree])
        below = descendants(cell.pid)
        self.assertGreaterEqual(len(below), 3)
        started = time.monotonic()
        self.assertEqual(cell.finish(), 0)
        self.assertLess(time.monotonic() - started, 2 * SLOWNESS)
        self.assertNothingLeft(below)
        self.assertEqual(mounts(self.directory), [])
        self.assertEqual(os.listdir(tree), [])

    def test_a_caller_that_ignores_and_blocks_every_signal_leaves_nothing_of_it(self):
        # By the raw call (rt_sigaction), because the C library refuses 32 and 33.
        library = ctypes.CDLL(None)
        ignore = (ctypes.c_uint64 * 4)(1, 0, 0, 0)

        def deaf():
            for number in range(1, 65):
                library.syscall(13, number, ignore, None, 8)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))

        peer = self.run_cell(preexec_fn=deaf)
        peer.initialize()
        status = status_of(server_pid(peer.pid))
        self.assertEqual([int(status[name], 16) for name in ("SigBlk", "SigIgn")], [0, 0])
        peer.process.send_signal(signal.SIGTERM)
        self.assertEqual(peer.wait(5 * SLOWNESS), 128 + signal.SIGTERM)

    def test_a_server_that_stays_after_end_of_input_is_ended_within_three_seconds(self):
        for behave in ["linger", "stubborn"]:
            with self.subTest(behave):
                direct = self.direct(PROBE, "serve", "--behave", behave)
                direct.initialize()
                direct.close_stdin()
                time.sleep(0.3)
                self.assertTrue(alive(direct.pid), "the control has to stay by itself")
                cell = self.session(PROBE, "serve", "--behave", behave)
                below = descendants(cell.pid)
                started = time.monotonic()
                status = cell.finish()
                took = time.monotonic() - started
                self.assertLess(took, 3.5 * SLOWNESS)
                self.assertGreater(took, 1.0, "no grace was given")
                self.assertEqual(status, 128 + (signal.SIGTERM if behave == "linger"
                                                else signal.SIGKILL))
                self.assertNothingLeft(below)

    def test_a_client_that_leaves_while_its_server_reads_nothing_is_noticed(self):
        for size in [10, 300_000]:
            with self.subTest(size):
                cell = self.session()
                cell.send({"jsonrpc": "2.0", "id": 100, "method": "tools/call", "params": {
                    "name": "slow", "arguments": {"ms": 25_000}}})
                for identifier in [200, 201]:
                    cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                               "params": {"name": "echo", "arguments": {"x": "a" * size}}})
                below = descendants(cell.pid)
                started = time.monotonic()
                cell.close_stdin()
                cell.wait(8 * SLOWNESS)
                self.assertLess(time.monotonic() - started, 3.5 * SLOWNESS)
                self.assertNothingLeft(below)

    def test_output_that_nobody_takes_does_not_hold_the_end_up(self):
        for how, bound in [("signal", 1.5), ("close", 3.5)]:
            with self.subTest(how):
                # This client reads the first answer and then no more.
                process = subprocess.Popen(
                    command_line("run", self.profile()), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
                self.addCleanup(process.stdout.close)
                self.addCleanup(process.wait, 10)
                self.addCleanup(process.kill)
                for identifier, tool, arguments in [
                        (1, "echo", {}), (2, "big", {"size": 900_000}), (3, "exit", {})]:
                    process.stdin.write(compact({
                        "jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                        "params": {"name": tool, "arguments": arguments}}) + b"\n")
                process.stdin.flush()
                self.assertIn(b'"id":1', process.stdout.readline())
                self.assertTrue(until(lambda: not any(
                    processes().get(p, (0, ""))[1] == "probe"
                    for p in descendants(process.pid)), 10))
                below = descendants(process.pid)
                started = time.monotonic()
                if how == "signal":
                    process.send_signal(signal.SIGTERM)
                process.stdin.close()
                process.wait(10 * SLOWNESS)
                self.assertLess(time.monotonic() - started, bound * SLOWNESS)
                self.assertNothingLeft(below)
                last = self.record_files()[-1].read_bytes().splitlines()
                self.assertNotIn(b"", last)
                self.assertEqual(json.loads(last[-1])["kind"], "session-end")

    def test_a_relay_that_is_stopped_cannot_keep_the_session(self):
        # It stands for one that an attacker took over and that does not end by itself.
        cell = self.session()
        below = descendants(cell.pid)
        relay = [p for p in below if processes()[p][1] == "anchor-relay"]
        self.assertEqual(len(relay), 1)
        os.kill(relay[0], signal.SIGSTOP)
        os.kill(cell.pid, signal.SIGTERM)
        started = time.monotonic()
        self.assertEqual(cell.wait(5 * SLOWNESS), 128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - started, 1.5 * SLOWNESS)
        self.assertNothingLeft(below)
        end = self.records()[-1]
        self.assertEqual((end["kind"], end["counters"], end["seq"]), ("session-end", None, -1))

    def test_a_signal_ends_the_session_within_a_second(self):
        for number in [signal.SIGTERM, signal.SIGINT]:
            for behave in ["", "stubborn"]:
                with self.subTest(signal=number, behave=behave):
                    cell = self.session(PROBE, "serve", "--behave", behave or "none")
                    below = descendants(cell.pid)
                    started = time.monotonic()
                    os.kill(cell.pid, number)
                    status = cell.wait(5 * SLOWNESS)
                    self.assertLess(time.monotonic() - started, 1.5 * SLOWNESS)
                    # What did not end by itself in time was ended.
                    self.assertEqual(status, 137 if behave else 128 + number)
                    self.assertNothingLeft(below)

    def test_a_trial_that_is_killed_is_nothing_to_the_session_that_follows(self):
        # As clients do that find out with a first process which era a server speaks.
        profile = self.profile()
        below = []
        for method in ["server/discover", "initialize"]:
            trial = self.run_cell(profile)
            trial.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "trial", "version": "1"}}})
            if method == "initialize":
                trial.answer(1)
            below += descendants(trial.pid)
            cell = self.run_cell(profile)
            trial.process.kill()
            cell.initialize()
            self.assertEqual(cell.text("echo", {}), "{}")
            self.assertEqual(cell.finish(), 0)
            trial.wait()
        self.assertNothingLeft(below)

    def marked(self):
        """A profile whose name is in the command line of every process of its sessions."""
        return self.profile(PROBE, "serve", "--behave", self.name)

    def survivors(self):
        """The processes of this test's sessions that still run."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and alive(int(entry)) and self.name.encode() in \
                        pathlib.Path(f"/proc/{entry}/cmdline").read_bytes():
                    found.append(int(entry))
            except OSError:
                continue
        return found

    def assertEndsBySignal(self, cell, number=signal.SIGTERM, idles=False):
        """`idles`: it runs only when nobody else wants its processor, so how soon is others' affair."""
        started = time.monotonic()
        os.kill(cell.pid, number)
        self.assertEqual(cell.wait(PATIENCE if idles else 5 * SLOWNESS), 128 + number, cell.stderr)
        self.assertTrue(until(lambda: not self.survivors(), PATIENCE if idles else SLOWNESS),
                        self.survivors())
        if not idles:
            self.assertLess(time.monotonic() - started, 1.5 * SLOWNESS)

    def test_a_signal_at_any_moment_of_the_start_ends_everything(self):
        profile = self.marked()
        # The control: all four processes of a session that started bear the name.
        cell = self.run_cell(profile)
        cell.initialize()
        self.assertGreaterEqual(len(self.survivors()), 4)
        cell.end()
        for attempt in range(80):
            slow = attempt % 4 == 3
            cell = self.run_cell(profile, preexec_fn=lambda slow=slow: (
                hearing(), slow and slower_than_its_children()))
            time.sleep((attempt // 4) * (0.002 if slow else 0.0005) * SLOWNESS)
            with self.subTest(attempt=attempt):
                self.assertEndsBySignal(cell, [signal.SIGTERM, signal.SIGINT][attempt % 2],
                                        idles=slow)
            cell.end()

    def test_a_start_that_hangs_hears_a_signal(self):
        profile = self.marked()
        caught = unaided = 0
        for attempt in range(200):
            before = len(self.records())
            cell = self.run_cell(profile)
            path = f"/proc/{cell.pid}/task/{cell.pid}/children"
            children = until(lambda: pathlib.Path(path).read_text().split(), 5 * SLOWNESS,
                             every=0)
            time.sleep(attempt % 10 * 0.0003 * SLOWNESS)
            # Stage, init or relay, whichever is the newest child: the monitor waits for each of them.
            # For a keeper it does not, once that has made what it keeps.
            children = pathlib.Path(path).read_text().split() or children
            newest = int(children[-1])
            signalled(newest, signal.SIGSTOP)
            if processes().get(newest, ("", ""))[1] == "anchor-keeper":
                signalled(newest)
                cell.end()
                continue
            time.sleep(0.05 * SLOWNESS)
            if len(self.records()) > before:
                cell.end()
                continue
            self.assertTrue(alive(cell.pid), "the control has to hang")
            os.kill(cell.pid, signal.SIGTERM)
            self.assertEqual(cell.wait(SLOWNESS), 128 + signal.SIGTERM)
            caught += 1
            # One that was stopped before it could arm its signal sees our end when it goes on.
            unaided += bool(until(lambda: not self.survivors(), 0.3 * SLOWNESS))
            for pid in self.survivors():
                signalled(pid)
            self.assertTrue(until(lambda: not self.survivors(), SLOWNESS), self.survivors())
            if caught == 20:
                break
        self.assertEqual(caught, 20)
        if not LEVEL:
            # Init there has to end the others first, and one that is stopped takes no signal.
            self.assertGreater(unaided, 3)

    def test_a_server_that_hides_does_not_keep_a_signal_from_being_heard(self):
        profile = self.profile(PROBE, "serve", "--behave", "headless", "--log", f"/{self.name}")

        def hides(cell):
            table = processes()
            return any(table[pid][1:] == ("probe", "Z")
                       for pid in descendants(cell.pid) if pid in table)

        for _ in range(10):
            before = len(self.records())
            cell = self.run_cell(profile, preexec_fn=slower_than_its_children)
            until(lambda cell=cell: hides(cell) or not alive(cell.pid))
            # Shorter than the wait for the end of such a server.
            time.sleep(0.7)
            if alive(cell.pid) and len(self.records()) == before:
                self.assertEndsBySignal(cell, idles=True)
                return
            cell.end()
        self.fail("the read-back never met a process without memory")

    def test_killing_us_takes_every_process_of_the_session_along(self):
        granted = self.shared_directory("granted")
        beat = granted / "heartbeat"
        cell = self.session(write=[granted])
        self.assertEqual(cell.text("daemon", {"path": str(beat)}), "started")
        self.assertTrue(until(lambda: beat.stat().st_size > 2), "the heartbeat has to beat first")
        below = descendants(cell.pid)
        os.kill(cell.pid, signal.SIGKILL)
        cell.wait(5 * SLOWNESS)
        self.assertNothingLeft(below)
        time.sleep(0.2)
        size = beat.stat().st_size
        time.sleep(0.4)
        self.assertEqual(beat.stat().st_size, size, "something still writes")

    def test_the_daemon_of_that_test_outlives_a_server_outside(self):
        granted = self.shared_directory("granted")
        beat = granted / "heartbeat"
        direct = self.direct()
        direct.text("daemon", {"path": str(beat)})
        until(lambda: beat.stat().st_size > 2)
        before = {p for p in os.listdir("/proc") if p.isdigit()}
        direct.end()
        size = beat.stat().st_size
        self.assertTrue(until(lambda: beat.stat().st_size > size, 3 * SLOWNESS))
        for pid in before:
            try:
                if os.readlink(f"/proc/{pid}/exe") == PROBE and \
                        any(os.path.realpath(f"/proc/{pid}/fd/{f}") == str(beat)
                            for f in os.listdir(f"/proc/{pid}/fd")):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                continue

    def test_a_daemon_that_keeps_our_pipes_open_does_not_keep_the_session(self):
        granted = self.shared_directory("granted")
        cell = self.session(write=[granted])
        cell.text("daemon", {"path": str(granted / "beat"), "keep": 1})
        below = descendants(cell.pid)
        started = time.monotonic()
        cell.finish()
        self.assertLess(time.monotonic() - started, 4 * SLOWNESS)
        self.assertNothingLeft(below)

    def test_killing_any_one_of_our_processes_ends_the_whole_session(self):
        granted = self.shared_directory("granted")
        # Of the second sort there is one process more: places of protected names have to be kept.
        for options in [{}, {"write": [granted]}]:
            cell = self.session(**options)
            count = len(descendants(cell.pid))
            cell.finish()
            for index in range(count):
                cell = self.session(**options)
                below = sorted(descendants(cell.pid))
                with self.subTest(processes()[below[index]][1], **options):
                    os.kill(below[index], signal.SIGKILL)
                    cell.wait(5 * SLOWNESS)
                    self.assertNothingLeft(below)
                    self.assertEqual(os.listdir(granted), [])

    def test_a_keeper_that_is_killed_is_the_end_and_said_to_be(self):
        granted = self.shared_directory("granted")
        cell = self.session(write=[granted], limits={"cgroup": "off"})
        below = descendants(cell.pid)
        kept = pathlib.Path(self.temporary(cell)) if LEVEL else granted / ".git"
        self.assertTrue(kept.is_dir(), "the control: it keeps something")
        keeper = server_pid(cell.pid, name="anchor-keeper")
        os.kill(keeper, signal.SIGKILL)
        self.assertEqual(cell.wait(5 * SLOWNESS), 125)
        self.assertNothingLeft(below)
        self.assertFalse(kept.exists())
        self.assertEqual(os.listdir(granted), [])
        end = self.records()[-1]
        self.assertEqual((end["kind"], end["reason"], end["sent"]),
                         ("session-end", "keeper-failed", [signal.SIGKILL]))
        for reader in cell.readers:
            reader.join(PATIENCE)
        self.assertIn(b"error: the keeper of what is outside of the cell was ended", cell.stderr)


class Statuses(Case):
    def test_the_status_is_the_servers_own(self):
        for status in [0, 1, 3, 77]:
            with self.subTest(status):
                cell = self.session()
                cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call",
                           "params": {"name": "exit", "arguments": {"status": status}}})
                self.assertEqual(cell.wait(), status)
                self.assertTrue(refused(cell.answer(99)))

    def test_a_server_that_dies_of_a_signal_gives_128_and_the_signal(self):
        for number in [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM]:
            with self.subTest(number):
                cell = self.session()
                cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call",
                           "params": {"name": "die", "arguments": {"signal": int(number)}}})
                self.assertEqual(cell.wait(), 128 + number)

    def test_a_server_that_dies_at_once_gives_its_status(self):
        cell = self.run_cell(self.profile(PROBE, "serve", "--behave", "die"))
        self.assertEqual(cell.wait(), 3)

    def test_a_command_that_is_not_there_gives_127_and_says_where_it_was_looked_for(self):
        done = self.anchorhold("run", self.profile("no-such-server-anywhere"))
        self.assertEqual(done.returncode, 127, done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"anchorhold: error: ", done.stderr)
        self.assertIn(b"no-such-server-anywhere", done.stderr)
        self.assertIn(b"/usr/bin", done.stderr)
        done = self.anchorhold("run", "--", "no-such-server-anywhere")
        self.assertEqual(done.returncode, 127, done.stderr)

    def test_a_command_that_cannot_be_executed_gives_126(self):
        plain = self.directory / "server"
        plain.write_text("not a program\n")
        done = self.anchorhold("run", self.profile(str(plain)))
        self.assertEqual(done.returncode, 126, done.stderr)
        self.assertIn(b"anchorhold: error: ", done.stderr)
        plain.chmod(0o755)
        done = self.anchorhold("run", self.profile(str(plain)))
        self.assertEqual(done.returncode, 126, done.stderr)
        directory = self.directory / "folder"
        directory.mkdir()
        self.assertEqual(self.anchorhold("run", self.profile(str(directory))).returncode, 126)

    def test_a_closed_standard_stream_is_refused_and_nothing_of_ours_takes_its_place(self):
        profile = self.profile()
        for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"]:
            done = subprocess.run(
                ["sh", "-c", f'exec "$@" {closed}', "sh", *command_line("run", profile)],
                env=self.environment, capture_output=True, input=b"", timeout=PATIENCE)
            self.assertEqual(done.returncode, 125, closed)
            self.assertEqual(done.stdout, b"", closed)
            if "2>" not in closed:
                self.assertIn(b"anchorhold: error: cannot use standard ", done.stderr, closed)
        # The control: the same with all three open.
        done = subprocess.run(["sh", "-c", 'exec "$@"', "sh", *command_line("run", profile)],
                              env=self.environment, capture_output=True, input=b"",
                              timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_a_command_whose_interpreter_is_not_in_the_cell_gives_126_and_says_so(self):
        script = self.shared_directory("scripts") / "script"
        script.write_text("#!/bin/sh\nexit 0\n")
        script.chmod(0o755)
        profile = self.profile(str(script), extends="none")
        done = self.anchorhold("run", profile)
        self.assertEqual(done.returncode, 126, done.stderr)
        self.assertIn(b"extends: auto", done.stderr)
        # The control: what the hint says.
        done = self.anchorhold("run", self.profile(str(script), extends="auto"))
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_a_preset_brings_what_the_documentation_says(self):
        for preset, command, status in [("none", "/bin/true", 0), ("auto", "/bin/true", 0),
                                        ("static", "/bin/true", 0), ("static", PROBE, 0),
                                        ("static", "/usr/bin/ldd", 126), ("none", PROBE, 0)]:
            done = self.anchorhold("run", self.profile(command, extends=preset))
            self.assertEqual(done.returncode, status, (preset, done))

    def test_a_server_that_ends_at_once_ends_the_session_with_its_status(self):
        # Many times, because it may end at any moment of the second look.
        profile = self.profile(PROBE, "serve", "--behave", "die")
        for attempt in range(40):
            done = self.anchorhold("run", profile,
                                   preexec_fn=slower_than_its_children if attempt % 2 else None)
            self.assertEqual((done.returncode, done.stderr), (3, b""))

    def test_a_server_that_replaces_a_standard_stream_at_once_is_served(self):
        need_of_root(self, 19)
        # Many times, because it may do so at any moment of the second look.
        for attempt in range(40):
            word = f"{['null', 'pipe', 'pair'][attempt // 2 % 3]}:{attempt // 6 % 3}"
            with self.subTest(word, attempt=attempt):
                cell = self.run_cell(
                    self.profile(PROBE, "serve", "--behave", word),
                    preexec_fn=slower_than_its_children if attempt % 2 else None)
                self.assertEqual(cell.initialize()["serverInfo"]["name"], "probe")
                # It did what it was told: the stream is no longer ours.
                seen = os.readlink(f"/proc/{server_pid(cell.pid)}/fd/{word[-1]}")
                self.assertRegex(seen, {"null": "^/dev/null$", "pipe": r"^pipe:",
                                        "pair": r"^socket:"}[word[:4]])
                self.assertEqual((cell.finish(), cell.stderr), (0, b""))

    def test_a_server_that_hides_behind_a_first_thread_that_ended_is_refused(self):
        # The control: the same server with its first thread.
        self.assertEqual(self.run_cell(self.profile(), preexec_fn=slower_than_its_children).finish(), 0)
        profile = self.profile(PROBE, "serve", "--behave", "headless")
        found = []
        for _ in range(5):
            cell = self.run_cell(profile, preexec_fn=slower_than_its_children)
            until(lambda: not alive(cell.pid) or self.records())
            below = descendants(cell.pid)
            cell.close_stdin()
            found.append(cell.wait())
            self.assertTrue(until(lambda: not any(alive(p) for p in below), 5 * SLOWNESS))
            if found[-1] == 125:
                self.assertIn(b"hides from the read-back", cell.stderr)
                return
        self.fail(f"the read-back never met a process without memory: {found}")

    def test_requests_in_flight_are_answered_when_the_server_dies(self):
        cell = self.session()
        for identifier in ["a", 7]:
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": "never", "arguments": {}}})
        cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call",
                   "params": {"name": "exit", "arguments": {"status": 5}}})
        for identifier in ["a", 7, 99]:
            self.assertTrue(refused(cell.answer(identifier)))
        self.assertEqual(cell.wait(), 5)

    def test_half_a_line_before_the_end_never_reaches_the_client(self):
        cell = self.session()
        half = b'{"jsonrpc":"2.0","id":99,"result":{"content":[]}}'
        cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {
            "name": "raw", "arguments": {"hex": half.hex(), "then": "exit", "status": 4}}})
        self.assertTrue(refused(cell.answer(99)))
        self.assertEqual(cell.wait(), 4)
        with self.assertRaises(Closed):
            cell.line(2)

"""Floods: a server that takes all that it gets. The host works on, the record says why it ended.

Each flood of the probe has a bound of its own, so that a limit that does not hold hurts nobody.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

from harness import (SLOWNESS, Case, Closed, alive, command_line, compact, descendants, level_full,
                     processes, status_of, until)

MESSAGE = 1 << 20
# What monitor and relay may hold of messages of that size, beyond what they hold at rest: each
# direction a line that is read, its decoded form and what waits, in storage that doubles.
BOUND = 24 << 20


class Floods(Case):
    def limits(self, **more):
        return {"memory": "64MiB", "processes": 32, "open_files": 64, "file_size": "8MiB", **more}

    def flooded(self, server=(), **limits):
        """A session with narrow limits, and one beside it that has to go on."""
        self.granted = getattr(self, "granted", None) or self.shared_directory("granted")
        profile = self.profile(*server, write=[self.granted], limits=self.limits(**limits),
                               messages={"max_size": MESSAGE})
        self.beside = self.run_cell(profile)
        self.beside.initialize()
        cell = self.run_cell(profile)
        cell.initialize()
        self.below = [cell.pid, *descendants(cell.pid)]
        # Each session's record is found by its own file.
        self.record_of = max(self.record_files(), key=lambda p: p.stat().st_mtime_ns)
        self.ours = [cell.pid] + [p for p in self.below
                                  if processes().get(p, (0, ""))[1] == "anchor-relay"]
        self.rest = self.peak()
        return cell

    def peak(self):
        """The largest resident sets that monitor and relay had so far, in bytes."""
        return sum(int(status_of(pid)["VmHWM"].split()[0]) << 10 for pid in self.ours)

    def drown(self, cell, how, most, place="/tmp/flood", **more):
        answer = cell.text("drown", {"how": how, "most": most, "place": str(place), **more},
                           timeout=60)
        return json.loads(answer)

    def assertHostWorks(self):
        self.assertEqual(subprocess.run(["/bin/true"], timeout=10).returncode, 0)
        self.assertEqual(self.beside.text("echo", {"beside": 1}), '{"beside":1}')

    def assertBounded(self):
        self.assertLess(self.peak() - self.rest, BOUND)

    def assertSurvives(self, cell):
        """The session goes on after its flood, and ends in order with nothing left."""
        self.assertEqual(cell.text("echo", {"after": 1}), '{"after":1}')
        self.assertHostWorks()
        self.assertBounded()
        self.assertEqual(cell.finish(), 0)
        self.assertGone()
        end = self.end()
        # The server may be gone before the relay has said that the client closed.
        self.assertIn(end["reason"], ("client-closed", "server-ended"))
        self.assertEqual((end["status"], end["limit"], end["sent"]), (0, None, []))
        return end

    def assertGone(self):
        self.assertTrue(until(lambda: not any(alive(p) for p in self.below), 10),
                        [p for p in self.below if alive(p)])
        self.beside.finish()
        # What others mount on this machine meanwhile is none of ours.
        self.assertNotIn(str(self.directory), pathlib.Path("/proc/self/mountinfo").read_text())

    def end(self):
        return json.loads(self.record_of.read_bytes().splitlines()[-1])

    def outside(self, how, most, place="/tmp/anchorhold-flood", **more):
        """The positive control: the same flood by the same program without a cell."""
        peer = self.direct()
        return json.loads(peer.text("drown", {"how": how, "most": most, "place": str(place), **more},
                                    timeout=60))

    def test_floods_that_a_limit_stops(self):
        for how, most, error, least, bound in [
                ("processes", 120, "EAGAIN", 10, 40), ("threads", 120, "EAGAIN", 10, 40),
                ("heap", 128, "ENOMEM", 20, 64), ("file", 16, "EFBIG", 7, 8),
                ("descriptors", 200, "EMFILE", 40, 64), ("pipes", 200, "EMFILE", 20, 32)]:
            with self.subTest(how):
                free = self.outside(how, most)
                self.assertEqual((free["made"], free["errno"]), (most, ""), "the control")
                cell = self.flooded()
                place = self.granted / "flood" if how == "file" else "/tmp/flood"
                found = self.drown(cell, how, most, place)
                self.assertEqual(found["errno"], error)
                self.assertGreaterEqual(found["made"], least)
                self.assertLessEqual(found["made"], bound)
                self.assertSurvives(cell)

    @level_full("temporary")
    def test_floods_of_temporary_space_end_where_it_is_full(self):
        for how, most, bound in [("file", 300, 256), ("files", 20_000, 16_384)]:
            for place in ["/tmp/flood", "/dev/shm/flood", "/home/server/flood"]:
                with self.subTest(how, place=place):
                    cell = self.flooded(file_size="1GiB")
                    found = self.drown(cell, how, most, place if how == "file" else
                                       os.path.dirname(place))
                    self.assertEqual(found["errno"], "ENOSPC")
                    self.assertLessEqual(found["made"], bound)
                    self.assertGreater(found["made"], bound * 0.9)
                    self.assertSurvives(cell)

    def test_descriptors_in_flight_are_limited_like_open_ones(self):
        # The kernel counts those of a user in flight, and gives ETOOMANYREFS beyond its limit of
        # open files; root of the host has no such bound, so the control is the same server's own.
        cell = self.flooded()
        found = self.drown(cell, "in-flight", 5000)
        self.assertIn(found["errno"], ("ETOOMANYREFS", "EMFILE", "EAGAIN"))
        self.assertLess(found["made"], 300)
        self.assertSurvives(cell)
        wide = self.flooded(open_files=1024)
        self.assertGreater(self.drown(wide, "in-flight", 5000)["made"], found["made"])
        self.assertSurvives(wide)

    def test_memory_that_no_process_owns_is_what_the_documentation_says(self):
        # Without a control group only a file's size and the number of open files bound it: see
        # docs/profile.md. It is gone with who made it, and reaches nobody else.
        for how in ["shared", "memory-files"]:
            with self.subTest(how):
                cell = self.flooded()
                found = self.drown(cell, how, 96)
                self.assertTrue(found["finished"])
                self.assertSurvives(cell)

    def test_floods_of_signals_reach_nobody_else(self):
        for how, most in [("signals-to-self", 100_000), ("signals-to-init", 100_000)]:
            with self.subTest(how):
                cell = self.flooded()
                found = self.drown(cell, how, most)
                self.assertTrue(found["finished"])
                self.assertSurvives(cell)

    @level_full("processes")
    def test_what_init_forwards_is_the_servers_own_end(self):
        cell = self.flooded()
        try:
            self.drown(cell, "kill-init", 1000)
        except (Closed, AssertionError, KeyError):
            # Init may be faster than the answer.
            pass
        self.assertEqual(cell.wait(), 128 + signal.SIGUSR1)
        self.assertHostWorks()
        self.assertGone()
        end = self.end()
        self.assertEqual((end["reason"], end["signal"], end["sent"]),
                         ("server-ended", signal.SIGUSR1, []))
        self.assertEqual(end["explanation"], "anchorhold did not send this signal")

    def test_the_record_names_a_limit_whose_signal_ended_the_server(self):
        for how, limits, name, number in [
                ("processor", {"cpu_time": "1s"}, "cpu_time", signal.SIGXCPU),
                ("file", {"file_size": "1MiB"}, "file_size", signal.SIGXFSZ)]:
            with self.subTest(how):
                cell = self.flooded(**limits)
                cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {
                    "name": "drown", "arguments": {
                        "how": how, "most": 64, "place": str(self.granted / "flood"), "here": 1,
                        "careless": 1}}})
                self.assertEqual(cell.wait(), 128 + number)
                for reader in cell.readers:
                    reader.join(10)
                self.assertIn(f"anchorhold: error: the server was ended at limits.{name}\n".encode(),
                              cell.stderr)
                self.assertHostWorks()
                self.assertGone()
                end = self.end()
                self.assertEqual((end["reason"], end["signal"], end["limit"], end["sent"]),
                                 ("server-ended", number, name, []))
                self.assertEqual(end["explanation"],
                                 f"the kernel sends this signal at limits.{name}")

    def test_a_limit_of_processor_time_that_is_ignored_kills_and_only_that_is_said(self):
        cell = self.flooded(cpu_time="1s")
        cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {
            "name": "drown", "arguments": {"how": "deaf-processor", "most": 1, "here": 1}}})
        self.assertEqual(cell.wait(), 128 + signal.SIGKILL)
        self.assertGone()
        end = self.end()
        self.assertEqual((end["signal"], end["limit"], end["sent"]), (signal.SIGKILL, None, []))
        self.assertIn("anchorhold did not send this signal", end["explanation"])

    def test_what_a_server_pours_out_is_bounded_outside(self):
        for what in ["line", "lines", "requests", "empty", "garbage"]:
            for to in [1, 2]:
                with self.subTest(what, to=to):
                    cell = self.flooded()
                    cell.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {
                        "name": "pour", "arguments": {"what": what, "to": to}}})
                    end = time.monotonic() + 2
                    while time.monotonic() < end:
                        self.assertHostWorks()
                        time.sleep(0.1)
                    self.assertBounded()
                    cell.process.send_signal(signal.SIGTERM)
                    self.assertEqual(cell.wait(5 * SLOWNESS), 128 + signal.SIGTERM)
                    self.assertGone()
                    record = self.end()
                    self.assertEqual((record["reason"], record["sent"][:1]),
                                     ("signal", [signal.SIGTERM]))
                    # A flood of output is not a flood of records.
                    self.assertLess(self.record_of.stat().st_size, 4 << 20)
                    counted = record["counters"]
                    if counted is None:
                        # It was at a read full of lines when its time was over.
                        self.assertEqual(record["relay"]["outcome"], "late")
                        continue
                    self.assertGreater(counted["drops"] + counted["refusals"] +
                                       counted["stderr_bytes"] + counted["bytes_to_client"] +
                                       counted["bytes_to_server"], 0)

    def test_a_client_that_does_not_read_bounds_its_server_and_us(self):
        self.granted = self.shared_directory("granted")
        profile = self.profile(limits=self.limits(), messages={"max_size": MESSAGE})
        for arguments in [{"what": "lines"}, {"what": "requests"}]:
            process = subprocess.Popen(
                command_line("run", profile), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.stdin.close)
            self.addCleanup(process.wait, 10)
            self.addCleanup(process.kill)
            for identifier, name, more in [(1, "echo", {}), (2, "pour", arguments)]:
                process.stdin.write(compact({
                    "jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                    "params": {"name": name, "arguments": more}}) + b"\n")
                process.stdin.flush()
            self.assertIn(b'"id":1', process.stdout.readline())
            self.below = [process.pid, *descendants(process.pid)]
            self.ours = [process.pid] + [p for p in self.below
                                         if processes().get(p, (0, ""))[1] == "anchor-relay"]
            self.rest = self.peak()
            time.sleep(2)
            self.assertBounded()
            process.send_signal(signal.SIGTERM)
            process.wait(5 * SLOWNESS)
            self.assertTrue(until(lambda: not any(alive(p) for p in self.below), 10))

    def test_floods_of_a_client_are_bounded(self):
        call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "never"}}
        floods = {
            "requests": b"".join(compact({**call, "id": n}) + b"\n" for n in range(20_000)),
            "notifications": b"".join(
                compact({"jsonrpc": "2.0", "method": "notifications/cancelled",
                         "params": {"requestId": n}}) + b"\n" for n in range(50_000)),
            "garbage": b"\xff{[\r\n" * 400_000,
            "one line": b"a" * (16 << 20),
            "large calls": b"".join(compact({
                "jsonrpc": "2.0", "id": n, "method": "tools/call",
                "params": {"name": "echo", "arguments": {"x": "a" * 900_000}}}) + b"\n"
                for n in range(24)),
        }
        for name, flood in floods.items():
            with self.subTest(name):
                cell = self.flooded()
                cell.send_raw(flood)
                self.assertHostWorks()
                self.assertBounded()
                cell.process.send_signal(signal.SIGTERM)
                cell.wait(5 * SLOWNESS)
                self.assertGone()
                self.assertEqual(self.end()["reason"], "signal")

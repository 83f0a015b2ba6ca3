"""What a control group adds: limits of a whole session, where the caller has one.

Only with ANCHORHOLD_CGROUPS=1, which Tests/Kernels sets in its machine: root's groups are set aside
below the top, an ordinary user's are beside the one that the tests run in.
"""

import json
import os
import pathlib
import random
import signal
import time
import unittest

from harness import GROUPS, PATIENCE, ROOT, Case, alive, descendants, server_pid, until

TOP = pathlib.Path("/sys/fs/cgroup")
PARENT = TOP / ("anchorhold" if ROOT else "user")


def groups():
    return {path.name for path in PARENT.glob("anchorhold-*")}


def group_of(pid):
    return pathlib.Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")


class InAGroup(Case):
    def setUp(self):
        if not GROUPS:
            self.skipTest("control groups of version 2: ANCHORHOLD_CGROUPS=1")
        super().setUp()

    def end_record(self):
        """The last record of the session that ended last."""
        last = max(self.record_files(), key=lambda path: path.stat().st_mtime_ns)
        return json.loads(last.read_bytes().splitlines()[-1])

    def test_server_and_init_are_in_a_group_of_their_own_and_nobody_else_of_ours(self):
        before = groups()
        cell = self.session(limits={"memory": "64MiB", "processes": 20, "cpu": 0.5})
        server = server_pid(cell.pid)
        own = group_of(server)
        self.assertRegex(own, rf"^/{PARENT.name}/anchorhold-[0-9a-f]{{16}}$")
        inside = set(map(int, (TOP / own[1:] / "cgroup.procs").read_text().split()))
        self.assertEqual(len(inside), 2)
        self.assertIn(server, inside)
        outside = {cell.pid, *descendants(cell.pid)} - inside
        names = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in outside}
        self.assertEqual(names, {"anchorhold", "anchor-relay", "anchor-keeper"})
        for pid in outside:
            self.assertEqual(group_of(pid), group_of(os.getpid()))
        found = {name: (TOP / own[1:] / name).read_text().strip() for name in [
            "memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"]}
        self.assertEqual(found, {
            "memory.max": str(64 << 20), "memory.swap.max": "0", "memory.oom.group": "1",
            "pids.max": "21", "cpu.max": "50000 100000"})
        self.assertEqual(cell.attempt("group-path")["outcome"], "refused")
        self.assertEqual(self.outside("group-path")["group-path"]["outcome"], "done")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual(groups(), before)
        start = self.records()[0]
        seal = {check["name"]: check for check in start["seal"]}
        self.assertTrue(all(check["ok"] for check in seal.values()))
        for name in ["init.control_group", "server.control_group", "executed.control_group"]:
            self.assertEqual(seal[name]["observed"], own)
        holders = {limit["name"]: limit["holder"] for limit in start["limits"]}
        self.assertIn("(control group)", holders["memory"])
        self.assertEqual(self.end_record()["control_group"]["memory_kills"], 0)

    def test_memory_of_all_processes_together_ends_the_session_and_the_record_says_so(self):
        before = groups()
        # The control: outside, and with more of it.
        self.assertEqual(self.outside("together:4:40")["together:4:40"]["outcome"], "done")
        enough = self.session(limits={"memory": "256MiB"})
        self.assertEqual(enough.attempt("together:4:40")["outcome"], "done")
        self.assertEqual(enough.finish(), 0)
        self.assertNotEqual(self.end_record()["reason"], "memory-limit")
        cell = self.session(limits={"memory": "64MiB"})
        cell.send({"jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": {
            "name": "attempt", "arguments": {"name": "together:4:40"}}})
        self.assertEqual(cell.wait(), 128 + signal.SIGKILL)
        end = self.end_record()
        self.assertEqual(end["reason"], "memory-limit")
        self.assertGreater(end["control_group"]["memory_kills"], 0)
        for reader in cell.readers:
            reader.join(PATIENCE)
        self.assertIn(b"more memory than limits.memory", cell.stderr)
        self.assertTrue(until(lambda: groups() == before), groups())

    def test_temporary_space_counts_as_memory(self):
        cell = self.session(limits={"memory": "64MiB"})
        cell.send({"jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": {
            "name": "attempt", "arguments": {"name": "file-size:/tmp/file:100"}}})
        self.assertEqual(cell.wait(), 128 + signal.SIGKILL)
        self.assertEqual(self.end_record()["reason"], "memory-limit")
        cell = self.session(limits={"memory": "256MiB"})
        self.assertEqual(cell.attempt("file-size:/tmp/file:100")["outcome"], "done")

    def test_processes_of_all_together_are_refused_and_counted(self):
        self.assertEqual(self.outside("processes:40")["processes:40"]["outcome"], "done")
        cell = self.session(limits={"processes": 20})
        answer = cell.attempt("processes:40")
        self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EAGAIN"))
        self.assertLess(int(answer["detail"]), 20)
        # The session lives on.
        self.assertEqual(cell.attempt("processes:4")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)
        end = self.end_record()
        self.assertNotEqual(end["reason"], "memory-limit")
        self.assertGreater(end["control_group"]["processes_refused"], 0)

    def test_nothing_is_left_however_the_monitor_ends(self):
        before = groups()
        seen = 0
        profile = self.profile()
        for attempt in range(30):
            cell = self.run_cell(profile)
            if attempt % 3 == 0:
                cell.initialize()
                seen += len(groups() - before)
            else:
                time.sleep(random.uniform(0, 0.5))
            below = descendants(cell.pid)
            os.kill(cell.pid, [signal.SIGKILL, signal.SIGTERM][attempt % 2])
            cell.wait()
            self.assertTrue(until(lambda: groups() == before), groups() - before)
            self.assertTrue(until(lambda below=below: not any(map(alive, below))))
            cell.end()
        self.assertEqual(seen, 10, "the control: there was one while it lasted")

    def test_a_keeper_that_is_killed_is_the_end_and_leaves_nothing(self):
        before = groups()
        cell = self.session()
        self.assertNotEqual(groups(), before, "the control: there is one")
        keeper = server_pid(cell.pid, name="anchor-keeper")
        os.kill(keeper, signal.SIGKILL)
        self.assertEqual(cell.wait(), 125)
        self.assertEqual(groups(), before)
        self.assertEqual(self.end_record()["reason"], "keeper-failed")

    def test_off_uses_none_and_says_so(self):
        before = groups()
        cell = self.session(limits={"cgroup": "off"})
        self.assertEqual(groups(), before)
        self.assertEqual(group_of(server_pid(cell.pid)), group_of(os.getpid()))
        self.assertEqual(cell.finish(), 0)
        holders = {limit["name"]: limit["holder"] for limit in self.records()[0]["limits"]}
        self.assertEqual(holders["memory"], "data of each process (RLIMIT_DATA)")
        self.assertNotIn("control_group", self.end_record())

    def test_where_there_is_none_required_and_cpu_are_refused_and_auto_is_not(self):
        # Below the group that the tests run in nothing can be limited: it holds processes.
        here = f"--cgroup={TOP}{group_of(os.getpid())}"
        for limits, place in [({"cgroup": "required"}, "limits.cgroup"), ({"cpu": 1}, "limits.cpu"),
                              ({}, "limits.cgroup")]:
            done = self.anchorhold("run", self.profile(limits=limits), here)
            self.assertEqual(done.returncode, 125)
            self.assertIn(f"cannot hold {place}: ".encode(), done.stderr)
            self.assertIn(b"hint: start it with systemd-run", done.stderr)
        done = self.anchorhold("run", self.profile(), "--cgroup=/srv")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"/srv is no control group of version 2", done.stderr)

    def test_a_place_that_the_command_line_names_is_used(self):
        if not ROOT:
            self.skipTest("root, to set another place aside")
        place = TOP / f"place-{os.getpid()}"
        place.mkdir()
        self.addCleanup(place.rmdir)
        cell = self.run_cell(self.profile(limits={"cgroup": "required"}), f"--cgroup={place}")
        cell.initialize()
        self.assertEqual(pathlib.PurePath(group_of(server_pid(cell.pid))).parent.name, place.name)
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([p for p in place.iterdir() if p.is_dir()], [])

    def test_check_says_what_holds_which_limit(self):
        done = self.anchorhold("check", self.profile(limits={"cpu": 1.5}))
        self.assertEqual(done.returncode, 0)
        text = done.stdout.decode()
        self.assertRegex(text, r"limit +memory 2GiB: all processes together.*\(control group\)")
        self.assertRegex(text, r"limit +cpu 1\.5: all processes together \(control group\)")


class Elsewhere(Case):
    def test_a_limit_of_processor_time_that_nothing_can_hold_starts_nothing(self):
        if GROUPS:
            self.skipTest("a caller without control groups")
        for limits, key in [({"cpu": 0.5}, b"limits.cpu"), ({"cgroup": "required"},
                                                           b"limits.cgroup")]:
            profile = self.profile(limits=limits)
            done = self.anchorhold("run", profile)
            self.assertEqual(done.returncode, 125)
            self.assertIn(b"cannot hold " + key + b": ", done.stderr)
            self.assertIn(b"hint: ", done.stderr)
            # Another machine may have them.
            self.assertEqual(self.anchorhold("check", profile).returncode, 0)
        # The control, and that it is said what holds what there is.
        cell = self.session()
        self.assertEqual(cell.finish(), 0)
        holders = {limit["name"]: limit["holder"] for limit in self.records()[0]["limits"]}
        self.assertEqual(holders["memory"], "data of each process (RLIMIT_DATA)")


if __name__ == "__main__":
    unittest.main()

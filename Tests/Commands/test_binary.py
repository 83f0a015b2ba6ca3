"""The release binary itself: one static file, its verbs, and a root that holds nothing else."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from harness import (BINARY, PATIENCE, PROBE, ROOT, Case, descendants, need, need_of_root,
                     processes, status_of, until)
from taken import TEST_BUILD


class TheFile(Case):
    def test_it_is_one_static_file(self):
        done = subprocess.run(["ldd", BINARY], capture_output=True, timeout=PATIENCE)
        self.assertIn(b"not a dynamic executable", done.stdout + done.stderr)
        control = subprocess.run(["ldd", "/bin/ls"], capture_output=True, timeout=PATIENCE)
        self.assertIn(b"libc.so", control.stdout)

    def test_it_holds_no_foundation_and_no_dispatch(self):
        data = pathlib.Path(BINARY).read_bytes()
        for word in [b"FoundationEssentials", b"_dispatch_queue", b"libdispatch", b"NSObject"]:
            self.assertNotIn(word, data)
        self.assertIn(b"anchorhold", data)

    def test_it_has_no_way_in_for_tests(self):
        words = [b"backdoor", b"ANCHORHOLD_LEAVE_OUT", b"ANCHORHOLD_SKIP_STEP",
                 b"ANCHORHOLD_LANDLOCK_ABI"]
        data = pathlib.Path(BINARY).read_bytes()
        for word in words:
            self.assertNotIn(word, data)
        need(self, os.path.exists(TEST_BUILD), "the build of the tests: make skipping")
        control = pathlib.Path(TEST_BUILD).read_bytes()
        for word in words:
            self.assertIn(word, control)

    def test_what_opens_the_test_build_is_nothing_to_it(self):
        environment = {**self.environment, "ANCHORHOLD_SKIP_STEP": "RELAY_FILTER",
                       "ANCHORHOLD_LEAVE_OUT": "RELAY_FILTER,RELAY_LANDLOCK"}
        cell = self.run_cell(env=environment)
        cell.initialize()
        for line in [b"backdoor try read:/etc/passwd\n", b"backdoor deaf\n", b"backdoor spin\n"]:
            cell.send_raw(line)
            self.assertEqual(cell.receive()["error"]["code"], -32700)
        self.assertEqual(cell.text("echo", {"here": 1}), '{"here":1}')
        relay = next(p for p in descendants(cell.pid)
                     if processes()[p][1] == "anchor-relay")
        self.assertEqual(status_of(relay)["Seccomp"], "2")
        start = next(r for r in self.records() if r["kind"] == "session-start")
        self.assertTrue(start["sealed"])
        self.assertGreater(len([s for s in start["seal"] if s["name"].startswith("relay.")]), 10)
        self.assertEqual(cell.finish(), 0)

    def test_it_is_not_large(self):
        self.assertLess(os.path.getsize(BINARY), 16 << 20)

    def test_it_runs_in_a_root_that_holds_only_it_proc_and_a_server(self):
        if not ROOT:
            self.skipTest("only root can make a root")
        need_of_root(self, 21)
        root = self.directory / "root"
        for name in ["proc", "etc", "old", "tmp", "var/log"]:
            (root / name).mkdir(parents=True)
        shutil.copy(BINARY, root / "anchorhold")
        shutil.copy(PROBE, root / "probe")
        profile = root / "etc/profile.yaml"
        profile.write_text(json.dumps({
            "version": 1, "name": self.name, "extends": "static",
            "server": {"command": ["/probe", "serve"]},
            "tools": {"allow": ["*"], "unknown_arguments": "allow"}}))
        # pivot_root needs a program of the old root after it: Python goes in and execs.
        code = (
            "import ctypes, os, sys\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "os.chdir(sys.argv[1])\n"
            "assert libc.syscall(155, b'.', b'old') == 0, ctypes.get_errno()\n"
            "os.chdir('/')\n"
            "assert libc.umount2(b'/old', 2) == 0\n"
            "os.execve('/anchorhold', ['anchorhold', 'run', '/etc/profile.yaml'], {'PATH': '/'})\n")
        shell = ("mount --make-rprivate / && mount --bind \"$1\" \"$1\" && "
                 "mount -t proc proc \"$1/proc\" && exec python3 -c \"$2\" \"$1\"")
        cell = self.peer(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                          shell, "sh", root, code])
        cell.initialize()
        self.assertEqual(cell.text("echo", {"here": 1}), '{"here":1}')
        self.assertEqual(cell.attempt("socket-inet")["outcome"], "refused")
        self.assertEqual(cell.finish(), 0)
        self.assertTrue(list((root / "var/log/anchorhold" / self.name).glob("*.jsonl")))


class StrangeMounts(Case):
    def test_a_mount_point_whose_name_is_no_text_stops_nobody(self):
        if not ROOT:
            self.skipTest("only root can mount")
        place = os.fsencode(self.directory) + b"/m\xff"
        os.mkdir(place)
        for isolation in ["full", "container"]:
            with self.subTest(isolation):
                cell = self.peer([
                    "unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$1" && shift && exec "$@"',
                    "sh", os.fsdecode(place), BINARY, "run", self.profile(isolation=isolation)])
                cell.initialize()
                self.assertEqual(cell.text("echo", {"here": 1}), '{"here":1}')
                self.assertEqual(cell.finish(), 0)


class Verbs(Case):
    def test_help_of_every_verb_has_an_example(self):
        listed = re.findall(r"^  ([a-z]+) ", self.anchorhold("--help").stdout.decode(), re.M)
        self.assertGreaterEqual(set(listed), {"run", "check", "verify", "tools", "doctor",
                                              "completion"})
        for verb in [[], *([name] for name in listed if name != "anchorhold")]:
            done = self.anchorhold(*verb, "--help")
            self.assertEqual(done.returncode, 0, verb)
            self.assertIn(b"anchorhold", done.stdout)
            self.assertEqual(done.stderr, b"")
            if verb:
                self.assertRegex(done.stdout.decode().lower(), "example")

    def test_version_is_one_line(self):
        done = self.anchorhold("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), r"^anchorhold \d+\.\d+\.\d+[^\n]*\n$")

    def test_wrong_use_is_an_error_with_a_hint(self):
        for arguments in [["rnu"], [], ["run", "--no-such-option"], ["check"], ["run", "--set"], ["run"],
                          ["verify"], ["tools"], ["doctor", "x"], ["completion"]]:
            done = self.anchorhold(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertEqual(done.stdout, b"", arguments)
            self.assertRegex(done.stderr.decode(), r"^anchorhold: error: .+\nanchorhold: hint: .+\n$")

    def test_doctor_tells_what_this_machine_enforces(self):
        done = self.anchorhold("doctor", "--json")
        self.assertIn(done.returncode, (0, 1), done)
        json.loads(done.stdout)
        text = self.anchorhold("doctor").stdout.decode().lower()
        for word in ["landlock", "seccomp", "user namespace"]:
            self.assertIn(word, text)


class OurOwnProcesses(Case):
    """P7: the process that parses untrusted bytes holds nothing."""

    def relay(self, cell):
        def find():
            table = processes()
            return [pid for pid in descendants(cell.pid)
                    if table.get(pid, (0, ""))[:2] == (cell.pid, "anchor-relay")]
        found = until(find)
        self.assertEqual(len(found), 1)
        return found[0]

    def test_the_relay_is_another_process_without_any_privilege(self):
        cell = self.session()
        relay = self.relay(cell)
        seen = status_of(relay)
        self.assertEqual(seen["NoNewPrivs"].strip(), "1")
        self.assertEqual(seen["Seccomp"].strip(), "2")
        # Only who may give capabilities can take them out of the bounding set; without new
        # privileges it gives an ordinary user's relay nothing.
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb", *(["CapBnd"] if ROOT else [])]:
            self.assertEqual(int(seen[name], 16), 0, name)
        if ROOT:
            self.assertNotIn("0", seen["Uid"].split())
            self.assertEqual(seen["Groups"].strip(), "")

    def test_the_relay_holds_pipes_the_record_and_the_control_socket_only(self):
        cell = self.session()
        relay = self.relay(cell)
        if not ROOT:
            self.skipTest("only root can look into a process that is not dumpable")
        need_of_root(self, 19)
        held = {fd: os.readlink(f"/proc/{relay}/fd/{fd}") for fd in os.listdir(f"/proc/{relay}/fd")}
        kinds = [("record" if target.startswith("/") and target.endswith(".jsonl") else
                  target.split(":")[0]) for target in held.values()]
        self.assertEqual(kinds.count("record"), 1, held)
        self.assertLessEqual(set(kinds), {"record", "pipe", "socket", "anon_inode"}, held)
        self.assertLess(len(held), 16, held)

    def test_the_server_keeps_no_descriptor_of_ours(self):
        cell = self.session()
        self.assertEqual(cell.attempt("fds")["detail"].split(), ["0", "1", "2"])

"""The second wall by itself: a plan's Landlock rules, with no mount, namespace or filter before it.

The rules are those that `check --json` shows of the plan; the ruleset is made by the cell's own
code. Each refusal has the same attempt as its control, where it is granted or without the wall.
"""

import json
import os
import socket
import subprocess
import tempfile
import unittest

from harness import PATIENCE, PROBE, ROOT, Case, has_capability, need, need_of_root

# landlock(7); kept here as well, so that a wrong bit in the program shows.
BITS = ["execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char",
        "make_dir", "make_reg", "make_sock", "make_fifo", "make_block", "make_sym", "refer",
        "truncate", "ioctl_dev"]
# The first ABI with a right, when it is not the first of all.
SINCE = {"refer": 2, "truncate": 3, "bind": 4, "connect": 4, "ioctl_dev": 5, "abstract": 6,
         "signal": 6}


class SecondWall(Case):
    def setUp(self):
        super().setUp()
        # Not below /tmp, which is the cell's own and writable.
        self.place = tempfile.mkdtemp(prefix="anchorhold-test-", dir="/var/tmp")
        os.chmod(self.place, 0o755)
        self.addCleanup(subprocess.run, ["rm", "-rf", self.place])
        self.read, self.write = f"{self.place}/read", f"{self.place}/write"
        for top in (self.read, self.write):
            os.makedirs(f"{top}/sub/empty")
            for name in ["file", "gone", "moved", "linked"]:
                with open(f"{top}/{name}", "w") as file:
                    file.write(name)
        with open(f"{self.place}/beside", "w") as file:
            file.write("beside")
        with open(f"{self.read}/program", "w") as file:
            file.write("#!/bin/true\n")
        os.chmod(f"{self.read}/program", 0o755)

    def rules(self, profile):
        done = self.anchorhold("check", "--json", profile)
        landlock = json.loads(done.stdout)["profiles"][0]["cell"]["landlock"]
        path = self.directory / "rules"
        lines = []
        for rule in landlock["rules"]:
            access = sum(1 << BITS.index(right) for right in rule["rights"])
            # What the cell alone has is not here.
            if os.path.exists(rule["path"]):
                lines.append(f"{access:x} {rule['path']}\n")
        path.write_text("".join(lines))
        return landlock["abi"], str(path)

    def tried(self, abi, rules, names):
        """What comes of each name, each in a process of its own behind the wall."""
        found = {}
        for name in names:
            done = subprocess.run([PROBE, "landlock", str(abi), rules, name], cwd=self.write,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            answer = json.loads(done.stdout.splitlines()[-1])
            found[name] = (answer["outcome"], answer["errno"])
        return found

    def test_each_right_that_is_not_granted_is_refused_by_this_wall_alone(self):
        abi, rules = self.rules(self.profile(read=[self.read], write=[self.write]))
        r, w = self.read, self.write
        attempts = [
            ("write_file", "open-write:{}/file"), ("make_reg", "write:{}/new"),
            ("make_dir", "mkdir:{}/directory"), ("remove_dir", "rmdir:{}/sub/empty"),
            ("remove_file", "unlink:{}/gone"), ("make_fifo", "make-fifo:{}/fifo"),
            ("make_sym", "symlink:{}/symbolic"), ("truncate", "truncate:{}/file"),
            ("refer", "rename:{0}/moved:{0}/sub/moved"), ("refer", "link:{0}/linked:{0}/sub/linked"),
        ]
        for right, pattern in attempts:
            if abi < SINCE.get(right, 1):
                continue
            with self.subTest(right=right, attempt=pattern):
                refused, done = pattern.format(r), pattern.format(w)
                found = self.tried(abi, rules, [refused, done])
                self.assertEqual(found[done], ("done", ""), done)
                self.assertEqual(found[refused][0], "refused")
                self.assertIn(found[refused][1], ("EACCES", "EXDEV"), refused)
                # Without the wall the same is done.
                self.assertEqual(self.tried(abi, "-", [refused])[refused], ("done", ""))

    def test_what_is_granted_nowhere_is_refused_everywhere(self):
        abi, rules = self.rules(self.profile(read=[self.read], write=[self.write]))
        r, w = self.read, self.write
        names = [f"make-socket:{w}/socket", f"make-socket:{r}/socket", f"exec:{r}/program",
                 f"read:{self.place}/beside", f"read:{r}/../beside",
                 "read:/etc/../usr/lib/os-release",
                 f"list:{self.place}", "list:/", "list:/var"]
        if ROOT and has_capability(27):  # CAP_MKNOD, which not every container's root has.
            names += [f"make-character:{w}/character", f"make-block:{w}/block"]
        for name in names:
            with self.subTest(attempt=name):
                self.assertEqual(self.tried(abi, "-", [name])[name], ("done", ""))
                if name.startswith("make"):
                    os.unlink(name.split(":")[1])
                self.assertEqual(self.tried(abi, rules, [name])[name], ("refused", "EACCES"))
        # The control of reading and of executing: where it is granted.
        found = self.tried(abi, rules, [f"read:{r}/file", f"list:{r}", f"exec:{PROBE}"])
        self.assertEqual(set(found.values()), {("done", "")})

    @unittest.skipUnless(ROOT, "root, who makes the device")
    def test_a_device_that_is_granted_as_a_file_takes_no_requests(self):
        need_of_root(self, 27)
        abi, rules = self.rules(self.profile(read=[self.read], write=[self.write]))
        need(self, abi >= SINCE["ioctl_dev"], "Landlock's ABI 5")
        os.mknod(f"{self.read}/null", 0o20666, os.makedev(1, 3))
        name = f"device-request:{self.read}/null"
        found = self.tried(abi, rules, [name, "device-request:/dev/null", f"read:{self.read}/null"])
        self.assertEqual(found[name], ("refused", "EACCES"))
        self.assertEqual(found["device-request:/dev/null"], ("done", ""))
        self.assertEqual(found[f"read:{self.read}/null"], ("done", ""))

    def test_no_port_no_socket_of_the_host_and_no_process_is_reached(self):
        abi, rules = self.rules(self.profile(read=[self.read]))
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        abstract = socket.socket(socket.AF_UNIX)
        self.addCleanup(abstract.close)
        abstract.bind(f"\0{self.name}")
        abstract.listen(4)
        for right, name, error in [
                ("connect", f"connect:tcp:127.0.0.1:{listener.getsockname()[1]}", "EACCES"),
                ("bind", f"bind-tcp:{port}", "EACCES"),
                ("abstract", f"connect:abstract:{self.name}", "EPERM"),
                ("signal", f"kill:{os.getpid()}", "EPERM")]:
            if abi < SINCE[right]:
                continue
            with self.subTest(right=right):
                self.assertEqual(self.tried(abi, "-", [name])[name], ("done", ""))
                self.assertEqual(self.tried(abi, rules, [name])[name], ("refused", error))

    def test_a_grant_has_the_rights_that_it_needs_and_no_others(self):
        done = self.anchorhold("check", "--json", self.profile(read=[self.read], write=[self.write]))
        landlock = json.loads(done.stdout)["profiles"][0]["cell"]["landlock"]
        rights = {rule["path"]: set(rule["rights"]) for rule in landlock["rules"]}
        self.assertEqual(rights[self.read], {"read_file", "read_dir"})
        known = {r for r in BITS if landlock["abi"] >= SINCE.get(r, 1)}
        self.assertEqual(rights[self.write], known & {
            "read_file", "read_dir", "write_file", "truncate", "remove_file", "remove_dir",
            "make_dir", "make_reg", "make_fifo", "make_sym", "refer"})
        self.assertEqual(rights[PROBE], {"read_file", "execute"})
        for path, granted in rights.items():
            self.assertFalse(granted & {"make_char", "make_block", "make_sock"}, path)
            if not path.startswith("/dev/") or path == "/dev/shm":
                self.assertNotIn("ioctl_dev", granted)


if __name__ == "__main__":
    unittest.main()

"""Which files of the host a cell gets, when a package or an earlier session of its server tries to
choose them. Each denial has its positive control."""

import os
import subprocess

from harness import BINARY, ROOT, Case


class WhatAPackageNames(Case):
    def script(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test_a_script_is_not_followed_out_of_its_tree_and_is_followed_within_it(self):
        here = self.shared_directory("files")
        key = self.script(here / "private/deploy", "#!/bin/sh\necho TOKEN=1\n")
        inside = self.script(here / "package/bin/y", "#!/bin/sh\nexit 7\n")
        for program, status in [(inside, 7), (key, 127)]:
            script = self.script(here / "package/bin/x", f"#!/bin/sh\nexec {program}\n")
            done = self.anchorhold("run", "--", script)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertNotIn(b"TOKEN", done.stdout + done.stderr)
        # The profile's own word is another matter.
        profile = self.profile(script, extends="auto",
                               server={"command": [str(script)], "programs": [str(key)]})
        self.assertEqual(self.anchorhold("run", profile).returncode, 0)
        checked = self.anchorhold("check", self.profile(script, extends="auto",
                                                        server={"command": [str(script)]}))
        self.assertIn(f"{key}, which is not granted", checked.stdout.decode())

    def test_a_pipe_in_place_of_an_interpreter_keeps_nobody_waiting(self):
        here = self.shared_directory("files")
        os.mkfifo(here / "pipe", 0o777)
        script = self.script(here / "bin/x", f"#!{here}/pipe\n")
        self.assertEqual(self.anchorhold("run", "--", script, timeout=5).returncode, 126)
        script.write_text("#!/bin/sh\nexit 7\n")
        self.assertEqual(self.anchorhold("run", "--", script, timeout=5).returncode, 7)


class WhatASessionLeaves(Case):
    def test_a_link_made_by_the_server_does_not_widen_the_next_session(self):
        work, private = self.shared_directory("work"), self.shared_directory("private")
        (private / "id").write_text("key")
        (work / "x").symlink_to(private)
        allowed = self.session(read=[work / "x"])
        self.assertEqual(allowed.attempt(f"read:{private}/id")["detail"], "key")
        allowed.finish()
        for options in [{"read": [work / "x"]}, {"read": [private], "hide": [work / "x/id"]}]:
            done = self.anchorhold("run", self.profile(write=[work], **options))
            self.assertEqual(done.returncode, 125)
            self.assertIn(f"over the link {work}/x, which the server can write".encode(),
                          done.stderr)

    def test_what_is_hidden_is_where_the_server_cannot_move_it(self):
        work = self.shared_directory("work")
        (work / "sub").mkdir()
        for path in [work / ".env", work / "sub/.env"]:
            path.write_text("TOKEN=1")
        done = self.anchorhold("run", self.profile(write=[work], hide=[work / "sub/.env"]))
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"move away", done.stderr)
        cell = self.session(write=[work], hide=[work / ".env", work / "sub"])
        self.assertEqual(cell.attempt(f"write:{work}/file")["outcome"], "done")
        self.assertEqual(cell.attempt(f"read:{work}/.env")["detail"], "")
        self.assertEqual(cell.attempt(f"read:{work}/sub/.env")["outcome"], "refused")

    def test_the_first_session_does_not_get_the_directory_of_its_record(self):
        if ROOT:
            self.skipTest("an ordinary user, whose record lies in the home directory")
        real = self.shared_directory("real")
        home = self.directory / "link"
        home.symlink_to(real)
        env = {**self.environment, "HOME": str(home)}
        del env["XDG_STATE_HOME"]
        done = self.anchorhold("run", self.profile(write=[real]), env=env)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"it would let the server reach", done.stderr)
        (real / "notes").mkdir()
        done = self.anchorhold("run", self.profile(write=[real / "notes"]), env=env)
        self.assertEqual(done.returncode, 0, done.stderr)


class WhatIsMounted(Case):
    """Mounts of the host within a grant; root can make them, in a mount namespace of its own."""

    def run_mounted(self, mounts, profile):
        if not ROOT:
            self.skipTest("root, to mount")
        return subprocess.run(
            ["unshare", "-m", "sh", "-ec", f'{mounts}; exec "$@"', "sh", BINARY, "run", profile],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)

    def test_a_tree_with_an_interface_of_the_kernel_in_it_is_not_granted(self):
        tree = self.shared_directory("tree")
        for name in ["proc", "dev", "data"]:
            (tree / name).mkdir()
        profile = self.profile(read=[tree])
        for mount in [f"mount -t proc proc {tree}/proc", f"mount --rbind /dev {tree}/dev",
                      f"mount -t sysfs sys {tree}/proc"]:
            done = self.run_mounted(mount, profile)
            self.assertEqual(done.returncode, 125, mount)
            self.assertIn(b"interface", done.stderr)
        done = self.run_mounted(f"mount -t tmpfs data {tree}/data", profile)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_has_a_hidden_name_must_be_what_was_to_be_hidden(self):
        tree = self.shared_directory("tree")
        for name in ["key", "other"]:
            (tree / name).write_text(name)
        profile = self.profile(read=[tree], hide=[tree / "key"])
        bind = f"mount --bind {tree}/other {tree}/key"
        done = self.run_mounted(bind, profile)
        self.assertEqual(done.returncode, 0, done.stderr)
        # An unbindable mount is seen by the plan and does not come along into the cell.
        done = self.run_mounted(f"{bind}; mount --make-unbindable {tree}/key", profile)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(b"Stale file handle", done.stderr)

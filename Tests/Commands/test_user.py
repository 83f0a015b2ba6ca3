"""The profile key `user`: who a server is on the host."""

import os
import pathlib
import re
import subprocess

from harness import (BINARY, LEVEL, PATIENCE, PROBE, ROOT, Case, command_line, descendants,
                     need_of_root, processes, server_pid, status_of)

USER, GROUP = 4321, 4322
# Init's real and saved id at level container, where the server could signal its own otherwise.
INIT = 0x78000001


class CoveredProc(Case):
    """A container that covers parts of its /proc: the kernel then refuses a fresh one to whoever has no
    rights outside."""

    COVER = "mount -t tmpfs none /proc/sys && "

    def run_below(self, shell, *words):
        """anchorhold as an ordinary user after `shell` was done in a mount namespace."""
        become = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups"]
        self.home.chmod(0o777)
        self.directory.chmod(0o755)
        self.state.mkdir(exist_ok=True)
        self.state.chmod(0o777)
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", shell + 'exec "$@"', "sh", *become, BINARY, *map(str, words)],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)

    def test_there_is_no_session_with_the_hosts_proc_instead(self):
        if not ROOT:
            self.skipTest("only root can cover parts of /proc for an ordinary user")
        need_of_root(self, 21)
        profile = self.profile()
        os.chown(profile, 61234, 61234)
        for shell, status in [("", 0), (self.COVER, 125)]:
            with self.subTest(shell):
                done = self.run_below(shell, "run", profile)
                self.assertEqual(done.returncode, status, done.stderr)
        self.assertRegex(done.stderr.decode(), r'error: cannot [^\n]*proc[^\n]*: Operation not permitted')
        # Level container does without one.
        done = self.run_below(self.COVER, "run", profile, "--isolation", "container")
        self.assertEqual(done.returncode, 0, done.stderr)


class Users(Case):
    def refused(self, said, severity="error", **parts):
        """Holds that `check` and `run` refuse a profile with these parts, at the line of `user`."""
        path = self.profile(**parts)
        check, run = self.anchorhold("check", path), self.anchorhold("run", path)
        self.assertEqual(run.returncode, 125, run)
        self.assertEqual(check.returncode, 1 if severity == "error" else 0, check)
        self.assertRegex(run.stderr.decode(), rf"error: {path}:7:\d+: .*{re.escape(said)}")
        self.assertRegex(check.stdout.decode(), rf"{path}:7:\d+: {severity}: .*{re.escape(said)}")

    def seal(self):
        start = [r for r in self.records() if r["kind"] == "session-start"][-1]
        self.assertTrue(start["sealed"])
        return {check["name"]: check["observed"] for check in start["seal"]}


class OfAnyone(Users):
    def test_numbers_that_are_none_are_refused_for_every_caller(self):
        for user, said in [({"uid": 0, "group": 5}, "user.uid must not be 0, which is root"),
                           ({"uid": 5, "group": 0}, "user.group must not be 0, which is root"),
                           ({"uid": 5}, "user has no group"), ({}, "user names nobody"),
                           ({"uid": 5, "group": 2**32 - 1}, "must be from 1 to 4294967294"),
                           ({"owner_of": "here"}, "is not an absolute path"),
                           ({"owner_of": "/srv", "uid": 5, "group": 5}, "numbers beside owner_of")]:
            with self.subTest(user):
                self.refused(said, user=user)

    def test_a_path_that_is_not_there_cannot_give_a_user(self):
        self.refused(f"nothing is at {self.directory}/none", "warning",
                     user={"owner_of": f"{self.directory}/none"})


class OfRoot(Users):
    def setUp(self):
        super().setUp()
        if not ROOT:
            self.skipTest("only root starts a server as another user")
        self.directory.chmod(0o755)
        self.place = self.directory / "place"
        self.place.mkdir(mode=0o700)
        os.chown(self.place, USER, GROUP)

    def ids(self, pid):
        status = status_of(pid)
        return (status["Uid"].split(), status["Gid"].split(), status["Groups"].split())

    def test_the_server_is_the_owner_of_a_path_and_so_are_its_files(self):
        (self.directory / "link").symlink_to("place")
        for path in [self.place, self.directory / "link"]:
            with self.subTest(path):
                # The caller has a supplementary group that must not stay.
                cell = self.peer(
                    command_line("run", self.profile(write=[self.place], user={"owner_of": str(path)})),
                    extra_groups=[0, 27])
                cell.initialize()
                self.assertIn("27", status_of(cell.pid)["Groups"].split())
                self.assertEqual(self.ids(server_pid(cell.pid)),
                                 ([str(USER)] * 4, [str(GROUP)] * 4, []))
                answer = cell.attempt(f"write:{self.place}/file")
                self.assertEqual(answer["outcome"], "done", answer)
                made = (self.place / "file").stat()
                self.assertEqual((made.st_uid, made.st_gid), (USER, GROUP))
                (self.place / "file").unlink()
                self.assertEqual(cell.attempt(f"set-id:{self.place}/other")["errno"], "EPERM")
                self.assertEqual(cell.finish(), 0)
                seal = self.seal()
                for who in ["server", "init", "executed"]:
                    real = INIT if LEVEL and who == "init" else USER
                    self.assertEqual(seal[f"{who}.uid"], f"{real} {USER} {real} {USER}")
                    self.assertEqual(seal[f"{who}.gid"], " ".join([str(GROUP)] * 4))
                    self.assertEqual(seal[f"{who}.groups"], "")
                if not LEVEL:
                    self.assertEqual(seal["cell.uid_map"], f"1000 {USER} 1")
                    self.assertEqual(seal["cell.gid_map"], f"1000 {GROUP} 1")

    def test_without_the_key_the_server_is_of_the_range_and_cannot_write_there(self):
        if not LEVEL:
            # One that it may not even enter is of no use to it, and nothing in it could be protected.
            done = self.anchorhold("run", self.profile(write=[self.place]))
            self.assertEqual(done.returncode, 125)
            self.assertIn(b"user: {owner_of: PATH}", done.stderr)
        self.place.chmod(0o755)
        cell = self.session(write=[self.place])
        user = int(self.ids(server_pid(cell.pid))[0][0])
        self.assertTrue(0x70000000 <= user < 0x78000000, user)
        self.assertEqual(cell.attempt(f"write:{self.place}/file")["outcome"], "refused")

    def test_the_server_runs_under_the_numbers_that_are_written(self):
        os.chown(self.place, 5, 4000)
        self.place.chmod(0o770)
        cell = self.session(write=[self.place], user={"uid": 4001, "group": 4000})
        self.assertEqual(self.ids(server_pid(cell.pid)), (["4001"] * 4, ["4000"] * 4, []))
        self.assertEqual(cell.attempt(f"write:{self.place}/file")["outcome"], "done")
        made = (self.place / "file").stat()
        self.assertEqual((made.st_uid, made.st_gid), (4001, 4000))

    def test_the_owner_may_be_that_of_a_variable(self):
        text = ("version: 1\nname: %s\nextends: static\n"
                "variables: {place: {type: directory, required: true}}\n"
                "server: {command: [%s, serve]}\n"
                "filesystem: {write: [\"${place}\"], protect_missing: note}\n"
                "user: {owner_of: \"${place}\"}\ntools: {allow: [\"*\"], unknown_arguments: allow}\n"
                % (self.name, PROBE))
        path = self.profile(text=text)
        cell = self.run_cell(path, "--set", f"place={self.place}")
        cell.initialize()
        self.assertEqual(cell.attempt(f"write:{self.place}/file")["outcome"], "done")
        os.chown(self.place, 0, 0)
        done = self.anchorhold("run", path, "--set", f"place={self.place}")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"belongs to user 0, which is root", done.stderr)
        self.assertIn(b"hint: give it to an account that is not root", done.stderr)

    def test_owners_that_no_server_gets_are_refused(self):
        relay = 0x78000000
        for user, group, said in [(0, 5, "user 0, which is root"), (5, 0, "group 0, which is root"),
                                  (relay, 5, "the relay runs as that one"),
                                  (5, relay, "the relay runs as that one"),
                                  (65534, 5, "has no number here")]:
            with self.subTest((user, group)):
                os.chown(self.place, user, group)
                self.refused(said, read=[self.place], user={"owner_of": str(self.place)})
        self.refused("the relay runs as that one", user={"uid": relay, "group": 5})
        self.refused("are kept for profiles", user={"uid": 0x70000000, "group": 5})

    def test_a_path_that_the_server_or_a_third_person_could_replace_gives_no_user(self):
        inside = self.place / "inside"
        inside.mkdir()
        os.chown(inside, 5, 5)
        (self.place / "link").symlink_to(self.directory / "home")
        os.chown(self.home, USER, GROUP)
        self.refused("the server can put something else there", write=[self.place],
                     user={"owner_of": str(inside)})
        self.refused(f"the link {self.place}/link, which the server can write", write=[self.place],
                     user={"owner_of": f"{self.place}/link"})
        self.refused(f"\"{self.place}\" on the way belongs to user {USER}",
                     user={"owner_of": str(inside)})
        os.chown(self.place, 0, 0)
        self.place.chmod(0o777)
        self.refused(f"others can write \"{self.place}\"", user={"owner_of": str(inside)})
        # The control: nobody but root and the owner can.
        self.place.chmod(0o755)
        cell = self.session(user={"owner_of": str(inside)})
        self.assertEqual(self.ids(server_pid(cell.pid))[0], ["5"] * 4)

    def test_check_says_which_user_and_how_a_place_becomes_writable(self):
        done = self.anchorhold("check", self.profile(write=[self.place])).stdout.decode()
        self.assertRegex(done, r"  user         \d+, group \d+ \(of this profile alone\)\n")
        self.assertRegex(done, r"as root the server runs as user \d+, who cannot (read|write) ")
        self.assertIn(f'or write user: {{owner_of: "{self.place}"}}', done)
        done = self.anchorhold("check", self.profile(
            write=[self.place], user={"owner_of": str(self.place)})).stdout.decode()
        self.assertIn(f'  user         {USER}, group {GROUP} (owner of "{self.place}", line 7)\n', done)
        self.assertNotIn("warning", done)
        # What cannot be had is not advised as it is.
        os.chown(self.place, 0, 0)
        done = self.anchorhold("check", self.profile(write=[self.place])).stdout.decode()
        self.assertIn("or give it to an account that is not root and write user: {owner_of: ", done)

    def test_the_users_other_processes_do_not_count_towards_the_limit(self):
        others = [subprocess.Popen(["sleep", "60"], user=USER, group=GROUP, extra_groups=[])
                  for _ in range(20)]
        try:
            cell = self.session(user={"owner_of": str(self.place)}, limits={"processes": 12})
            self.assertEqual(cell.attempt("processes:8")["outcome"], "done")
            # The control: the limit holds for the cell's own.
            self.assertEqual(cell.attempt("processes:30")["outcome"], "refused")
        finally:
            for other in others:
                other.kill()
                other.wait()

    def test_no_process_of_the_cell_keeps_the_callers_environment(self):
        need_of_root(self, 19)
        secret = "TOKEN=kept-from-the-cell"
        environment = {**self.environment, "TOKEN": "kept-from-the-cell"}
        cell = self.run_cell(self.profile(user={"owner_of": str(self.place)}), env=environment)
        cell.initialize()
        # The control: the monitor's own has it.
        read = lambda pid: pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode()
        self.assertIn(secret, read(cell.pid))
        server = server_pid(cell.pid)
        init = processes()[server][0]
        self.assertIn(init, descendants(cell.pid))
        for pid in [init, server]:
            real = str(INIT if LEVEL and pid == init else USER)
            self.assertEqual(self.ids(pid)[0], [real, str(USER)] * 2)
            self.assertNotIn(secret, read(pid))


class OfAnOrdinaryUser(Users):
    def setUp(self):
        super().setUp()
        if ROOT:
            self.skipTest("root may name others")

    def test_the_callers_own_ids_are_taken_and_one_that_is_not_0_is_mapped(self):
        here = self.shared_directory("here")
        own = {"uid": os.geteuid(), "group": os.getegid()}
        for user in [{"owner_of": str(here)}, own]:
            with self.subTest(user):
                cell = self.session(write=[here], user=user)
                status = status_of(server_pid(cell.pid))
                self.assertEqual(status["Uid"].split(), [str(os.geteuid())] * 4)
                self.assertEqual(cell.attempt(f"write:{here}/file")["outcome"], "done")
                self.assertEqual(cell.finish(), 0)
                if not LEVEL:
                    self.assertEqual(self.seal()["cell.uid_map"], f"1000 {os.geteuid()} 1")

    def test_nobody_elses_are(self):
        own = {"uid": os.geteuid(), "group": os.getegid()}
        for user, said in [({**own, "uid": 5}, "only root starts a server as another user"),
                           ({**own, "group": 5}, "only root starts a server as another group"),
                           ({"owner_of": "/etc"}, "it belongs to user 0: only root starts")]:
            with self.subTest(user):
                self.refused(said, user=user)

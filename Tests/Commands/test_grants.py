"""Which files of the host a cell gets, when a package or an earlier session of its server tries to
choose them. Each denial has its positive control."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess

from harness import (LEVEL, PATIENCE, ROOT, SLOWLY, Case, command_line, descendants, level_full,
                     need, need_of_root, processes, send_signal, server_pid, until)

# Exchanges two names as soon as both are there, for some seconds; 0 once it did.
EXCHANGE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(int count, char **words) {
  if (count != 2 || chdir(words[1])) return 2;
  for (time_t end = time(0) + 2; time(0) < end;)
    for (int i = 0; i < 2000; i++)
      if (renameat2(AT_FDCWD, "data", AT_FDCWD, ".git", RENAME_EXCHANGE) == 0) return 0;
  return 1;
}
"""


def names_below(pid, name):
    """The processes of this name below `pid`."""
    table = processes()
    return [p for p in descendants(pid) if p in table and table[p][1] == name]


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
        for program, status in [(inside, 7), (key, 126 if LEVEL else 127)]:
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
        self.assertEqual(self.anchorhold("run", "--", script).returncode, 126)
        script.write_text("#!/bin/sh\nexit 7\n")
        self.assertEqual(self.anchorhold("run", "--", script).returncode, 7)


class WhatASessionLeaves(Case):
    def test_a_link_made_by_the_server_does_not_widen_the_next_session(self):
        work, private = self.shared_directory("work"), self.shared_directory("private")
        (private / "id").write_text("key")
        (work / "x").symlink_to(private)
        allowed = self.session(read=[work / "x"])
        self.assertEqual(allowed.attempt(f"read:{private}/id")["detail"], "key")
        allowed.finish()
        for options in [{"read": [work / "x"]}, {"read": [private], "hide": [work / "x/id"]}]:
            if LEVEL and "hide" in options:
                continue  # Refused for that alone.
            done = self.anchorhold("run", self.profile(write=[work], **options))
            self.assertEqual(done.returncode, 125)
            self.assertIn(f"over the link {work}/x, which the server can write".encode(),
                          done.stderr)

    @level_full("taking away")
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


@level_full("taking away")
class WhatStaysAsItIs(Case):
    """Names in a writable tree that the host executes or trusts."""

    def tree(self, *directories, files=()):
        """A tree whose content the server itself made, in a session that protects nothing."""
        work = self.shared_directory("work")
        maker = self.session(write=[work], filesystem={"protect_defaults": False})
        for path in directories:
            self.assertEqual(maker.attempt(f"mkdir:{work}/{path}")["outcome"], "done")
        for path in files:
            self.assertEqual(maker.attempt(f"write:{work}/{path}")["outcome"], "done")
        self.assertEqual(maker.finish(), 0)
        return work

    def writing(self, work, *write, start=None, **filesystem):
        return self.session(write=[work, *write], filesystem=filesystem,
                            server={"workdir": str(start or work)})

    def test_a_protected_file_stays_and_one_beside_it_does_not(self):
        names = [".mcp.json", "plain.json"]
        work = self.tree(files=[*names, "other"])
        attempts = [
            ("write", "EROFS"), ("open-write", "EROFS"), ("truncate", "EROFS"),
            ("chmod", "EROFS"), ("touch", "EROFS"), ("hard-link", "EXDEV"),
            ("rename-in", "EBUSY"), ("rename-out", "EBUSY"), ("unlink", "EBUSY")]
        before = (work / ".mcp.json").stat()
        cell = self.writing(work)
        for verb, errno in attempts:
            with self.subTest(verb):
                denied = cell.attempt(f"{verb}:{work}/.mcp.json")
                self.assertEqual((denied["outcome"], denied["errno"]), ("refused", errno))
                # The file that was renamed over it is gone: the last control takes another.
                beside = "other" if verb == "unlink" else "plain.json"
                self.assertEqual(cell.attempt(f"{verb}:{work}/{beside}")["outcome"], "done")
        for name, outcome in [(".mcp.json", "refused"), ("new", "done")]:
            self.assertEqual(cell.attempt(f"symlink:{work}/{name}")["outcome"], outcome)
        after = (work / ".mcp.json").stat()
        self.assertEqual((before.st_ino, before.st_mode, before.st_mtime_ns, before.st_nlink),
                         (after.st_ino, after.st_mode, after.st_mtime_ns, after.st_nlink))
        # The host changes it in place, and the server sees that.
        (work / ".mcp.json").write_text("host")
        (work / ".mcp.json").chmod(0o644)
        self.assertEqual(cell.attempt(f"read:{work}/.mcp.json")["detail"], "host")
        self.assertEqual(cell.finish(), 0)

    def test_in_a_protected_directory_nothing_changes_and_nothing_is_made(self):
        work = self.tree(".git", ".git/hooks", "sub", "sub/hooks",
                         files=[".git/config", "sub/config"])
        cell = self.writing(work)
        for attempt in ["write:{}/config", "write:{}/commondir", "write:{}/hooks/pre-commit",
                        "mkdir:{}/more", "symlink:{}/link", "make-fifo:{}/pipe",
                        "truncate:{}/config", "chmod:{}/hooks", "rename-in:{}/hooks",
                        "rename-out:{}/config", "rename-in:{}"]:
            with self.subTest(attempt):
                denied = cell.attempt(attempt.format(work / ".git"))
                self.assertEqual(denied["outcome"], "refused")
                self.assertIn(denied["errno"], ["EROFS", "EBUSY", "EXDEV"])
                self.assertEqual(cell.attempt(attempt.format(work / "sub"))["outcome"], "done")
        self.assertEqual(cell.attempt(f"chmod:{work}/.git")["outcome"], "refused")
        self.assertEqual(sorted(os.listdir(work / ".git")), ["config", "hooks"])
        self.assertEqual(cell.finish(), 0)

    def test_the_way_to_a_protected_path_cannot_be_moved_away(self):
        work = self.tree(".git", ".git/hooks", "sub", "sub/hooks", files=[".git/config"])
        hooks = work / ".git/hooks"
        for start, denied, allowed in [
                (work, work / ".git", work / "sub"), (work / ".git", hooks, None)]:
            cell = self.writing(work, work / ".git", start=start, protect=[str(hooks)])
            for attempt in [f"rename-in:{denied}", f"mkdir:{hooks}/x", f"chmod:{hooks}",
                            f"write:{hooks}/pre-commit"]:
                answer = cell.attempt(attempt)
                self.assertEqual(answer["outcome"], "refused", answer)
                self.assertIn(answer["errno"], ["EBUSY", "EROFS"])
            # On the way it may write, for it was granted.
            for name in ["config", "index"]:
                self.assertEqual(cell.attempt(f"write:{work}/.git/{name}")["outcome"], "done")
            if allowed:
                self.assertEqual(cell.attempt(f"rename-in:{allowed}")["outcome"], "done")
            self.assertEqual(cell.finish(), 0)
        # Nothing but the protection kept it in its place.
        cell = self.writing(work, work / ".git")
        self.assertEqual(cell.attempt(f"rename-in:{work}/.git")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)

    def test_a_tree_in_a_tree_stays_in_its_place_with_what_is_protected_in_it(self):
        work = self.tree("in", "in/.git", "out", "out/.git")
        cell = self.writing(work, work / "in")
        for path, outcome in [("in/.git", "refused"), ("in", "refused"), ("out", "done")]:
            self.assertEqual(cell.attempt(f"rename-in:{work}/{path}")["outcome"], outcome)
        for path in ["in", "out"]:
            self.assertEqual(cell.attempt(f"write:{work}/{path}/file")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)

    def test_a_name_that_is_not_there_is_said_to_be_open_or_refused(self):
        work = self.tree(files=[".envrc"])
        profile = self.profile(write=[work], filesystem={"protect_missing": "note"})
        said = self.anchorhold("check", profile).stdout.decode()
        self.assertRegex(said, rf'protected +"{work}/.envrc" \(by default: direnv')
        self.assertRegex(said, rf"note +not protected in {work}, .*: \.git, \.vscode")
        report = json.loads(self.anchorhold("check", "--json", profile).stdout)
        self.assertEqual(report["profiles"][0]["cell"]["protected"], [f"{work}/.envrc"])
        cell = self.session(write=[work], filesystem={"protect_missing": "note"})
        self.assertEqual(cell.attempt(f"write:{work}/.envrc")["outcome"], "refused")
        self.assertEqual(cell.attempt(f"write:{work}/.mcp.json")["outcome"], "done")
        cell.finish()
        [start] = [r for r in self.records() if r["kind"] == "session-start"
                   and any(n.startswith(f"not protected in {work}") for n in r["notes"])]
        self.assertIn({"name": f"mount {work}/.envrc", "ok": True,
                       "expected": "ro nosuid nodev noexec",
                       "observed": "ro nosuid nodev noexec"}, start["seal"])
        done = self.anchorhold("run", self.profile(
            write=[work], filesystem={"protect_missing": "refuse"}))
        self.assertEqual(done.returncode, 125)
        self.assertIn(f'cannot protect "{work}": in it nothing is at .git,'.encode(), done.stderr)
        self.assertIn(b"protect_missing: hold", done.stderr)
        for name, status in [("missing", 125), (".envrc", 0)]:
            done = self.anchorhold("run", self.profile(write=[work], filesystem={
                "protect_defaults": False, "protect_missing": "refuse",
                "protect": [{"path": str(work / name), "optional": True}]}))
            self.assertEqual(done.returncode, status, done.stderr)

    def test_a_link_stays_in_the_place_of_a_protected_name(self):
        work = self.tree(files=["plain"])
        (work / ".envrc").symlink_to("plain")
        (work / "link").symlink_to("plain")
        profile = self.profile(write=[work])
        said = self.anchorhold("check", profile).stdout.decode()
        self.assertIn(f"{work}/.envrc stays the symbolic link that it is", said)
        cell = self.writing(work)
        for verb in ["rename-in", "rename-out", "unlink", "symlink"]:
            for name, outcome in [(".envrc", "refused"), ("link", "done")]:
                if name == "link":
                    (work / name).unlink(missing_ok=True)
                    if verb != "symlink":
                        (work / name).symlink_to("plain")
                with self.subTest(f"{verb} {name}"):
                    answer = cell.attempt(f"{verb}:{work}/{name}")
                    self.assertEqual(answer["outcome"], outcome, answer)
        # It leads where it led: that is the server's own to change.
        self.assertEqual(cell.attempt(f"read:{work}/.envrc")["outcome"], "done")
        self.assertEqual(cell.attempt(f"open-write:{work}/.envrc")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual(os.readlink(work / ".envrc"), "plain")
        done = self.anchorhold("run", self.profile(
            write=[work], filesystem={"protect": [str(work / ".envrc")]}))
        self.assertEqual(done.returncode, 125)
        self.assertIn(f"over the link {work}/.envrc".encode(), done.stderr)
        done = self.anchorhold("run", self.profile(
            write=[work], filesystem={"protect": [str(work / "plain")]}))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_host_takes_the_protection_away_with_the_file_as_documented(self):
        work = self.tree(".git", files=[".envrc", ".git/config"])
        cell = self.writing(work)
        for name in [".envrc", ".git/config"]:
            self.assertEqual(cell.attempt(f"open-write:{work}/{name}")["outcome"], "refused")
            (work / "new").write_text("host")
            (work / "new").chmod(0o666)
            (work / "new").rename(work / name)
        self.assertEqual(cell.attempt(f"open-write:{work}/.envrc")["outcome"], "done")
        self.assertEqual(cell.attempt(f"open-write:{work}/.git/config")["errno"], "EROFS")
        self.assertEqual(cell.finish(), 0)


@level_full("taking away")
class WhatIsNotThere(Case):
    """The places of protected names that are not there, in a tree that the server can write."""

    NAMES = [".git", ".envrc", ".vscode", ".mcp.json", ".claude"]

    def tree(self, name="work"):
        return self.shared_directory(name)

    def test_nothing_can_be_made_in_its_place_and_the_place_is_free_again_at_the_end(self):
        work = self.tree()
        said = self.anchorhold("check", self.profile(write=[work])).stdout.decode()
        self.assertRegex(said, rf"an empty directory keeps the place .*: {work}/\.git, ")
        self.assertEqual(os.listdir(work), [])
        cell = self.session(write=[work])
        held = sorted(os.listdir(work))
        for name in self.NAMES:
            self.assertIn(name, held)
        self.assertNotIn(".bashrc", held)
        for name in self.NAMES:
            for verb in ["write", "mkdir", "symlink", "make-fifo", "rename-in", "rename-out",
                         "chmod"]:
                with self.subTest(f"{verb} {name}"):
                    answer = cell.attempt(f"{verb}:{work}/{name}")
                    self.assertEqual(answer["outcome"], "refused", answer)
                    free = cell.attempt(f"{verb}:{work}/free-{verb}")
                    if verb in ["write", "mkdir", "symlink", "make-fifo"] and name == ".git":
                        self.assertEqual(free["outcome"], "done", free)
            for inside in ["write", "mkdir"]:
                self.assertEqual(cell.attempt(f"{inside}:{work}/{name}/x")["errno"], "EROFS")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([n for n in os.listdir(work) if n.startswith(".")], [])
        [start] = [r for r in self.records() if r["kind"] == "session-start"]
        self.assertTrue(any("keeps the place" in n and f"{work}/.mcp.json" in n
                            for n in start["notes"]), start["notes"])

    def test_places_are_free_after_a_kill(self):
        work = self.tree()
        cell = self.session(write=[work])
        self.assertIn(".mcp.json", os.listdir(work))
        send_signal(cell.pid, signal.SIGKILL)
        self.assertTrue(until(lambda: os.listdir(work) == []), os.listdir(work))

    def test_a_place_is_not_free_before_the_cell_has_ended(self):
        work = self.tree()
        spinner = self.directory / "spinner.py"
        spinner.write_text(
            "import os, sys\n"
            f"os.close(os.open('{work}/started', os.O_CREAT | os.O_WRONLY))\n"
            "while True:\n"
            "    try: os.close(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o666))\n"
            "    except OSError: pass\n")
        profile = self.profile("/usr/bin/python3", str(spinner), f"{work}/.mcp.json",
                               extends="python", write=[work])
        for _ in range(10):
            cell = self.run_cell(profile)
            self.assertTrue(until(lambda: (work / "started").exists()), cell.stderr)
            send_signal(cell.pid, signal.SIGKILL)
            self.assertTrue(until(lambda: os.listdir(work) == ["started"]), os.listdir(work))
            (work / "started").unlink()
        # Where nothing keeps the place, it does make that file.
        control = self.run_cell(self.profile(
            "/usr/bin/python3", str(spinner), f"{work}/.mcp.json", extends="python", write=[work],
            filesystem={"protect_missing": "note"}))
        self.assertTrue(until(lambda: (work / ".mcp.json").is_file()), control.stderr)

    def test_a_place_is_kept_while_a_process_of_the_cell_cannot_end(self):
        work = self.tree()
        cell = self.session(write=[work])
        server = server_pid(cell.pid)
        # Stops it on its way out, whatever it dies of; until it is let go, its namespace's init cannot
        # end either.
        ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        seize, resume, trace_exit = 0x4206, 7, 0x40
        self.assertEqual(ptrace(seize, server, None, trace_exit), 0, os.strerror(ctypes.get_errno()))
        send_signal(cell.pid, signal.SIGKILL)
        _, status = os.waitpid(server, 0x40000000)  # __WALL
        self.assertEqual(status >> 8, signal.SIGTRAP | 6 << 8, "it is on its way out")
        cell.wait()
        self.assertFalse(until(lambda: ".mcp.json" not in os.listdir(work), 1))
        self.assertEqual(ptrace(resume, server, None, None), 0)
        os.waitpid(server, 0x40000000)
        self.assertTrue(until(lambda: os.listdir(work) == []), os.listdir(work))

    def test_sessions_share_a_place_and_the_last_one_frees_it(self):
        work = self.tree()
        first, second = self.session(write=[work]), self.session(write=[work])
        first.finish()
        self.assertIn(".mcp.json", os.listdir(work))
        self.assertEqual(second.attempt(f"write:{work}/.mcp.json")["outcome"], "refused")
        self.assertEqual(second.attempt(f"rename-out:{work}/.mcp.json")["outcome"], "refused")
        third = self.session(write=[work])
        send_signal(second.pid, signal.SIGKILL)
        second.wait()
        self.assertEqual(third.attempt(f"write:{work}/.mcp.json")["outcome"], "refused")
        third.finish()
        self.assertTrue(until(lambda: os.listdir(work) == []), os.listdir(work))

    def test_what_the_host_puts_into_a_place_stays(self):
        work = self.tree()
        cell = self.session(write=[work])
        (work / ".git/config").write_text("host")
        (work / ".git/config").chmod(0o666)
        self.assertEqual(cell.attempt(f"read:{work}/.git/config")["detail"], "host")
        self.assertEqual(cell.attempt(f"open-write:{work}/.git/config")["errno"], "EROFS")
        cell.finish()
        self.assertEqual(os.listdir(work), [".git"])
        self.assertEqual((work / ".git/config").read_text(), "host")
        # It is a directory like any other now, and is protected because it is there.
        cell = self.session(write=[work])
        self.assertEqual(cell.attempt(f"open-write:{work}/.git/config")["errno"], "EROFS")
        cell.finish()
        self.assertEqual(os.listdir(work), [".git"])

    def test_an_optional_path_of_the_profile_is_held_too(self):
        work = self.tree()
        (work / "sub").mkdir(mode=0o777)
        (work / "sub").chmod(0o777)
        protect = [{"path": f"{work}/{name}", "optional": True}
                   for name in ["sub/Makefile", "new/deep", "sub"]]
        cell = self.session(write=[work], filesystem={
            "protect_defaults": False, "protect": protect[:2]})
        for path, outcome in [("sub/Makefile", "refused"), ("sub/other", "done"),
                              ("new", "refused"), ("other", "done")]:
            self.assertEqual(cell.attempt(f"write:{work}/{path}")["outcome"], outcome, path)
        self.assertEqual(cell.attempt(f"rename-in:{work}/sub")["outcome"], "refused")
        cell.finish()
        self.assertEqual(sorted(os.listdir(work)), ["other", "sub"])
        self.assertEqual(os.listdir(work / "sub"), ["other"])

    def test_a_session_that_cannot_start_frees_the_places(self):
        work = self.tree()
        profile = self.profile(str(work / "missing"), write=[work])
        self.assertEqual(self.anchorhold("run", profile).returncode, 127)
        self.assertEqual(os.listdir(work), [])
        done = self.anchorhold("verify", *SLOWLY, self.profile(write=[work]))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(os.listdir(work), [])

    def test_who_may_not_write_to_a_tree_cannot_open_its_places(self):
        self.directory.chmod(0o755)
        for mode, kept in [(0o755, 0o1700), (0o775, 0o1750), (0o777, 0o1755)]:
            with self.subTest(oct(mode)):
                work = self.directory / f"work-{mode:o}"
                work.mkdir()
                work.chmod(mode)
                first = self.session(write=[work])
                self.assertEqual((work / ".mcp.json").stat().st_mode & 0o5777, kept)
                second = self.session(write=[work])
                first.finish()
                self.assertIn(".mcp.json", os.listdir(work), "it is another session's as well")
                second.finish()
                self.assertEqual(os.listdir(work), [])

    def held(self):
        """A tree with a place that somebody keeps a lock on, and the lock."""
        work = self.tree()
        (work / ".git").mkdir()
        (work / ".git").chmod(0o1755)
        if ROOT:
            os.chown(work / ".git", 0, 0)
        holder = os.open(work / ".git", os.O_RDONLY)
        self.addCleanup(os.close, holder)
        fcntl.flock(holder, fcntl.LOCK_EX)
        return work

    def test_a_lock_of_somebody_else_is_said_and_goes(self):
        work = self.held()
        done = self.anchorhold("run", self.profile(write=[work]))
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(b"somebody else holds a lock", done.stderr)
        self.assertIn(b"hint: lslocks", done.stderr)
        self.assertEqual(os.listdir(work), [".git"], "what could not be kept is not left")

    def test_a_signal_ends_the_wait_for_a_lock(self):
        work = self.held()
        for verb, number in [("run", signal.SIGTERM), ("verify", signal.SIGINT),
                             ("verify", signal.SIGTERM)]:
            with self.subTest(verb):
                process = subprocess.Popen(
                    command_line(verb, self.profile(write=[work])), env=self.environment,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.addCleanup(process.communicate)
                self.assertTrue(until(lambda: names_below(process.pid, "anchor-keeper")))
                process.send_signal(number)
                text = process.communicate(timeout=PATIENCE)[1]
                if verb == "run":
                    self.assertEqual(process.returncode, -number, text)
                else:
                    self.assertEqual(process.returncode, 2, text)
                    self.assertIn(b"interrupted by a signal", text)
                self.assertNotIn(b"holds a lock", text)
                self.assertTrue(until(lambda: os.listdir(work) == [".git"]), os.listdir(work))

    def test_a_signal_ends_the_wait_for_a_lock_when_a_server_is_started_again(self):
        work = self.tree()
        server = self.directory / "server.py"
        server.write_text("import sys; sys.exit(1 if sys.stdin.readline() else 0)\n")
        cell = self.run_cell(self.profile(
            "/usr/bin/python3", extends="python", write=[work], read=[server],
            server={"command": ["/usr/bin/python3", str(server)], "restart": "on-failure"}))
        place = work / ".mcp.json"
        self.assertTrue(until(place.exists))
        holder = os.open(place, os.O_RDONLY)
        self.addCleanup(os.close, holder)
        fcntl.flock(holder, fcntl.LOCK_SH)
        self.assertTrue(until(self.records))
        cell.send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"}}})

        def exclusive():
            try:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True
        # Between two servers nobody else holds one.
        self.assertTrue(until(exclusive, every=0))
        self.assertTrue(until(lambda: [r for r in self.records() if r["kind"] == "server-end"]))
        self.assertTrue(until(lambda: names_below(cell.pid, "anchor-keeper")), cell.stderr)
        send_signal(cell.pid, signal.SIGTERM)
        cell.wait()
        for reader in cell.readers:
            reader.join(PATIENCE)
        self.assertNotIn(b"holds a lock", cell.stderr)
        self.assertEqual(self.records()[-1]["reason"], "signal")

    def test_what_is_put_in_the_place_of_a_new_one_is_not_given_away(self):
        if not ROOT:
            self.skipTest("root, whose places belong to whom the tree belongs to")
        self.directory.chmod(0o755)
        work = self.directory / "theirs"
        (work / "data").mkdir(parents=True)
        os.chown(work, 61900, 61900)
        need(self, shutil.which("strace"), "strace")
        source = self.directory / "exchange.c"
        source.write_text(EXCHANGE)
        subprocess.run(["gcc", "-O2", "-o", self.directory / "exchange", source], check=True)
        (work / "data/file").write_text("")
        inode = (work / "data").stat().st_ino
        profile = self.profile("/bin/true", write=[work])
        # Between its making and the next call there is time to exchange it.
        slowly = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=mkdirat",
                  "-e", "inject=mkdirat:delay_exit=200000:when=1"]
        with subprocess.Popen([self.directory / "exchange", str(work)], user=61900, group=61900,
                              extra_groups=[]) as process:
            done = subprocess.run([*slowly, *command_line("run", profile)], env=self.environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
            self.assertEqual(process.wait(PATIENCE), 0, "the control: it was exchanged")
        theirs = (work / ".git").stat()
        self.assertEqual((theirs.st_ino, theirs.st_uid, theirs.st_mode & 0o7777),
                         (inode, 0, 0o755), "it is root's as before")
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(b"cannot keep the place of", done.stderr)

    def test_a_tree_that_the_caller_cannot_write_is_refused(self):
        if ROOT:
            self.skipTest("an ordinary user, who may not write everywhere")
        work = self.tree()
        work.chmod(0o555)
        done = self.anchorhold("run", self.profile(write=[work]))
        self.assertEqual(done.returncode, 125)
        self.assertIn(f'cannot keep the place of "{work}/.git"'.encode(), done.stderr)
        self.assertIn(b"protect_missing: note", done.stderr)
        done = self.anchorhold("run", self.profile(
            write=[work], filesystem={"protect_missing": "note"}))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_home_has_places_for_its_shell(self):
        home = self.home
        home.chmod(0o777)
        self.directory.chmod(0o755)
        cell = self.session(write=[home])
        for name, outcome in [(".bashrc", "refused"), (".config", "refused"), ("x", "done")]:
            self.assertEqual(cell.attempt(f"write:{home}/{name}")["outcome"], outcome)
        cell.finish()
        self.assertEqual(os.listdir(home), ["x"])


class WhatIsMounted(Case):
    """Mounts of the host within a grant; root can make them, in a mount namespace of its own."""

    def run_mounted(self, mounts, profile):
        if not ROOT:
            self.skipTest("root, to mount")
        need_of_root(self, 21)
        return subprocess.run(
            ["unshare", "-m", "sh", "-ec", f'{mounts}; exec "$@"', "sh",
             *command_line("run", profile)],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)

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

    @level_full("taking away")
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

"""Profiles from outside: what is wrong with one, where it is found, who may write it."""

import json
import os
import re
import shutil
import subprocess

from harness import LEVEL, PROBE, ROOT, TOP, Case, command_line, need


class Malformed(Case):
    def both(self, text):
        """What `check` and `run` say of a profile with this text."""
        path = self.profile(text=text)
        check, run = self.anchorhold("check", path), self.anchorhold("run", path)
        self.assertEqual(check.returncode, 1, check)
        self.assertEqual(run.returncode, 125, run)
        self.assertEqual(run.stdout, b"")
        return path, (check.stdout + check.stderr).decode(), run.stderr.decode()

    def test_every_error_is_shown_with_its_position(self):
        path, check, run = self.both(
            "version: 1\nname: bad\nextends: static\nserver: {comand: [x]}\n"
            "tools: {allow: yes}\nlimits: {processes: many}\nversion: 1\n")
        for line in [4, 5, 6, 7]:
            self.assertIn(f"{path}:{line}:", check)
            self.assertIn(f"{path}:{line}:", run)
        self.assertIn("command", check)

    def test_what_is_not_yaml_or_not_a_profile_is_refused(self):
        for text in ["", "[]", "version: 1\n  name: [", "\t", "a: &a 1\nb: *a\n", "version: 2\n",
                     "version: 1\nname: x\nserver: {command: []}\n", "just text", "\x00",
                     "version: 1\nname: ../../etc\nextends: static\nserver: {command: [x]}\n"]:
            with self.subTest(text):
                path, check, _ = self.both(text)
                self.assertIn(str(path), check)

    def test_what_this_version_does_not_enforce_is_refused_and_never_ignored(self):
        base = "version: 1\nname: later\nextends: static\nserver: {command: [x]}\n"
        for line in ['network: {allow: ["api.example.com:443"]}',
                     "secrets: {t: {from: env, name: T}}", "audit: {retention: 90d}",
                     "audit: {arguments: redacted}"]:
            with self.subTest(line):
                _, check, run = self.both(base + line + "\n")
                self.assertIn("not enforced by this version", check)
                self.assertIn("not enforced by this version", run)

    def test_check_says_what_an_opening_beside_tools_lets_through(self):
        base = "version: 1\nname: open\nextends: static\nserver: {command: [/bin/true]}\n"
        for line in ['resources: {allow: "*"}', "requests: {sampling: allow}",
                     "requests: {roots: everything}", "features: {extensions: allow}",
                     "protocol: {progress: any}"]:
            with self.subTest(line):
                section, rest = line.split(": {")
                profile = self.directory / "open.yaml"
                profile.write_text(base + line + "\n")
                said = self.anchorhold("check", profile).stdout.decode()
                self.assertIn(f"note         {section}.{rest[:-1]}", said)
        profile.write_text(base + "features: {logging: allow}\nrequests: {roots: allow}\n")
        said = self.anchorhold("check", profile).stdout.decode()
        self.assertNotRegex(said, "note +(features|requests|resources|protocol)")
        self.assertEqual("note " in said, bool(LEVEL), said)

    def test_what_only_this_machine_can_refuse_has_its_position_too(self):
        profile = self.profile(read=["/etc", "/proc"])
        place = f"{profile}:5:"
        check, run = self.anchorhold("check", profile), self.anchorhold("run", profile)
        self.assertEqual(run.returncode, 125)
        for said in [check.stdout.decode(), run.stderr.decode()]:
            self.assertRegex(said, re.escape(place) + r"\d\d: .*cannot grant \"/proc\"")
        if LEVEL:
            return
        # A grant that covers the cell's own private space would not be what it says.
        run = self.anchorhold("run", self.profile(read=["/home"]))
        self.assertEqual(run.returncode, 125)
        self.assertIn(b'cannot grant "/home": the cell has a /home/server of its own', run.stderr)
        self.assertIn(b"anchorhold: hint: grant what is meant below /home", run.stderr)

    def test_what_no_machine_takes_is_an_error_of_check_and_refused_by_run(self):
        here = self.shared_directory("files")
        (here / "a/b").mkdir(parents=True)
        (here / "file").write_text("")
        audit = self.audit_directory.parent
        audit.mkdir(parents=True, exist_ok=True)
        server = {"command": [PROBE, "serve"]}
        for parts, count in [
                (dict(read=["/proc", "/sys/none", "/dev" if LEVEL else "/home", here]), 3), (dict(read=[audit]), 1),
                (dict(read=[self.directory]), 1), (dict(write=[self.directory]), 1),
                (dict(read=[here], hide=[here / "a", here / "a/b"]), 2 if LEVEL else 1),
                (dict(read=[here / "a"], hide=[here / "file"]), 1),
                (dict(read=[here], server={**server, "workdir": f"{here}/file"}), 1),
                (dict(read=[here / "a"], server={**server, "workdir": str(here)}), 0),
                (dict(read=[here / "a"], server={**server, "workdir": f"{here}/file"}), 1),
                (dict(read=["/sys"], server={}), 1)]:
            with self.subTest(parts):
                profile = self.profile(**parts)
                check = self.anchorhold("check", profile)
                self.assertEqual(check.returncode, 1 if count else 0, check)
                said = check.stdout.decode()
                self.assertEqual(len(re.findall(rf"{profile}:\d+:\d+: error: ", said)), count, said)
                command = [] if parts.get("server") != {} else ["--", PROBE, "serve"]
                run = self.anchorhold("run", profile, *command)
                self.assertEqual(run.returncode, 125 if count else 0, run)
                if count:
                    self.assertRegex(run.stderr.decode(), rf"error: {profile}:\d+:\d+: ")
                    more = f"(and {count - 1} more, which anchorhold check shows)"
                    self.assertEqual(more in run.stderr.decode(), count > 1)
        # What is only missing here is a warning of check, and refused by run.
        for parts in [dict(read=[here / "none"]),
                      *([] if LEVEL else [dict(read=[here], hide=[here / "none"])]),
                      dict(read=[here], server={**server, "workdir": f"{here}/none"})]:
            profile = self.profile(**parts)
            check = self.anchorhold("check", profile)
            self.assertEqual(check.returncode, 0, check)
            self.assertRegex(check.stdout.decode(), rf"{profile}:\d+:\d+: warning: .*cannot run here")
            run = self.anchorhold("run", profile)
            self.assertEqual(run.returncode, 125)
            self.assertRegex(run.stderr.decode(), rf"error: {profile}:\d+:\d+: ")

    def test_what_cannot_be_found_is_named_with_its_place_and_what_to_write(self):
        text = ("version: 1\nname: %s\nextends: static\nserver:\n  command: [%s]\n"
                "  programs: [none-such]\n")
        for command, line, hint in [(PROBE, 6, "server.programs"), ("no-server", 5, "server.command")]:
            path = self.profile(text=text % (self.name, command))
            check, run = self.anchorhold("check", path), self.anchorhold("run", path)
            self.assertEqual((check.returncode, run.returncode), (0, 127))
            for said in [check.stdout.decode(), run.stderr.decode()]:
                self.assertRegex(said, rf"{path}:{line}:\d+: (warning: )?cannot find")
                self.assertIn(f"write the whole path in {hint}", said)
        for words in [["--", "no-server"], [path, "--", "no-server"]]:
            run = self.anchorhold("run", *words)
            self.assertEqual(run.returncode, 127)
            self.assertIn(b'error: cannot find "no-server"', run.stderr)
            self.assertIn(b"write the whole path after --", run.stderr)
        run = self.anchorhold("run", "git", "--set", f"repository={self.home}")
        self.assertRegex(run.stderr.decode(), r"git \(shipped\):\d+:\d+: cannot find")
        self.assertIn(b"write the whole path after --", run.stderr)

    def test_a_variable_is_held_against_what_is_there(self):
        text = ("version: 1\nname: %s\nextends: static\n"
                "variables: {place: {type: %s, required: true}}\n"
                "server: {command: [%s, serve]}\nfilesystem: {read: [\"${place}\"]}\n")
        here = self.shared_directory("here")
        (here / "file").write_text("")
        (here / "name with a 'quote").mkdir()
        for kind, value, said in [
                ("directory", here / "file", "is a file, not a directory"),
                ("file", here, "is a directory, not a file"),
                ("directory", here, None), ("file", here / "file", None),
                ("directory", here / "name with a 'quote", None),
                ("file", "/dev/null", "is not a file"), ("directory", "~", "write it out"),
                ("directory", "~/here", "write it out"),
                ("directory", here / "none", "correct --set place=")]:
            with self.subTest((kind, value)):
                path = self.profile(text=text % (self.name, kind, PROBE))
                done = self.anchorhold("run", path, "--set", f"place={value}")
                self.assertEqual(done.returncode, 125 if said else 0, done)
                check = self.anchorhold("check", path, "--set", f"place={value}")
                if said:
                    self.assertIn(said, done.stderr.decode())
                    self.assertIn(said, check.stdout.decode())
                    self.assertIn("--set place=", check.stdout.decode())
                self.assertEqual(check.returncode, 1 if said and "correct" not in said else 0)

    def test_paths_are_shown_whole_and_quoted_for_a_shell(self):
        place = self.shared_directory("x" * 70 + " it's")
        done = self.anchorhold("check", self.profile(read=[place]))
        self.assertIn(f'"{place}"', done.stdout.decode())
        path = self.profile()
        other = self.directory / f"{'y' * 70} it's.yaml"
        path.rename(other)
        other.chmod(0o666)
        done = self.anchorhold("check", other)
        quoted = str(other).replace("'", "'\\''")
        self.assertIn(f"hint: chmod go-w '{quoted}'", done.stdout.decode())

    def test_root_is_told_what_the_user_of_the_cell_may_not_use(self):
        if not ROOT:
            self.skipTest("only root's cells have a user of their own")
        here = self.shared_directory("here")
        (here / "d").mkdir()
        (self.directory / "link").symlink_to("here/d")
        cases = [(0o755, dict(read=[here / "d"]), None), (0o700, dict(read=[here / "d"]), "read"),
                 (0o744, dict(read=[here / "d"]), "enter"),
                 (0o700, dict(read=[self.directory / "link"]), "read"),
                 (0o755, dict(write=[here / "d"]), "write"),
                 (0o777, dict(write=[here / "d"]), None)]
        for mode, parts, said in cases:
            with self.subTest((oct(mode), parts)):
                (here / "d").chmod(mode)
                done = self.anchorhold("check", self.profile(**parts)).stdout.decode()
                self.assertEqual("as root the server runs as user" in done, said is not None, done)
                if said:
                    self.assertIn(f"who cannot {said} ", done)
                    number = int(re.search(r"runs as user (\d+)", done)[1])
        (here / "d").chmod(0o070)
        os.chown(here / "d", 0, number)
        done = self.anchorhold("check", self.profile(write=[here / "d"])).stdout.decode()
        self.assertNotIn("as root the server", done)
        # What a program brings counts too.
        program = here / "program"
        shutil.copyfile(PROBE, program)
        for mode, closed in [(0o755, False), (0o700, True), (0o744, True)]:
            program.chmod(mode)
            done = self.anchorhold("check", self.profile(str(program), "serve")).stdout.decode()
            self.assertEqual("as root the server" in done, closed, done)

    def test_system_calls_that_cannot_be_added_are_all_named_by_run_as_well(self):
        profile = self.profile(syscalls={"baseline": 1, "add": ["mlokc", "mount", "mlock"]})
        run = self.anchorhold("run", profile)
        self.assertEqual(run.returncode, 125)
        said = run.stderr.decode()
        self.assertEqual(said.count("anchorhold: error: "), 2, said)
        self.assertEqual(said.count(f"{profile}:7:"), 2, said)
        self.assertIn("did you mean mlock", said)
        # The control: the one that can be added alone.
        profile = self.profile(syscalls={"baseline": 1, "add": ["mlock"]})
        self.assertEqual(self.anchorhold("run", profile).returncode, 0)

    def test_check_says_what_is_wrong_for_a_program_too(self):
        path = self.profile(text="version: 1\nname: x\nserver: {comand: [x]}\n")
        done = self.anchorhold("check", "--json", path)
        self.assertEqual(done.returncode, 1)
        text = json.dumps(json.loads(done.stdout))
        self.assertIn('"line": 3', text)
        self.assertIn("comand", text)

    def test_a_good_profile_is_good(self):
        done = self.anchorhold("check", self.profile())
        self.assertEqual(done.returncode, 0, done)
        json.loads(self.anchorhold("check", "--json", self.profile()).stdout)
        self.assertEqual(self.anchorhold("check", self.directory / "none.yaml").returncode, 2)

    def test_a_value_is_data_and_never_text_of_the_profile(self):
        text = ("version: 1\nname: %s\nextends: static\n"
                "variables: {place: {type: directory, required: true}}\n"
                "server: {command: [%s, serve]}\nfilesystem: {read: [\"${place}\"]}\n"
                "tools: {allow: [\"*\"], unknown_arguments: allow}\n" % (self.name, PROBE))
        here = self.shared_directory("place")
        (here / "file").write_text("inside")
        path = self.profile(text=text)
        cell = self.run_cell(path, "--set", f"place={here}")
        cell.initialize()
        self.assertEqual(cell.attempt(f"read:{here}/file")["detail"], "inside")
        self.assertEqual(self.anchorhold("run", path).returncode, 125)
        for value in ["", "relative", str(here / "missing"), f'{here}"]\ntools: {{allow: []}}#',
                      "/proc/self/../../etc\x01"]:
            done = self.anchorhold("run", path, "--set", f"place={value}")
            self.assertEqual(done.returncode, 125, (value, done))
        self.assertEqual(self.anchorhold("run", path, "--set", f"plac={here}").returncode, 125)


class Trust(Case):
    def test_a_profile_that_others_can_write_is_refused(self):
        path = self.profile()
        for mode in [0o666, 0o622, 0o662]:
            path.chmod(mode)
            done = self.anchorhold("run", path)
            self.assertEqual(done.returncode, 125, oct(mode))
            self.assertIn(b"writ", done.stderr)
        path.chmod(0o644)
        cell = self.run_cell(path)
        cell.initialize()

    def test_a_profile_in_a_directory_that_others_can_write_is_refused(self):
        path = self.profile()
        self.directory.chmod(0o777)
        done = self.anchorhold("run", path)
        self.assertEqual(done.returncode, 125, done)
        self.assertIn(b"writ", done.stderr)

    def test_a_profile_that_its_own_server_can_write_is_refused(self):
        path = self.profile(write=[self.directory])
        done = self.anchorhold("run", path)
        self.assertEqual(done.returncode, 125, done)

    def test_a_profile_of_another_user_is_refused(self):
        if not ROOT:
            self.skipTest("only root can give a file away")
        path = self.profile()
        os.chown(path, 12345, 12345)
        self.assertEqual(self.anchorhold("run", path).returncode, 125)


class LookUp(Case):
    def test_a_name_is_looked_up_in_the_users_configuration_and_never_here(self):
        text = self.profile().read_text()
        place = self.directory / "config/anchorhold/profiles"
        place.mkdir(parents=True)
        environment = {**self.environment, "XDG_CONFIG_HOME": str(self.directory / "config")}
        missing = self.anchorhold("run", self.name, env=environment, cwd=self.directory)
        self.assertEqual(missing.returncode, 125)
        self.assertIn(str(place).encode(), missing.stderr)
        (place / f"{self.name}.yaml").write_text(text)
        cell = self.run_cell(self.name, env=environment)
        cell.initialize()
        self.assertEqual(cell.text("echo", {}), "{}")

    def test_the_shipped_profiles_are_good_where_their_server_is(self):
        (self.directory / "data").mkdir()
        for name, server in [("time", "mcp-server-time"), ("git", "mcp-server-git"),
                             ("sqlite", "mcp-server-sqlite")]:
            binary = TOP / f".build/venvs/{name}/bin/{server}"
            need(self, binary.exists(), f"{server} from PyPI")
            environment = {**self.environment, "PATH": f"{binary.parent}:/usr/bin:/bin"}
            settings = {"git": [f"repository={self.home}"], "time": [],
                        "sqlite": [f"directory={self.directory / 'data'}"]}[name]
            more = [part for s in settings for part in ("--set", s)]
            done = self.anchorhold("check", name, *more, env=environment)
            if LEVEL and name == "sqlite":
                # What it would protect cannot be at this level, and check says what to write.
                self.assertEqual(done.returncode, 1, done)
                self.assertIn(b"protect_missing: note", done.stdout)
                continue
            self.assertEqual(done.returncode, 0, done)

    def test_the_profile_git_takes_a_repository_behind_a_link(self):
        repository = self.shared_directory("real") / "repository"
        for words in [["init", "-q", repository], ["-C", repository, "commit", "-q", "--allow-empty",
                                                   "-m", "first"]]:
            subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
                           check=True, env=self.environment, timeout=20)
        subprocess.run(["chmod", "-R", "a+rX", repository], check=True)
        (self.directory / "link").symlink_to("real")
        for place in [repository, self.directory / "link/repository"]:
            for commit, status in [("HEAD", 0), ("HEAD^", 128)]:
                done = self.anchorhold("run", "git", "--set", f"repository={place}", "--",
                                       "git", "-C", place, "cat-file", "-e", commit)
                self.assertEqual(done.returncode, status, done)

    def test_run_without_a_profile_uses_the_default_one(self):
        cell = self.peer(command_line("run", "--", PROBE, "serve"))
        cell.initialize()
        self.assertIn("hidden", cell.tools())
        self.assertEqual(cell.attempt(f"write:{self.temporary(cell)}/file")["outcome"], "done")
        self.assertEqual(cell.attempt("socket-inet")["outcome"], "refused")
        self.assertEqual(cell.attempt(f"list:{self.home}")["outcome"], "refused")

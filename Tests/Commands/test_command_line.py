"""The words of the command line: what is understood, what is not, and what is said then."""

import json
import os
import shutil
import subprocess
import tempfile

from harness import BINARY, LEVEL, PATIENCE, PROBE, Case, command_line


class Words(Case):
    def refused(self, *arguments, status=2):
        """What is said of a command line that is not understood."""
        done = self.anchorhold(*arguments)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stdout, b"")
        lines = done.stderr.decode().splitlines()
        self.assertTrue(lines[0].startswith("anchorhold: error: "), lines)
        self.assertTrue(all(line.startswith("anchorhold: hint: ") for line in lines[1:]), lines)
        self.assertFalse(any(line.endswith(".") for line in lines), lines)
        return done.stderr.decode()

    def test_a_mistyped_verb_or_option_is_told_the_nearest(self):
        self.assertIn("did you mean run", self.refused("rnu"))
        self.assertIn("did you mean check", self.refused("chekc"))
        self.assertIn("did you mean --set", self.refused("run", "git", "--sett", "a=b", status=125))
        self.assertIn("did you mean --json", self.refused("check", "--jsn", "git"))

    def test_a_verb_of_a_later_version_is_not_called_unknown(self):
        for verb in ["explain", "learn", "wrap", "audit"]:
            self.assertIn("not part of this version", self.refused(verb))

    def test_nothing_moves_the_cursor_or_begins_a_line_of_its_own(self):
        def written(name, command, **more):
            path = self.directory / name
            path.write_text(json.dumps({"version": 1, "name": "x", "extends": "static",
                                        "server": {"command": command}, **more}))
            path.chmod(0o600)
            return path

        profile = written("dir.yaml", [PROBE, "serve"], filesystem={"read": ["${dir}"]},
                          variables={"dir": {"type": "directory", "required": True}})
        value = "dir=/tmp/\x1b[31mnone\nanchorhold: error: forged\u009b\u202e"
        script = self.directory / "script"
        script.write_bytes(b"#!/no/such\x1b]0;owned\x07/interp\n")
        script.chmod(0o755)
        other = written("script.yaml", [str(script)])
        odd = self.directory / "o\x1b[1md.yaml"
        odd.write_text("version: 1\nname: [\n")
        odd.chmod(0o600)
        for arguments in [["run", str(profile), "--set", value], ["check", str(profile), "--set", value],
                          ["verify", str(profile), "--set", value],
                          ["tools", str(profile), "--set", value], ["check", str(other)],
                          ["run", str(other)], ["check", str(odd)], ["run", str(odd)],
                          ["check", "--json", str(profile), "--set", value]]:
            with self.subTest(arguments[0]):
                done = self.anchorhold(*arguments)
                said = (done.stdout + done.stderr).decode()
                self.assertTrue(said)
                for scalar in "\x1b\x07\u009b\u202e":
                    self.assertNotIn(scalar, said)
                self.assertFalse([line for line in said.splitlines()
                                  if line.startswith("anchorhold: error: forged")], said)

    def test_words_that_were_joined_to_one_argument_are_told_apart(self):
        self.assertIn("is one argument", self.refused("run git --set repository=/src"))

    def test_options_are_read_strictly(self):
        for arguments in [["--set"], ["--set", "a"], ["--set", "=a"], ["--isolation"],
                          ["--isolation", "weak"],
                          ["--isolation", "full", "--isolation", "full"], ["-x"], ["git", "ls"],
                          ["--help=yes"]]:
            with self.subTest(arguments):
                self.refused("run", *(arguments if "git" in arguments else ["git", *arguments]),
                             status=125)
        self.refused("run", status=125)
        self.refused("run", "--", status=125)
        self.refused("check")
        self.refused("check", "--json=1", "time")

    def test_an_argument_that_is_not_utf8_is_refused_and_not_repaired(self):
        done = subprocess.run([BINARY, "check", b"\xff/git"], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"not UTF-8", done.stderr)

    def test_both_forms_of_an_option_mean_the_same(self):
        for form in [["--set", f"repository={self.home}"], [f"--set=repository={self.home}"]]:
            done = self.anchorhold("check", "git", "--json", *form)
            self.assertEqual(done.returncode, 0, done)
            self.assertNotIn(b"required and not set", done.stdout)
        self.assertIn(b"required and not set", self.anchorhold("check", "git").stdout)

    def test_a_missing_variable_is_an_error_to_run_with_what_to_write(self):
        said = self.refused("run", "git", status=125)
        self.assertIn("repository is required and not set", said)
        self.assertIn("--set repository=/path/to/directory", said)

    def test_a_command_in_one_word_is_told_apart_too(self):
        said = self.refused("run", "--", "python3 server.py", status=127)
        self.assertIn("write each of its words as an element of its own", said)

    def test_a_command_starts_where_it_was_given(self):
        here, elsewhere = self.shared_directory("here"), self.shared_directory("elsewhere")
        # At level container neither directory can be listed (test_container).
        listed = "" if LEVEL else "import beside\nassert os.listdir('/tmp') is not None\n"
        (here / "server.py").write_text(
            f"import os, sys\n{listed}"
            "sys.exit(0 if os.getcwd() == sys.argv[1] else 4)\n")
        (here / "beside.py").write_text("")
        for cwd, script in [(here, "server.py"), (elsewhere, "../here/server.py")]:
            # With a client that stays: one that leaves ends a server that is slow to start.
            cell = self.peer(command_line("run", "--", "/usr/bin/python3", script, cwd), cwd=cwd)
            self.assertEqual(cell.wait(), 0, cell.stderr)

    def test_what_a_program_of_the_user_starts_is_found_in_its_path(self):
        programs = self.home / ".local/bin"
        programs.mkdir(parents=True)
        for path in [self.directory, self.home]:
            path.chmod(0o755)
        (programs / "first").write_text("#!/bin/sh\nexec second\n")
        (programs / "second").write_text("#!/bin/sh\nexit 7\n")
        for name in ["first", "second"]:
            (programs / name).chmod(0o755)
        profile = self.profile("first", extends="auto",
                               server={"command": ["first"], "programs": ["second"]})
        done = self.anchorhold("run", profile)
        self.assertEqual(done.returncode, 7, done)

    def test_a_command_that_fetches_its_server_is_warned_of(self):
        for name, warned in [("npx", True), ("other", False)]:
            fake = self.directory / name
            fake.write_text("#!/bin/sh\nexit 3\n")
            fake.chmod(0o755)
            self.directory.chmod(0o755)
            done = self.anchorhold("run", "--", fake)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual(b"anchorhold: warning: npx fetches" in done.stderr, warned)

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "--version"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"cannot write the answer", done.stderr)

    def test_a_reader_that_goes_away_is_no_crash(self):
        ours, theirs = os.pipe()
        os.close(ours)
        with os.fdopen(theirs, "wb") as pipe:
            done = subprocess.run([BINARY, "check", "--schema"], stdout=pipe,
                                  stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (2, b""))


    def test_every_verb_without_words_is_told_its_own(self):
        for verb, status in [("run", 125), ("verify", 2), ("tools", 2)]:
            said = self.refused(verb, status=status)
            self.assertIn(f"hint: write for example anchorhold {verb} ", said)

    def test_a_tool_without_approve_is_told_of_it(self):
        self.assertIn("--approve", self.refused("tools", "git", "git_log"))
        self.assertNotIn("--approve", self.refused("run", "git", "git_log", status=125))

    def test_what_is_not_there_comes_with_a_hint(self):
        for words, status, hint in [
                (["completion", "tcsh"], 2, "write anchorhold completion bash, zsh or fish"),
                (["completion"], 2, "write anchorhold completion bash, zsh or fish"),
                (["run", "./nosuch.yaml"], 125, "a shipped profile is named without one: default"),
                (["run", "--", "/nonexistent"], 127, "correct the path"),
                (["run", "time", "--set", "a=b"], 125, "it has none at all: leave out --set")]:
            said = self.refused(*words, status=status)
            self.assertIn(f"anchorhold: hint: {hint}", said.replace("correct the path; ", "")
                          if "shipped" in hint else said, words)


class Answers(Case):
    def test_the_schema_is_json(self):
        schema = json.loads(self.anchorhold("check", "--schema").stdout)
        self.assertIn("tools", schema["properties"])

    def test_the_shipped_profiles_are_good(self):
        done = self.anchorhold("check", "--json", "default", "git", "sqlite", "time")
        self.assertEqual(done.returncode, 0, done)
        reports = json.loads(done.stdout)["profiles"]
        self.assertEqual([r["name"] for r in reports], ["default", "git", "sqlite", "time"])
        self.assertTrue(all(r["good"] for r in reports))

    def test_a_variable_without_a_value_is_shown_as_one(self):
        said = self.anchorhold("check", "git").stdout.decode()
        self.assertIn('  read         "${repository}" (line', said)
        self.assertNotIn("/{repository}", said)
        self.assertIn(f'"{self.home}" (line', self.anchorhold(
            "check", "git", "--set", f"repository={self.home}").stdout.decode())
        path = self.directory / "own.yaml"
        path.write_text("version: 1\nname: own\nvariables: {word: {required: true}}\n"
                        'server: {command: [/bin/true, "/srv/${word}"]}\n')
        self.assertIn('"/srv/${word}"', self.anchorhold("check", path).stdout.decode())

    def test_one_bad_profile_among_good_ones_is_seen(self):
        bad = self.directory / "bad.yaml"
        bad.write_text("version: 1\nname: bad\nlimts: {}\n")
        done = self.anchorhold("check", "time", bad)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{bad}:3:1: error: unknown key limts\n{bad}:3:1: hint: did you mean limits",
                      done.stdout.decode())
        self.assertEqual(self.anchorhold("check", bad, "nowhere").returncode, 2)

    def test_a_system_call_that_cannot_be_added_is_a_finding(self):
        for call, said in [("mlock", None), ("mlokc", b"did you mean mlock"),
                           ("mount", b"cannot be added")]:
            path = self.directory / f"{call}.yaml"
            path.write_text(f"version: 1\nname: x\nsyscalls: {{add: [{call}]}}\n")
            done = self.anchorhold("check", path)
            self.assertEqual(done.returncode, 1 if said else 0, done)
            if said:
                self.assertIn(f"{path}:3:18: error: ".encode(), done.stdout)
                self.assertIn(said, done.stdout)

    def test_what_is_no_file_is_not_waited_for(self):
        for make, name in [(os.mkfifo, "pipe"), (os.mkdir, "directory")]:
            path = self.directory / name
            make(path)
            done = self.anchorhold("check", path)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"not a regular file", done.stdout)

    def test_a_link_to_a_good_profile_is_followed_and_a_strangers_file_behind_it_is_not(self):
        good = self.directory / "good.yaml"
        good.write_text("version: 1\nname: good\n")
        link = self.directory / "link.yaml"
        link.symlink_to(good)
        self.assertEqual(self.anchorhold("check", link).returncode, 0)
        with tempfile.TemporaryDirectory() as open_to_all:
            os.chmod(open_to_all, 0o777)
            behind = os.path.join(open_to_all, "p.yaml")
            with open(behind, "w") as file:
                file.write("version: 1\nname: good\n")
            link.unlink()
            link.symlink_to(behind)
            done = self.anchorhold("check", link)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"others can write", done.stdout)

    def assertEven(self, script, shell):
        """Every quotation that a line of a script begins, it ends."""
        if shell == "bash":
            return  # Run below.
        for line in script.splitlines():
            quote, at = None, 0
            while at < len(line):
                sign = line[at]
                if sign == "\\" and (shell == "fish" or quote != "'"):
                    at += 1
                elif quote is None and sign in "'\"":
                    quote = sign
                elif sign == quote:
                    quote = None
                at += 1
            self.assertIsNone(quote, f"{shell}: {line}")

    def test_completions_are_scripts_of_their_shells(self):
        for shell in ["bash", "zsh", "fish"]:
            done = self.anchorhold("completion", shell)
            self.assertEqual(done.returncode, 0)
            for word in [b"run", b"check", b"sqlite"]:
                self.assertIn(word, done.stdout)
            self.assertEven(done.stdout.decode(), shell)
            # Where there is the shell itself, it says whether it can read it.
            if shutil.which(shell):
                check = subprocess.run([shell, "-n"], input=done.stdout, capture_output=True,
                                       timeout=PATIENCE)
                self.assertEqual((check.returncode, check.stderr), (0, b""), shell)
        script = self.anchorhold("completion", "bash").stdout + (
            b"COMP_WORDS=(anchorhold ch) COMP_CWORD=1; _anchorhold; echo \"${COMPREPLY[@]}\"\n"
            b"COMP_WORDS=(anchorhold run --s) COMP_CWORD=2; _anchorhold; echo \"${COMPREPLY[@]}\"\n")
        for words in [b"run git --set \"\"", b"run --isolation \"\"", b"run git -- gi",
                      b"run gi"]:
            script += (b"COMP_WORDS=(anchorhold " + words + b") COMP_CWORD=$((${#COMP_WORDS[@]}-1));"
                       b" _anchorhold; printf '%s ' \"${COMPREPLY[@]}\" | tr -s ' ' '\\n'"
                       b" | grep -xE 'full|git|sqlite' | sort -u | tr '\\n' ,; echo\n")
        done = subprocess.run(["bash"], input=script, capture_output=True, timeout=PATIENCE)
        # The last but one is the program git, completed as a command.
        self.assertEqual(done.stdout, b"check\n--set\n\nfull,\ngit,\ngit,\n", done.stderr)

    def test_a_directory_whose_name_is_not_utf8_is_in_nobodys_way(self):
        here = os.fsencode(self.directory) + b"/caf\xe9"
        os.mkdir(here)
        profile = self.profile()
        for words in [["check", profile], ["run", profile], ["run", "--", PROBE, "serve"],
                      ["check", "git", "--set", f"repository={self.home}/"]]:
            done = self.anchorhold(*words, cwd=here)
            self.assertEqual(done.returncode, 0, done)
        for words, status in [(["check", "./p.yaml"], 2), (["run", "./p.yaml"], 125),
                              (["run", "git", "--set", "repository=r"], 125),
                              (["run", "--", "./probe"], 125)]:
            self.assertEqual(self.anchorhold(*words, cwd=here).returncode, status, words)

    def test_a_link_that_leads_nowhere_makes_room_for_no_other_profile(self):
        place = self.directory / "config/anchorhold/profiles"
        place.mkdir(parents=True)
        environment = {**self.environment, "XDG_CONFIG_HOME": str(self.directory / "config")}
        self.assertEqual(self.anchorhold("check", "time", env=environment).returncode, 0)
        (place / "time.yaml").symlink_to("/nowhere/time.yaml")
        done = self.anchorhold("check", "time", env=environment)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(f'the link "{place}/time.yaml" leads nowhere', done.stdout.decode())
        self.assertEqual(self.anchorhold("run", "time", env=environment).returncode, 125)
        (place / "time.yaml").unlink()
        place.rmdir()
        place.symlink_to("/nowhere")
        self.assertEqual(self.anchorhold("check", "time", env=environment).returncode, 2)

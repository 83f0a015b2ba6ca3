"""`verify`: what a probe in the real cell finds, and that it turns red when a wall is down."""

import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

from harness import (BINARY, GROUPS, LEVEL, PATIENCE, PROBE, ROOT, SLOWLY, SLOWNESS, TOP, Case,
                     can_be_had, command_line, descendants, is_filtered, level_full, need,
                     not_promised, processes, send_signal, until)
from test_steps import ASKED_FOR, CONTAINER_ONLY, ESSENTIAL, steps

SKIPPING = os.environ.get("ANCHORHOLD_SKIPPING", str(TOP / ".build/skipping/debug/anchorhold"))

CLASSES = {
    "mounts", "namespaces", "kernel", "kernel memory and i/o", "keyrings", "time", "host name",
    "foreign calls", "settings", "socket families", "sockets", "tracing", "processes",
    "capabilities", "identity", "host files", "host sockets", "set-id and devices", "devices",
    "proc", "descriptors", "terminals", "driver requests", "environment", "grants", "limits",
    "persistence",
}
CONTROLS = {"done", "reached", "done apart", "reached apart", "absent"}


def scratch():
    """The private directories of verifications, whoever's they are."""
    return {path.name for path in pathlib.Path("/tmp").glob("anchorhold-verify-" + "[0-9a-f]" * 16)}


def removed(before):
    """Whether no directory is there that was not before; one of somebody else's run goes with it."""
    return until(lambda: scratch() <= before, 3 * PATIENCE)


def open_checks(answer):
    """What did not hold, as "class: name"."""
    return {f"{c['class']}: {c['name']}" for c in answer["checks"]
            if not c["held"] and c["control"] != "absent"}


def is_probe(pid):
    """Whether it is the probe, by the name that it was executed under."""
    try:
        name = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False
    return name.split(b"/")[-1].lstrip(b".") == b"anchorhold-probe"


class Verify(Case):
    def verify(self, profile=None, *arguments, binary=BINARY, status=0, env=None, **options):
        """The answer of `verify --json`, which has to end with `status`."""
        profile = profile if profile is not None else self.profile()
        done = subprocess.run(command_line("verify", *SLOWLY, "--json", profile, *arguments, binary=binary),
                              env=env or self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, **options)
        answer = json.loads(done.stdout) if done.stdout else done.stderr.decode()
        found = answer if isinstance(answer, str) else (
            [c for c in answer["checks"] if not c["held"] and c["control"] != "absent"],
            answer["seal"]["broken"])
        self.assertEqual(done.returncode, status, found)
        return answer

    def interfere(self, number, *arguments, binary=BINARY, env=None,
                  met=lambda process, out: process.returncode != 0):
        """Sends a signal to the probe while it is at work; gives the ended process and its words."""
        for _ in range(10):
            process = subprocess.Popen(
                command_line("verify", *SLOWLY, self.profile(), *arguments, binary=binary),
                env=env or self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            hit = False
            while process.poll() is None and not hit:
                table = processes()
                for pid in descendants(process.pid):
                    # The one below init, and not a child that it made for an attempt.
                    if is_probe(pid) and not is_probe(table.get(pid, (0, "", ""))[0]):
                        try:
                            send_signal(pid, number)
                        except ProcessLookupError:
                            continue  # It came to its end meanwhile.
                        hit = True
                        break
            out, err = process.communicate(timeout=PATIENCE)
            if hit and met(process, out):
                return process, out, err
        self.fail("the probe was never met at work")


class WhatHolds(Verify):
    def test_everything_holds_in_the_cell_of_a_profile(self):
        before = scratch()
        began = time.monotonic()
        answer = self.verify()
        self.assertLess(time.monotonic() - began, 10 * SLOWNESS)
        self.assertIs(answer["held"], True)
        self.assertEqual(answer["profile"], self.name)
        self.assertEqual({c["class"] for c in answer["checks"]}, CLASSES)
        names = [(c["class"], c["name"]) for c in answer["checks"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(sum(c["held"] for c in answer["checks"]), 150)
        for check in answer["checks"]:
            self.assertIn(check["control"], CONTROLS)
            promised = check["promised"] or not LEVEL
            self.assertEqual(check["held"], promised and check["control"] != "absent", check)
        self.assertIs(answer["seal"]["held"], True)
        self.assertGreater(answer["seal"]["comparisons"], 50)
        self.assertIn("this program, read-only" if LEVEL else "/.anchorhold-probe",
                      " ".join(answer["notes"]))
        # Nothing of it is left, and nothing was recorded: no session took place.
        self.assertTrue(removed(before), scratch() - before)
        self.assertFalse(self.audit_directory.exists())

    def test_no_class_is_without_a_control_that_worked(self):
        answer = self.verify()
        # In a container's own filter and without mounts these show nothing.
        for group in CLASSES - ({"host name", "grants"} if LEVEL else set()):
            held = [c for c in answer["checks"] if c["class"] == group and c["held"]]
            self.assertTrue(held, group)

    def test_a_person_reads_a_line_for_each_class_and_a_verdict(self):
        done = self.anchorhold("verify", *SLOWLY, self.profile())
        lines = done.stdout.decode().splitlines()
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        rows = [re.match(r"held +(\S.*?)  +(\d+)/(\d+)$", line) for line in lines]
        rows = {row[1]: row for row in rows if row}
        # Where nothing of a class could be shown, in a container, its line says so.
        missing = CLASSES - set(rows) if is_filtered() else set()
        self.assertEqual(set(rows), CLASSES - missing | {"read-back"})
        self.assertLess(len(missing), 4, missing)
        self.assertTrue(all(row[2] == row[3] for row in rows.values()))
        self.assertRegex(lines[-1], rf"^{self.name}: all \d+ checks held")
        self.assertLess(len(lines), 70)
        verbose = self.anchorhold("verify", *SLOWLY, self.profile(), "--verbose").stdout.decode()
        for words in ["held    reboot: refused", "held    kill-init: refused",
                      "held    socket-family-vsock: refused"]:
            if words.startswith("held    reboot") and (not ROOT or is_filtered()):
                continue
            self.assertIn(words, verbose)

    def test_the_command_of_the_command_line_takes_the_place_of_the_profile_s(self):
        done = self.anchorhold("verify", *SLOWLY, "--json", "--", PROBE, "serve")
        # A native command without a preset of its own.
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["profile"], "default")

    def test_no_content_of_the_callers_files_and_variables_is_printed(self):
        (self.home / ".ssh").mkdir()
        (self.home / "secret").write_text("a-secret-of-the-caller")
        done = self.anchorhold("verify", *SLOWLY, "--json", self.profile(),
                               env={**self.environment, "TOKEN": "a-secret-of-the-caller"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"a-secret-of-the-caller", done.stdout + done.stderr)
        self.assertNotIn(b"root:", done.stdout)
        names = {c["name"]: c for c in json.loads(done.stdout)["checks"]}
        for name in ["home-open-directory", "home-ssh-open-directory", "profile-read-byte"]:
            self.assertEqual((names[name]["held"], names[name]["control"]), (True, "done"))

    def test_the_page_about_it_says_what_is_there(self):
        page = (TOP / "docs/verification.md").read_text()
        table = (TOP / "Sources/CProbe/checks.c").read_text()
        entries = re.findall(r'^  \{"([^"]+)", "[^"]+",', table, re.M)
        self.assertEqual(re.search(r"^(\d+) checks that are the same", page, re.M)[1],
                         str(len(entries)))
        for group in CLASSES:
            self.assertRegex(page, rf"(?m)^\| .*\b{re.escape(group)}\b.* \|")
        for step in WallsThatAreDown.FOUND:
            self.assertRegex(page, rf"(?m)^\| .*\b{step}\b.* \|")


class WhatAProfileAllows(Verify):
    def test_a_write_grant_is_no_finding_and_the_rest_still_holds(self):
        read, write = self.shared_directory("read"), self.shared_directory("write")
        answer = self.verify(self.profile(read=[read], write=[write]))
        names = {c["name"]: c for c in answer["checks"] if c["class"] == "grants"}
        self.assertEqual(names[f"read-only {read}"]["control"], "done")
        # Attributes of mounts are what this asks for, and at level container there are none.
        self.assertEqual(names[f"read-only {read}"]["held"], not LEVEL)
        self.assertTrue(names[f"not writable {read}"]["held"])
        self.assertNotIn(f"read-only {write}", names)
        self.assertNotIn(f"not writable {write}", names)
        self.assertEqual(names[f"no execution {write}"]["held"], not LEVEL)

    def test_names_of_all_kinds_are_looked_at(self):
        for name in ["größe 日本", 'a "b" \\ c', "two\nlines", "a:b,c@d"]:
            here = self.shared_directory(name)
            answer = self.verify(self.profile(read=[here]))
            names = {c["name"]: c["held"] for c in answer["checks"]}
            self.assertTrue(names[f"not writable {here}"], name)
        done = self.anchorhold("verify", *SLOWLY, self.profile(read=[here.parent / "two\nlines"]),
                               "--verbose")
        self.assertIn("two\\u{a}lines: refused", done.stdout.decode())

    @level_full("taking away")
    def test_a_hidden_path_is_looked_for(self):
        here = self.shared_directory("files")
        (here / "key").write_text("key")
        (here / "key").chmod(0o644)
        answer = self.verify(self.profile(read=[here], hide=[here / "key"]))
        names = {c["name"]: c for c in answer["checks"]}
        self.assertTrue(names[f"hidden {here}/key read-byte"]["held"])

    @level_full("temporary")
    def test_temporary_space_stops_for_want_of_room_and_not_at_the_limit_of_one_file(self):
        # The control: that limit is met first by one file of the space's size.
        answer = self.verify(self.profile(limits={"file_size": "64MiB", "temporary": "200MiB"}))
        names = {c["name"]: c for c in answer["checks"]}
        for path in ["/tmp", "/home/server", "/dev/shm"]:
            self.assertEqual(names[f"{path} stops"]["detail"], "refused, ENOSPC")
        self.assertEqual(names["max-file-size stops"]["detail"], "refused, EFBIG")
        answer = self.verify(self.profile(limits={"file_size": "4KiB", "temporary": "200MiB"}))
        self.assertNotIn("/tmp stops", {c["name"] for c in answer["checks"]})
        self.assertIn("/tmp stops is not tried", " ".join(answer["notes"]))

    def test_a_call_that_the_profile_adds_is_not_said_to_be_refused(self):
        # At level container chown would change files of the caller's own that are not granted.
        chown = [] if LEVEL and not ROOT else ["chown"]
        answer = self.verify(self.profile(syscalls={"add": [*chown, "ptrace"]}))
        names = {c["name"] for c in answer["checks"]}
        allowed = {entry["check"] for entry in answer["allowed"]}
        for name in [*(f"identity: {name}" for name in chown), "tracing: ptrace-traceme"]:
            self.assertIn(name, allowed)
            self.assertNotIn(name.split(": ")[1], names)
        self.assertIn("fchown", names)

    def test_a_granted_place_is_not_said_to_be_out_of_reach(self):
        here = self.shared_directory("granted")
        env = {**self.environment, "HOME": str(here)}
        answer = self.verify(self.profile(read=[here]), env=env)
        names = {c["name"] for c in answer["checks"]}
        self.assertIn("host files: home-open-directory",
                      {entry["check"] for entry in answer["allowed"]})
        self.assertNotIn("home-open-directory", names)
        self.assertIn("home-may-write", names)

    @level_full("names")
    def test_what_the_cell_has_of_its_own_is_not_taken_for_the_callers_home(self):
        # The cell has a /tmp, a /dev and an /etc of its own, and the directories above a grant.
        here = self.shared_directory("above")
        (here / "granted").mkdir()
        for home in ["/tmp", "/tmp/", "/dev", "/etc", "/proc", str(here)]:
            env = {**self.environment, "HOME": home}
            answer = self.verify(self.profile(read=[here / "granted"]), env=env)
            names = {c["name"]: c for c in answer["checks"]}
            for verb in ["stat", "open-directory", "open-path"]:
                check = names[f"home-{verb}"]
                self.assertTrue(check["held"], (home, check))
                self.assertEqual(check["control"], "done", (home, check))

    def test_the_same_file_is_told_from_another_of_its_name(self):
        # The control: the attempt sees the caller's own directory where it is the caller's own.
        status = os.stat("/tmp")
        same = f"host:{status.st_dev}:{status.st_ino}:stat:/tmp"
        other = f"host:{status.st_dev}:{status.st_ino + 1}:stat:/tmp"
        found = self.outside(same, other)
        self.assertEqual(found[same]["outcome"], "done")
        self.assertEqual((found[other]["outcome"], found[other]["errno"]), ("refused", ""))


class WhatCannotBeDone(Verify):
    def test_a_wrong_command_line_or_profile_is_status_2(self):
        for arguments in [[], ["no-such-profile"], [self.directory / "missing.yaml"],
                          ["--json", "--verbose", self.profile()], ["--what"]]:
            done = self.anchorhold("verify", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(b"anchorhold: error: ", done.stderr)

    def test_a_tight_limit_is_no_finding(self):
        if not ROOT:
            not_promised(self, "counted")
        self.verify(self.profile(limits={"processes": 8}))

    def test_a_probe_that_dies_is_no_pass(self):
        before = scratch()
        process, out, err = self.interfere(signal.SIGKILL)
        self.assertEqual((process.returncode, out), (2, b""))
        self.assertIn(b"error: the probe failed", err)
        self.assertTrue(removed(before), scratch() - before)

    def test_a_probe_that_hangs_is_no_pass(self):
        before = scratch()
        began = time.monotonic()
        process, out, err = self.interfere(signal.SIGSTOP)
        self.assertLess(time.monotonic() - began, 20 * SLOWNESS)
        self.assertEqual((process.returncode, out), (2, b""))
        self.assertIn(b"error: the probe failed: it did not answer in time", err)
        self.assertTrue(removed(before), scratch() - before)

    def survivors(self):
        """Processes that bear this test's profile in their command line."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if self.name.encode() in pathlib.Path(f"/proc/{entry}/cmdline").read_bytes():
                    found.append(int(entry))
            except OSError:
                continue
        return found

    def test_a_signal_ends_it_and_nothing_is_left(self):
        before = scratch()
        profile = self.profile(limits={"processes": 400})
        seen, directories = 0, set()
        delays = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]
        for delay in delays + [random.uniform(0.005, 0.2) for _ in range(8)]:
            for number in [signal.SIGTERM, signal.SIGKILL]:
                process = subprocess.Popen(
                    command_line("verify", *SLOWLY, profile), env=self.environment,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                time.sleep(delay)
                seen = max(seen, len(self.survivors()))
                there = scratch() - before
                process.send_signal(number)
                process.communicate(timeout=PATIENCE)
                self.assertIn(process.returncode, (0, 2, -number))
                self.assertTrue(until(lambda: not self.survivors(), 3 * SLOWNESS),
                                len(self.survivors()))
                directories |= there
                self.assertTrue(removed(before), scratch() - before)
        self.assertGreater(seen, 1, "the control: its processes bear the name")
        self.assertNotEqual(directories, set(), "the control: its directory was there")


@level_full("steps")
class WallsThatAreDown(Verify):
    """A build that leaves a step out: the probe has to notice what the read-back notices."""

    # What the probe finds open when the step is left out.
    FOUND = {
        "IPC_NAMESPACE": "namespaces: not the caller's ipc",
        "CGROUP_NAMESPACE": "namespaces: not the caller's cgroup",
        "HOST_NAME": "host name: not the host's",
        "TIME_NAMESPACE": "namespaces: not the caller's time",
        "CLOCKS": "time: the machine's boot clock",
        "BIND_ATTRIBUTES": "grants: read-only /.anchorhold-probe",
        "TEMPORARY": "grants: no execution /tmp",
        "PROC": "proc: not-its-own",
        "ROOT_READ_ONLY": "grants: read-only /",
        "LIMIT": "limits: max-open-files stops",
        "UMASK": "set-id and devices: open-umask",
        "SECUREBITS": "capabilities: open-securebits",
        "BOUNDING": "capabilities: bounding-set",
        "LANDLOCK": "host files: list-root",
        "INIT_DUMPABLE": "proc: init-environ",
        "FILTER": "mounts: mount",
        "SESSION": "processes: other-session",
        "DESCRIPTORS": "descriptors: extra-descriptors",
        "SIGNALS": "processes: deaf-to-signals",
        "PARENT_DEATH": "processes: no-death-signal",
        "WRITE_EXECUTE": "settings: written and executed at-once",
        "SPECULATION": "settings: Speculation_Store_Bypass",
    }
    # The same where the caller has control groups.
    FOUND_IN_GROUP = {
        "CGROUP": "limits: memory of the cell together stops",
        "CGROUP_LIMITS": "limits: processes of the cell together stop",
    }
    # Only the read-back can see these: the probe has nothing left to find after exec, or what is
    # missing is no wall.
    READ_BACK = {"LOOPBACK", "LINK", "DETACH", "CAPABILITIES", "WORKING_DIRECTORY", "ENVIRONMENT",
                 "KEEPER_SESSION", "KEEPER_SIGNALS", "KEEPER_DESCRIPTORS", "KEEPER_ENVIRONMENT",
                 "KEEPER_LANDLOCK", "KEEPER_DUMPABLE", "KEEPER_FILTER"}
    # Without these the cell does not come to be.
    NO_CELL = {"USER_NAMESPACE", "MOUNT_NAMESPACE", "PID_NAMESPACE", "UTS_NAMESPACE",
               "NETWORK_NAMESPACE", "ID_MAP", "DIRECTORY", "FILE", "BIND", "PIVOT",
               "NO_NEW_PRIVILEGES", "KEEPER_NO_NEW_PRIVILEGES"}

    # Those that do something for some callers only, with tests of their own below or, for
    # PROPAGATION, which the probe cannot see, in test_steps.
    BY_CALLER = {"CALLER_GROUPS", "CALLER_IDS", "GROUP_ID", "USER_ID", "PROPAGATION",
                 "KEEPER_CAPABILITIES"}

    # Of the relay, which verify does not start, and of a session's monitor: test_steps has them.
    RELAY = {step for step in steps() if step.startswith(("RELAY_", "MONITOR_"))}

    def setUp(self):
        super().setUp()
        need(self, os.path.exists(SKIPPING), "the build that can leave out steps: make skipping")

    def without(self, step, status, **options):
        env = {**self.environment, "ANCHORHOLD_SKIP_STEP": step}
        return self.verify(binary=SKIPPING, env=env, status=status, **options)

    def test_the_same_build_finds_nothing_when_nothing_is_left_out(self):
        self.assertEqual(open_checks(self.without("NONE", 0)), set())

    def test_no_step_is_left_out_of_these_lists(self):
        lists = [set(self.FOUND), set(self.FOUND_IN_GROUP), self.READ_BACK, self.NO_CELL,
                 self.BY_CALLER, set(ESSENTIAL), self.RELAY, CONTAINER_ONLY]
        self.assertEqual(set().union(*lists), set(steps()))
        self.assertEqual(sum(map(len, lists)), len(steps()))

    def test_the_probe_and_the_read_back_notice_each_wall_that_is_down(self):
        for step, name in (self.FOUND | (self.FOUND_IN_GROUP if GROUPS else {})).items():
            if not can_be_had(step):
                continue  # nothing to leave out here
            with self.subTest(step=step):
                asked = self.profile(**ASKED_FOR.get(step, {}))
                if step in ASKED_FOR:
                    self.assertEqual(open_checks(self.without("NONE", 0, profile=asked)), set())
                answer = self.without(step, 1, profile=asked)
                self.assertIn(name, open_checks(answer))
                self.assertIs(answer["held"], False)
                self.assertIs(answer["seal"]["held"], False)

    def test_what_only_the_read_back_sees_is_red_as_well(self):
        for step in self.READ_BACK | ({"KEEPER_CAPABILITIES"} if ROOT else set()):
            with self.subTest(step=step):
                answer = self.without(step, 1)
                self.assertIs(answer["held"], False)
                self.assertNotEqual(answer["seal"]["broken"], [])

    def test_without_the_rest_there_is_no_cell(self):
        for step in self.NO_CELL | ({"CALLER_IDS"} if ROOT else set()):
            with self.subTest(step=step):
                self.assertIn("error: cannot ", self.without(step, 2))

    def test_groups_that_root_keeps_are_found(self):
        if not ROOT:
            self.skipTest("root, whose groups can be dropped")
        kept = self.without("CALLER_GROUPS", 1, extra_groups=[27])
        self.assertIn("identity: no supplementary groups", open_checks(kept))
        self.assertEqual(open_checks(self.without("NONE", 0, extra_groups=[27])), set())

    def test_ids_that_a_caller_could_come_back_to_are_no_pass(self):
        if not ROOT:
            self.skipTest("root, to start an ordinary user whose real ids are root's")
        self.directory.chmod(0o755)
        profile = self.profile()
        os.chown(profile, 4321, 4321)

        def become():
            os.setgroups([])
            os.setresgid(0, 4321, 4321)
            os.setresuid(0, 4321, 4321)

        self.without("NONE", 0, profile=profile, preexec_fn=become)
        for step in ["GROUP_ID", "USER_ID"]:
            with self.subTest(step=step):
                answer = self.without(step, 1, profile=profile, preexec_fn=become)
                self.assertIs(answer["held"], False)
                self.assertIs(answer["seal"]["held"], False)

    def test_what_the_read_back_found_is_said_when_the_probe_dies(self):
        process, out, err = self.interfere(
            signal.SIGKILL, "--json", binary=SKIPPING,
            env={**self.environment, "ANCHORHOLD_SKIP_STEP": "HOST_NAME"},
            met=lambda process, out: out and not json.loads(out)["checks"])
        answer = json.loads(out)
        self.assertEqual((process.returncode, err), (1, b""))
        self.assertEqual((answer["held"], answer["seal"]["held"]), (False, False))
        self.assertRegex(answer["seal"]["broken"][0], "^cell.host_name: should be")
        self.assertRegex(answer["notes"][-1], "^nothing but the read-back is shown: the probe ")

    def test_the_table_says_what_is_open(self):
        env = {**self.environment, "ANCHORHOLD_SKIP_STEP": "LANDLOCK"}
        done = subprocess.run([SKIPPING, "verify", *SLOWLY, str(self.profile())], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        text = done.stdout.decode()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(text, r"(?m)^BROKEN   host files +\d+/\d+$")
        self.assertIn("OPEN    list-root: done (outside: done)", text)
        self.assertIn("OPEN    landlock.canary: should be", text)
        self.assertRegex(text.splitlines()[-1], rf"^{self.name}: \d+ did not hold, \d+ did")

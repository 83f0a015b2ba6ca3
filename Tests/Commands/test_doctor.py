"""What `doctor` says where something is missing: each wall is taken away once."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness import BINARY, PATIENCE, PODMAN, PROBE, ROOT, TOP, Case, need
from refuse import MOUNTS

UNSHARE = shutil.which("unshare")
REFUSE = str(TOP / "Tests/Commands/refuse.py")

# What has nothing to do with namespaces, and what level container needs.
EVERYWHERE = {"no-new-privileges", "seccomp", "landlock", "resource-limits", "openat2", "close-range",
              "pidfd"}
CONTAINER = EVERYWHERE | {"own-user", "children-listed"}


def trial(*wrapper):
    """The doctor's findings under `wrapper`, by name, its whole answer and its exit status."""
    done = subprocess.run([*wrapper, BINARY, "doctor", "--json"], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)
    answer = json.loads(done.stdout)
    return {control["name"]: control for control in answer["controls"]}, answer, done.returncode


def missing(answer, level):
    return {entry["level"]: set(entry["missing"]) for entry in answer["levels"]}[level]


def refusing(calls, error="EPERM"):
    return [sys.executable, REFUSE, calls, error, "--"]


ORDINARY = [UNSHARE, "-U", "--map-user=1000", "--map-group=1000", "--keep-caps"]


def works_here():
    if UNSHARE is None:
        return False
    return subprocess.run([*ORDINARY, "true"],
                          capture_output=True).returncode == 0


class Doctor(Case):
    def setUp(self):
        super().setUp()
        need(self, works_here(), "unshare and user namespaces")

    def holds(self, answer, full, container=True):
        """Holds which levels there are, and that everything that says so agrees."""
        held = {entry["level"]: entry["holds"] for entry in answer["levels"]}
        self.assertEqual(held, {"full": full, "container": container}, answer["levels"])
        self.assertEqual(answer["full"], full)
        for level, is_held in held.items():
            self.assertEqual(missing(answer, level), {
                c["name"] for c in answer["controls"] if level in c["levels"] and not c["works"]})
            self.assertEqual(is_held, not missing(answer, level))
        for control in answer["controls"]:
            self.assertEqual(control["required"], "full" in control["levels"])
            if control["works"]:
                self.assertIsNone(control["mend"], control)
        mended = {name for mend in answer["mends"] for name in mend["controls"]}
        self.assertEqual(mended, {c["name"] for c in answer["controls"] if c["mend"]})


class Levels(Doctor):
    def test_all_is_well_here(self):
        found, answer, status = trial()
        broken = [name for name, control in found.items()
                  if control["required"] and not control["works"]]
        need(self, not broken, f"this machine allows {broken}")
        self.assertEqual(status, 0)
        self.holds(answer, full=True)
        self.assertEqual({n for n, c in found.items() if "container" in c["levels"]}, CONTAINER)
        self.assertEqual(answer["here"]["user"], os.geteuid())
        self.assertEqual(answer["here"]["kernel"], os.uname().release)
        self.assertEqual(answer["here"]["refused_calls"], [])
        inside, _, status = trial(*ORDINARY)
        self.assertEqual((status, inside["mount-in-namespace"]["works"]), (0, True))

    def test_no_user_namespaces(self):
        shell = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"'
        found, answer, status = trial(*ORDINARY, "sh", "-c", shell)
        self.assertEqual(status, 1)
        self.holds(answer, full=False)
        broken = found["user-namespace"]
        # ENOSPC: the limit, and not a namespace that could not be made anyway.
        self.assertEqual(broken["detail"], "cannot make the namespace: No space left on device")
        self.assertEqual(broken["mend"], "sudo sysctl -w user.max_user_namespaces=15000")
        # What has nothing to do with it still works.
        for name in CONTAINER:
            self.assertTrue(found[name]["works"], name)

    def test_root_that_may_become_nobody_else(self):
        found, answer, status = trial(UNSHARE, "--user", "--map-root-user")
        self.assertEqual(status, 1)
        self.holds(answer, full=False, container=False)
        self.assertEqual(missing(answer, "container"), {"own-user"})
        self.assertIn("cannot change to an ordinary user", found["own-user"]["detail"])
        self.assertTrue(found["own-user"]["mend"], found["own-user"])

    def test_root_without_the_rights_that_it_needs(self):
        if not ROOT:
            self.skipTest("rights of root")
        found, answer, status = trial("setpriv", "--bounding-set=-setuid,-setgid")
        self.assertEqual(missing(answer, "container"), {"own-user"})
        self.assertFalse(answer["full"])
        self.assertIn("ordinary user", found["user-namespace"]["mend"])
        # Without this one it cannot look at a process of another user, also in `run`.
        found, answer, status = trial("setpriv", "--bounding-set=-sys_ptrace")
        self.assertEqual((status, missing(answer, "full")), (1, {"read-back"}))
        self.holds(answer, full=False)
        self.assertIn("CAP_SYS_PTRACE", found["read-back"]["mend"])
        done = subprocess.run(["setpriv", "--bounding-set=-sys_ptrace", BINARY, "run",
                               str(self.profile())], env=self.environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual(done.returncode, 125, done)
        found, answer, status = trial("setpriv", "--bounding-set=-setpcap")
        self.assertFalse(found["bounding-set"]["works"])
        self.assertNotIn("bounding-set", missing(answer, "container"))


class Places(Doctor):
    def test_a_covered_proc(self):
        shell = 'mount -t tmpfs none /proc/scsi 2>/dev/null || mount -t tmpfs none /proc/tty; ' \
                'exec "$0" "$@"'
        found, answer, status = trial(*ORDINARY, "-m", "sh", "-c", shell)
        self.assertEqual(status, 1)
        self.holds(answer, full=False)
        self.assertEqual(missing(answer, "full"), {"proc-mount"})
        self.assertRegex(found["proc-mount"]["mend"], "/proc|unmask|systempaths|procMount")

    def test_the_proc_of_another_pid_namespace(self):
        found, answer, status = trial(*ORDINARY, "--pid", "--fork")
        self.assertEqual(status, 1)
        self.holds(answer, full=False, container=False)
        self.assertEqual(missing(answer, "container"), {"children-listed"})
        self.assertIn("read-back", missing(answer, "full"))
        for name in ["children-listed", "read-back"]:
            self.assertIn("mount this pid namespace's own /proc", found[name]["mend"])

    def test_a_chroot(self):
        root = self.directory / "root"
        (root / "proc").mkdir(parents=True)
        shutil.copy(BINARY, root / "anchorhold")
        command = [*ORDINARY, "-m", "sh", "-c",
                   'mount --rbind /proc "$0/proc" && exec chroot "$0" /anchorhold doctor --json',
                   str(root)]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=PATIENCE)
        answer = json.loads(done.stdout)
        found = {c["name"]: c for c in answer["controls"]}
        self.assertEqual((done.returncode, answer["here"]["chroot"]), (1, True), done)
        self.holds(answer, full=False)
        self.assertEqual(found["user-namespace"]["detail"],
                         "cannot make the namespace: Operation not permitted")
        self.assertTrue(found["user-namespace"]["mend"].startswith("leave the chroot"))
        # The control: without it the same caller is not in one, and may.
        found, answer, _ = trial(*ORDINARY, "-m")
        self.assertEqual((answer["here"]["chroot"], found["user-namespace"]["works"]), (False, True))

    def test_hard_limits_below_the_usual_ones(self):
        found, answer, status = trial("prlimit", "--nofile=64:64")
        self.assertEqual(found["hard-limits"]["detail"], "limits.open_files is 64 and not 1024")
        self.assertIn("--ulimit", found["hard-limits"]["mend"])
        self.assertEqual(status, 0, "a profile can ask for less")

    def test_what_could_not_be_tried_is_no_finding(self):
        if ROOT:
            self.skipTest("the number of root's processes is not limited")
        found, answer, status = trial("prlimit", "--nproc=0:0")
        self.assertEqual(status, 2)
        self.assertFalse(found["seccomp"]["tried"])
        done = subprocess.run(["prlimit", "--nproc=0:0", BINARY, "doctor"], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"full       could not be found out: no process could be started", done.stdout)
        self.assertTrue(all(control["tried"] for control in trial()[0].values()))

    def test_podman(self):
        if not ROOT:
            self.skipTest("root, who starts containers with runc")
        for program in ["podman", "runc"]:
            need(self, shutil.which(program), program)
        root = self.directory / "root"
        for name in ["proc", "sys", "dev", "tmp", "run", "etc"]:
            (root / name).mkdir(parents=True)
        shutil.copy(BINARY, root / "anchorhold")

        def inside(*options, command=("doctor", "--json")):
            return subprocess.run(
                [*PODMAN, "run", "--rm", "-i", "--network", "none",
                 "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000",
                 *options, "--rootfs", root, "/anchorhold", *command],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=3 * PATIENCE)
        answers = {}
        for name, options in {"default": [], "user": ["--user", "1000"],
                              "open": ["--security-opt", "seccomp=unconfined",
                                       "--security-opt", "unmask=ALL", "--cap-add", "SYS_PTRACE"]}.items():
            with self.subTest(name):
                done = inside(*options)
                need(self, done.stdout.startswith(b"{"), f"podman: {done.stderr}")
                answer = answers[name] = json.loads(done.stdout)
                self.assertEqual(answer["here"]["runtime"], "podman")
                self.holds(answer, full=name == "open")
                self.assertEqual(done.returncode, 0 if name == "open" else 1)
        mends = {mend["mend"] for mend in answers["default"]["mends"]}
        self.assertLessEqual({"podman run --security-opt seccomp=unconfined",
                              "podman run --security-opt unmask=ALL"}, mends)
        self.assertIn("proc-mount", missing(answers["default"], "full"))
        said = inside(command=("doctor",)).stdout.decode()
        self.assertIn("in a container (podman)", said)
        self.assertIn("anchorhold run --isolation container", said)


class Filters(Doctor):
    def test_the_launcher_of_these_tests_refuses_what_it_says(self):
        done = subprocess.run([*refusing("unshare"), UNSHARE, "-U", "true"], capture_output=True)
        self.assertIn(b"Operation not permitted", done.stderr)
        self.assertEqual(trial(*refusing("pivot_root"))[0]["user-namespace"]["works"], True)

    def test_a_filter_that_refuses_namespaces(self):
        found, answer, status = trial(*refusing("unshare"))
        self.assertEqual((status, answer["here"]["filtered"]), (1, True))
        self.holds(answer, full=False)
        self.assertEqual(answer["here"]["refused_calls"], ["unshare"])
        self.assertEqual(found["user-namespace"]["detail"],
                         "cannot make the namespace: Operation not permitted")
        self.assertIn("seccomp=unconfined", found["user-namespace"]["mend"])
        self.assertIn("seccomp=unconfined", found["mount-in-namespace"]["mend"])

    def test_a_filter_that_refuses_mounts(self):
        found, answer, _ = trial(*refusing(MOUNTS))
        self.holds(answer, full=False)
        self.assertEqual(answer["here"]["refused_calls"], ["open_tree"])
        self.assertEqual(missing(answer, "full"),
                         {"mount-in-namespace", "read-only-bind", "pivot-root", "proc-mount"})
        self.assertIn("seccomp=unconfined", found["mount-in-namespace"]["mend"])

    def test_a_filter_that_ends_who_asks(self):
        found, answer, _ = trial(*refusing("unshare", "KILL"))
        self.holds(answer, full=False)
        self.assertEqual(found["user-namespace"]["detail"],
                         "cannot get an answer from a process in it: No child processes")
        self.assertIn("seccomp=unconfined", found["user-namespace"]["mend"])

    def test_landlock_refused_switched_off_and_not_built_in(self):
        for error, refused, mend in [
                ("EPERM", ["landlock_create_ruleset"], "seccomp=unconfined"),
                ("EOPNOTSUPP", [], "boot with lsm=landlock"),
                ("ENOSYS", [], "use Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK")]:
            with self.subTest(error):
                found, answer, status = trial(*refusing("landlock_create_ruleset", error))
                self.assertEqual(status, 1)
                self.holds(answer, full=False, container=False)
                self.assertEqual(missing(answer, "full"), {"landlock"})
                self.assertEqual(missing(answer, "container"), {"landlock"})
                self.assertEqual(answer["here"]["refused_calls"], refused)
                self.assertIn(mend, found["landlock"]["mend"])

    def test_no_filter_can_be_loaded(self):
        found, answer, _ = trial(*refusing("seccomp"))
        self.holds(answer, full=False, container=False)
        self.assertEqual(missing(answer, "container"), {"seccomp"})
        self.assertFalse(found["seccomp-notification"]["works"])
        self.assertEqual(answer["here"]["refused_calls"], ["seccomp"])


class StartUp(Doctor):
    def test_what_the_machine_refuses_to_a_session_names_the_doctor(self):
        # A profile's file would not be trusted where its owner has no number.
        command = [BINARY, "run", "--", PROBE, "serve"]
        shell = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"'
        ways = [[*refusing("unshare")], [*refusing("unshare", "ENOSYS")], [*refusing("unshare", "KILL")],
                [*refusing(MOUNTS)], [*refusing("landlock_create_ruleset", "ENOSYS")],
                [*refusing("seccomp")]]
        if not ROOT:
            ways.append([*ORDINARY, "sh", "-c", shell])
        else:
            ways.append(["setpriv", "--bounding-set=-sys_ptrace"])
            ways.append(["setpriv", "--bounding-set=-setuid,-setgid"])
        for wrapper in ways:
            with self.subTest(wrapper):
                done = subprocess.run([*wrapper, *command], env=self.environment,
                                      capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
                self.assertEqual((done.returncode, done.stdout), (125, b""), done)
                self.assertRegex(done.stderr.decode(), r"(?m)^anchorhold: error: ")
                self.assertRegex(done.stderr.decode(), "(?m)^anchorhold: hint: anchorhold doctor ")
        # The control: nothing refuses, and nothing is said.
        done = subprocess.run(command, env=self.environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


class Text(Doctor):
    def test_a_person_reads_the_verdicts_first_and_then_what_mends(self):
        done = self.anchorhold("doctor")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[:2], ["full       can be held here", "container  can be held here"])
        self.assertRegex(done.stdout.decode(), r"\nuser namespace +ok +- +the cell owns")
        self.assertRegex(done.stdout.decode(), r"\nlandlock +ok +ok +")
        self.assertTrue(all(len(line.split("  ")) > 1 for line in lines[3:20]))
        done = subprocess.run([*refusing("unshare"), BINARY, "doctor"], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)
        text = done.stdout.decode()
        self.assertRegex(text, r"^full       cannot be held here: \d+ missing, user namespace first\n"
                               r"container  can be held here\n\n")
        self.assertRegex(text, r"\nuser namespace +MISSING +- ")
        self.assertIn("under a filter that refuses unshare\n", text)
        mends = text[text.index("\nto hold full:\n"):]
        self.assertIn("(user namespace, id map, ", mends)
        self.assertIn("  or take the level that can be held: anchorhold run --isolation container\n", mends)
        # One remedy is said once, whatever it mends.
        self.assertEqual(mends.count("seccomp=unconfined"), 1)

    def test_the_page_about_it_names_every_control_and_what_mends_it(self):
        page = (TOP / "docs/doctor.md").read_text()
        found, answer, _ = trial()
        self.assertEqual(set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.M)),
                         set(found) | set(answer), "controls and fields")
        self.assertTrue(pathlib.Path(TOP / "examples/apparmor/anchorhold").exists())
        self.assertIn("examples/apparmor", page)

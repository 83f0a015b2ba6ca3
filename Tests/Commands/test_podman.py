"""Isolation level container inside of real containers: podman with runc.

The root file system is a copy of what python3 and the shell need, made once and kept. Each way of
starting a container is one class of `WAYS`: a session of our own probe and of a real Python server,
`verify`, what is denied with its control, and that level `full` says why it cannot be.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import servers
from harness import BINARY, PODMAN, PROBE, ROOT, TOP, Case, Peer, need, until

ROOTFS = pathlib.Path(os.environ.get("ANCHORHOLD_ROOTFS", TOP / ".build/podman-root-1"))
# What such a container has nothing of: a name for what runs in it.
USER = 1000

# As Docker's default filter refuses it: new namespaces and mounts, for those without CAP_SYS_ADMIN.
REFUSED = ["unshare", "setns", "mount", "umount", "umount2", "pivot_root", "open_tree",
           "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "bpf", "perf_event_open",
           "keyctl", "add_key", "request_key", "ptrace", "reboot", "swapon", "swapoff",
           "init_module", "finit_module", "delete_module", "kexec_load", "open_by_handle_at"]
NAMESPACES = 0x7E020000 | 0x80

SPACES = "find /dev/shm /tmp /var/tmp -maxdepth 1 -name 'anchorhold-*' 2>/dev/null"


def docker_filter():
    """A seccomp profile that refuses what Docker's refuses, and lets the rest through."""
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [
            {"names": REFUSED, "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        ] + [
            {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
             "args": [{"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}]}
            for flag in (1 << bit for bit in range(32)) if flag & NAMESPACES & ~0xFF
        ],
    }


# Name: arguments of podman, whether it is a user that is not root.
WAYS = {
    "default": [],
    "user": ["--user", str(USER)],
    "read-only": ["--read-only"],
    "read-only-without-tmpfs": ["--read-only", "--read-only-tmpfs=false"],
    "restricted": ["--user", str(USER), "--cap-drop=ALL", "--security-opt", "no-new-privileges",
                   "--read-only"],
    "docker-filter": ["--security-opt", "seccomp=@filter"],
    "docker-filter-user": ["--user", str(USER), "--security-opt", "seccomp=@filter"],
    "nowhere-to-write": ["--user", str(USER), "--cap-drop=ALL", "--read-only",
                         "--read-only-tmpfs=false", "--ipc=none"],
}


def libraries(program):
    """The shared libraries of a program, by the loader's own account."""
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
    return [word for line in told.splitlines() for word in line.split() if word.startswith("/")]


def copy(path, root):
    """Copies a file below `root`, and the links on the way as directories."""
    target = root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy2(os.path.realpath(path), target)


def make_root(root):
    """A small root: sh, find, sleep, python3 with its library, and the server of a test."""
    building = root.with_name(root.name + f".{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    for name in ["dev", "proc", "sys", "tmp", "var/tmp", "run", "etc", "root", "opt", "prof",
                 "state", "tests"]:
        (building / name).mkdir(parents=True)
    for name in ["tmp", "var/tmp", "state"]:
        (building / name).chmod(0o1777)
    programs = ["/bin/sh", "/usr/bin/find", "/bin/sleep", "/bin/ls", "/usr/bin/python3", "/bin/cat"]
    modules = [str(p) for p in pathlib.Path("/usr/lib").glob("python3*/lib-dynload/*.so")]
    for path in programs + [lib for p in programs + modules for lib in libraries(p)]:
        copy(path, building)
    for library in pathlib.Path("/usr/lib").glob("python3.*"):
        shutil.copytree(library, building / str(library).lstrip("/"), symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__", "test", "config-*"))
    (building / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    if servers.ready("time"):
        place = servers.PLACE / "time"
        target = building / str(place).lstrip("/")
        shutil.copytree(place, target, symlinks=True)
        python = pathlib.Path("/usr/bin/python3").resolve()
        if not (building / str(python).lstrip("/")).exists():
            copy(python, building)
        for module in place.rglob("*.so"):
            for library in libraries(module):
                if not library.startswith(str(place)):
                    copy(library, building)
    building.rename(root)


def is_stale(root):
    """Whether the server's environment was made anew after this root."""
    if not servers.ready("time"):
        return False
    mark = servers.PLACE / "time/ready"
    copied = root / str(mark).lstrip("/")
    return not copied.exists() or copied.stat().st_mtime != mark.stat().st_mtime


class PodmanCase(Case):
    def setUp(self):
        super().setUp()
        if not ROOT:
            self.skipTest("root, who starts containers with runc")
        for program in ["podman", "runc"]:
            need(self, shutil.which(program), program)
        if ROOTFS.exists() and is_stale(ROOTFS):
            shutil.rmtree(ROOTFS)
        if not ROOTFS.exists():
            make_root(ROOTFS)
        self.directory.chmod(0o755)
        self.profiles = self.directory / "profiles"
        self.profiles.mkdir()
        (self.profiles / "secret").write_text("secret text")
        (self.profiles / "granted").write_text("granted text")
        filter_ = self.directory / "filter.json"
        filter_.write_text(json.dumps(docker_filter()))
        base = {"version": 1, "isolation": "container",
                "tools": {"allow": "*", "unknown_arguments": "allow"}}
        for name, more in {
            "probe": {"extends": "static", "server": {"command": ["/tests/probe", "serve"]},
                      "filesystem": {"read": ["/prof/granted"]}},
            "notes": {"extends": "static", "server": {"command": ["/tests/notes", "/state"]}},
            "time": {"extends": "python", "server": {
                "command": [str(servers.PLACE / "time/bin/mcp-server-time"), "--local-timezone",
                            "UTC"]}},
        }.items():
            text = "".join(f"{key}: {json.dumps(value)}\n"
                           for key, value in {**base, "name": name, **more}.items())
            (self.profiles / f"{name}.yaml").write_text(text)
        for path in [self.profiles, *self.profiles.iterdir()]:
            path.chmod(0o755 if path.is_dir() else 0o644)

    def podman(self, way, *command, state=True, name=None):
        """The command line of a container that is started in one of the ways."""
        options = [o.replace("@filter", str(self.directory / "filter.json")) for o in WAYS[way]]
        if state:
            # Where the record goes: nothing runs without one.
            options += ["-v", f"{self.volume('--user' in options)}:/state", "-e", "XDG_STATE_HOME=/state"]
            if "--user" not in options:
                log = self.directory / "log"
                log.mkdir(exist_ok=True)
                options += ["-v", f"{log}:/var/log/anchorhold"]
        return [*PODMAN, "run", "--rm", "-i",
                "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4000:4000",
                "--name", name or f"{self.name}-{time.monotonic_ns()}",
                "-v", f"{pathlib.Path(BINARY).resolve().parent}:/opt/bin:ro",
                "-v", f"{pathlib.Path(PROBE).parent}:/tests:ro", "-v", f"{self.profiles}:/prof:ro",
                *options, "--rootfs", str(ROOTFS), *[str(word) for word in command]]

    def volume(self, is_users=True):
        # What root keeps there is closed to others.
        volume = self.directory / ("volume" if is_users else "roots-volume")
        volume.mkdir(exist_ok=True)
        volume.chmod(0o1777)
        return volume

    @property
    def anchorhold_inside(self):
        return f"/opt/bin/{pathlib.Path(BINARY).name}"

    def start(self, way, *command, **options):
        peer = Peer(self.podman(way, *command, **options))
        self.addCleanup(peer.end)
        return peer

    def run_inside(self, way, *command, **options):
        return subprocess.run(self.podman(way, *command, **options), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60)

    def records(self):
        return [json.loads(line) for path in sorted(
            self.directory.rglob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
                for line in path.read_bytes().splitlines()]


class InContainers(PodmanCase):
    def test_a_session_in_each_way(self):
        for way in list(WAYS):
            with self.subTest(way):
                # The shell is process 1 here and looks at what is left.
                # What a container that was killed left in this root is not this one's.
                script = (f"cd /; before=$({SPACES}); {self.anchorhold_inside} run /prof/probe.yaml; "
                          f"echo \"status $?\" >&2; after=$({SPACES}); "
                          "[ \"$before\" = \"$after\" ] && echo clean >&2; exit 0")
                peer = self.start(way, "/bin/sh", "-c", script)
                self.assertEqual(peer.initialize()["serverInfo"]["name"], "probe")
                self.assertEqual(peer.attempt("read:/prof/granted")["detail"], "granted text")
                for name in ["read:/prof/secret", "read:/etc/passwd", "list:/", "list:/proc",
                             "read:/proc/1/environ", "kill:1", "socket-unix", "write:/tmp/x",
                             "write:/state/x", "mount", "chmod:/prof/secret", "watch:/prof/secret"]:
                    self.assertEqual(peer.attempt(name)["outcome"], "refused", name)
                wrote = peer.attempt("write:file")["outcome"]
                self.assertEqual(wrote, "refused" if way == "nowhere-to-write" else "done")
                self.assertEqual(peer.finish(), 0)
                said = peer.stderr.decode()
                self.assertIn("status 0", said)
                self.assertIn("clean", said)
                outside = self.run_inside(way, "/tests/probe", "try", "read:/prof/secret",
                                          "read:/etc/passwd", "list:/", "list:/proc")
                self.assertEqual([json.loads(line)["outcome"] for line in
                                  outside.stdout.splitlines()[:4]], ["done"] * 4)
                start = [r for r in self.records() if r["kind"] == "session-start"][-1]
                self.assertEqual((start["isolation"], start["sealed"]), ("container", True))
                self.assertEqual("there is no temporary space" in " ".join(start["notes"]),
                                 way == "nowhere-to-write")

    def test_a_real_python_server(self):
        need(self, servers.ready("time"), "mcp-server-time from PyPI")
        need(self, (ROOTFS / str(servers.PLACE).lstrip("/") / "time").exists(),
             "mcp-server-time in the containers' root")
        for way in ["default", "read-only", "restricted", "docker-filter-user"]:
            with self.subTest(way):
                peer = self.start(way, self.anchorhold_inside, "run", "/prof/time.yaml")
                self.assertIn("time", peer.initialize()["serverInfo"]["name"])
                answer = peer.call("get_current_time", {"timezone": "UTC"})
                self.assertIn("UTC", json.dumps(answer["result"]))
                # On a busy machine Python may need longer to end than a server is given.
                self.assertIn(peer.finish(), (0, 128 + signal.SIGTERM))

    def test_verify_in_each_way(self):
        # Where nothing can be written there is no place for the probe's own files.
        for way in [way for way in WAYS if way != "nowhere-to-write"]:
            with self.subTest(way):
                done = self.run_inside(way, self.anchorhold_inside, "verify", "--json",
                                       "/prof/probe.yaml")
                answer = json.loads(done.stdout or b"{}")
                found = [f"{c['class']}: {c['name']}: {c['detail']}"
                         for c in answer.get("checks", [])
                         if c["promised"] and not c["held"] and c["control"] != "absent"]
                self.assertEqual(done.returncode, 0,
                                 (found, answer.get("seal", {}).get("broken"), done.stderr))
                self.assertGreater(sum(c["held"] for c in answer["checks"]), 150)

    def test_level_full_says_why_it_cannot_be_and_the_two_ways_out(self):
        for way in list(WAYS):
            with self.subTest(way):
                done = self.run_inside(way, self.anchorhold_inside, "run", "/prof/probe.yaml",
                                       "--isolation", "full")
                self.assertEqual(done.returncode, 125, done.stderr)
                said = done.stderr.decode()
                self.assertRegex(
                    said, r"error: cannot .*: (Operation not permitted|Permission denied)")
                self.assertIn("--isolation container", said)
                self.assertIn("--security-opt", said)

    def test_the_container_option_of_the_hint_makes_level_full_possible(self):
        for options in [["--user", str(USER), "--security-opt", "seccomp=unconfined",
                         "--security-opt", "systempaths=unconfined"],
                        ["--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--security-opt",
                         "systempaths=unconfined"]]:
            with self.subTest(options):
                WAYS["hint"] = options
                self.addCleanup(WAYS.pop, "hint", None)
                peer = self.start("hint", self.anchorhold_inside, "run", "/prof/probe.yaml",
                                  "--isolation", "full")
                self.assertEqual(peer.initialize()["serverInfo"]["name"], "probe")
                self.assertEqual(peer.attempt("stat:/prof/secret")["errno"], "ENOENT")
                self.assertEqual(peer.finish(), 0)

    def test_root_that_cannot_become_another_user_is_told_what_to_do(self):
        WAYS["no-setuid"] = ["--cap-drop=SETUID"]
        self.addCleanup(WAYS.pop, "no-setuid", None)
        done = self.run_inside("no-setuid", self.anchorhold_inside, "run", "/prof/probe.yaml")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"a server never runs as root", done.stderr)
        self.assertIn(b"hint: start the container with another user (--user 1000)", done.stderr)


class AsProcessOne(PodmanCase):
    """The entry point of a container: the kernel ends process 1 by no signal it does not take."""

    def test_the_entry_point_ends_with_the_servers_status(self):
        for way in ["default", "restricted"]:
            with self.subTest(way):
                peer = self.start(way, self.anchorhold_inside, "run", "/prof/probe.yaml")
                peer.initialize()
                peer.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call",
                           "params": {"name": "exit", "arguments": {"status": 7}}})
                self.assertEqual(peer.wait(), 7)

    def test_a_signal_ends_the_container(self):
        for way in ["default", "restricted"]:
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest((way, number)):
                    name = f"{self.name}-{int(number)}-{way}"
                    peer = self.start(way, self.anchorhold_inside, "run", "/prof/probe.yaml",
                                      name=name)
                    peer.initialize()
                    subprocess.run([*PODMAN, "kill", "--signal",
                                    str(int(number)), name], check=True, capture_output=True)
                    self.assertEqual(peer.wait(), 128 + number)

    def test_a_signal_during_the_start_ends_the_container(self):
        # Whatever it is doing when the signal comes, also before there is a session.
        name = f"{self.name}-early"
        peer = self.start("default", "/bin/sh", "-c",
                          f"exec {self.anchorhold_inside} run /prof/probe.yaml", name=name)
        def ended():
            subprocess.run([*PODMAN, "kill", "--signal", "15", name],
                           capture_output=True)
            return peer.process.poll() is not None
        self.assertTrue(until(ended, 20))
        self.assertEqual(peer.wait(), 143)

    def test_orphans_do_not_stay_as_zombies(self):
        peer = self.start("default", self.anchorhold_inside, "run", "/prof/probe.yaml",
                          name=f"{self.name}-orphans")
        peer.initialize()
        for _ in range(3):
            subprocess.run([*PODMAN, "exec",
                            f"{self.name}-orphans", "/bin/sh", "-c", "sleep 0.2 & exit 0"],
                           check=True, capture_output=True)

        def seen():
            """Names and states of all processes; of a look that failed, nothing."""
            told = subprocess.run(
                [*PODMAN, "exec",
                 f"{self.name}-orphans", "/bin/sh", "-c",
                 "for s in /proc/[0-9]*/status; do n=; while read k v _; do "
                 "[ \"$k\" = Name: ] && n=$v; [ \"$k\" = State: ] && echo $n:$v; done < $s; done; "
                 "echo whole"], capture_output=True, text=True)
            words = told.stdout.split()
            return words[:-1] if words[-1:] == ["whole"] else None

        # The control: an orphan is there to be seen, and it is process 1 that adopts it.
        orphan = subprocess.run(
            [*PODMAN, "exec", f"{self.name}-orphans", "/bin/sh", "-c",
             "sleep 30 >/dev/null 2>&1 & echo $!"], check=True, capture_output=True, text=True)
        parent = subprocess.run(
            [*PODMAN, "exec", f"{self.name}-orphans", "/bin/sh", "-c",
             f"read -r line < /proc/{int(orphan.stdout)}/stat; echo $line; "
             f"kill -9 {int(orphan.stdout)}"], check=True, capture_output=True, text=True)
        self.assertEqual(parent.stdout.rsplit(")")[1].split()[1], "1", parent.stdout)

        def clean():
            words = seen()
            return words and not any(
                word.endswith(":Z") or word.startswith("sleep:") for word in words) and words
        found = until(clean, 10, 0.3)
        self.assertTrue(found, seen())
        self.assertIn("probe", [word.split(":")[0] for word in found])
        self.assertEqual(peer.finish(), 0)

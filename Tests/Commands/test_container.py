"""Isolation level container on this machine: no namespaces, no mounts, and what holds without them.

`test_podman.py` has the same level inside of real containers.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import servers
from harness import (BINARY, LEVEL, PROBE, ROOT, SLOWNESS, TOP, Case, Peer, alive, descendants,
                     has_capability, need, need_of_root, processes, send_signal, server_pid,
                     status_of, until)
from test_steps import SKIPPING

RANGE = range(0x70000000, 0x78000000)


class ContainerCase(Case):
    def profile(self, *server, **more):
        more.setdefault("isolation", "container")
        return super().profile(*server, **more)

    def seal(self):
        start = self.records()[0]
        return {c["name"]: (c["expected"], c["observed"], c["ok"]) for c in start["seal"]}

    def spaces(self):
        """The private spaces of sessions that are there now, ours and others'."""
        return {path for place in ("/tmp", "/dev/shm", "/var/tmp")
                for path in pathlib.Path(place).glob("anchorhold-*")
                if re.fullmatch(r"anchorhold-[0-9a-f]{16}", path.name)}

    def space(self, cell):
        lines = cell.attempt("env")["detail"].strip().split("\n")
        found = dict(line.split("=", 1) for line in lines)
        self.assertEqual(found["HOME"], found["TMPDIR"])
        return pathlib.Path(found["TMPDIR"])

    def refused(self, said, **profile):
        done = self.anchorhold("run", self.profile(**profile))
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(said, done.stderr.decode())
        self.assertIn("hint: ", done.stderr.decode())


class FilesWithoutMounts(ContainerCase):
    def test_what_is_not_granted_is_not_opened_and_what_is_granted_can_be(self):
        here, there = self.shared_directory("here"), self.shared_directory("there")
        (here / "file").write_text("granted text")
        (here / "file").chmod(0o666)
        (there / "file").write_text("secret text")
        (there / "file").chmod(0o666)
        names = [f"read:{there}/file", f"write:{there}/file", f"list:{there}",
                 f"truncate:{there}/file", f"hard-link:{there}/file", f"rename-in:{there}/file",
                 f"mkdir:{there}/new", f"unlink:{there}/file"]
        for name in names[:3]:
            self.assertEqual(self.outside(name)[name]["outcome"], "done")
        cell = self.session(read=[here])
        self.assertEqual(cell.attempt(f"read:{here}/file")["detail"], "granted text")
        for name in names + [f"write:{here}/file", f"truncate:{here}/file", "list:/", "list:/proc",
                             "read:/etc/passwd", "read:/proc/self/environ", "list:/tmp",
                             "read:/proc/meminfo", "list:/dev", "new-terminal"]:
            answer = cell.attempt(name)
            self.assertEqual(answer["outcome"], "refused", answer)
        self.assertIn("secret text", (there / "file").read_text())
        self.assertEqual(sorted(p.name for p in there.iterdir()), ["file"])
        self.assertEqual(cell.finish(), 0)
        writer = self.session(write=[here], filesystem={"protect_defaults": False})
        self.assertEqual(writer.attempt(f"write:{here}/new")["outcome"], "done")
        self.assertEqual(writer.attempt(f"write:{there}/new")["outcome"], "refused")
        # Data is not executed. That it can be mapped as code is what the docs say of this level.
        self.assertEqual(writer.attempt(f"run-copy:{here}/copy")["errno"], "EACCES")
        self.assertEqual(writer.finish(), 0)

    def test_what_is_written_in_a_program_s_directory_is_refused_because_it_could_be_executed(self):
        self.directory.chmod(0o755)
        package = self.directory / "app"
        (package / "data").mkdir(parents=True)
        beside = self.shared_directory("beside")
        (package / "data").chmod(0o777)
        (package / "__main__.py").write_text(
            "import os, subprocess, sys\n"
            "os.umask(0)\n"
            "file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o755)\n"
            "os.write(file, open('/bin/true', 'rb').read())\n"
            "os.close(file)\n"
            "try: sys.exit(subprocess.run([sys.argv[1]]).returncode)\n"
            "except PermissionError: sys.exit(42)\n")

        def done(place, isolation, **more):
            profile = self.profile("/usr/bin/python3", str(package), f"{place}/copy",
                                   extends="python", isolation=isolation, write=[place],
                                   filesystem={"protect_defaults": False, "read": ["/bin/true"]},
                                   **more)
            return self.anchorhold("run", profile)

        refused = done(package / "data", "container")
        self.assertEqual(refused.returncode, 125, refused.stderr)
        self.assertIn(f'cannot grant "{package}/data"'.encode(), refused.stderr)
        self.assertIn(b"could be executed as well", refused.stderr)
        self.assertIn(b"hint: write isolation: full", refused.stderr)
        # A mount holds it, and a place of its own.
        self.assertEqual(done(package / "data", "full").returncode, 42)
        self.assertEqual(done(beside, "container").returncode, 42)

    def test_names_and_sizes_are_seen_as_the_docs_say(self):
        there = self.shared_directory("there")
        (there / "file").write_text("secret")
        (there / "link").symlink_to("file")
        cell = self.session()
        self.assertEqual(cell.attempt(f"stat:{there}/file")["outcome"], "done")
        self.assertEqual(cell.attempt(f"readlink:{there}/link")["detail"], "file")
        page = (TOP / "docs/architecture.md").read_text()
        self.assertIn("names, sizes and owners of files", page)

    def test_a_file_of_the_same_user_is_not_changed_by_its_name(self):
        place = self.directory / "place"
        place.mkdir(mode=0o755)
        self.directory.chmod(0o755)
        victim = place / "victim"
        victim.write_text("x")
        more = {}
        if ROOT:
            os.chown(victim, 4321, 4321)
            os.chown(place, 4321, 4321)
            more = {"user": {"owner_of": str(place)}}
        victim.chmod(0o644)
        os.utime(victim, (1000, 1000))
        cell = self.session(**more)
        for name in ["chmod", "touch", "set-attribute", "watch", "access-list"]:
            answer = cell.attempt(f"{name}:{victim}")
            self.assertEqual(answer["outcome"], "refused", answer)
            self.assertIn(answer["errno"], ("EPERM", "ENOSYS", "EOPNOTSUPP"))
        self.assertEqual((victim.stat().st_mode & 0o777, victim.stat().st_mtime), (0o644, 1000))
        outside = self.outside(f"chmod:{victim}", f"touch:{victim}", f"watch:{victim}")
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        # The control: its own file, and by a descriptor.
        self.assertEqual(cell.attempt("write:own")["outcome"], "done")

    def test_root_s_server_of_a_user_of_its_own_changes_its_own_files(self):
        if not ROOT:
            self.skipTest("root, whose servers have a user of their own")
        cell = self.session()
        self.assertEqual(cell.attempt("write:own")["outcome"], "done")
        self.assertEqual(cell.attempt("chmod:own")["outcome"], "done")
        self.assertEqual(cell.attempt("touch:own")["outcome"], "done")
        (self.directory / "theirs").write_text("")
        self.directory.chmod(0o755)
        self.assertEqual(cell.attempt(f"chmod:{self.directory}/theirs")["errno"], "EPERM")

    def test_private_space_is_the_servers_alone_and_is_gone_afterwards(self):
        cell = self.session()
        space = self.space(cell)
        self.assertIn(space, self.spaces())
        status = space.stat()
        self.assertEqual(status.st_mode & 0o7777, 0o700)
        self.assertEqual(status.st_uid, int(status_of(server_pid(cell.pid))["Uid"].split()[1]))
        self.assertEqual(cell.attempt("cwd")["detail"], str(space))
        self.assertEqual(cell.attempt("write:file")["outcome"], "done")
        self.assertEqual((space / "file").read_text(), "probe\n")
        self.assertEqual(cell.attempt("mkdir:deep")["outcome"], "done")
        self.assertEqual(cell.attempt("symlink:link")["outcome"], "done")
        other = self.session()
        self.assertEqual(other.attempt(f"read:{space}/file")["outcome"], "refused")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual(other.finish(), 0)
        self.assertFalse(space.exists())

    def test_what_needs_a_mount_is_refused_with_the_ways_out(self):
        here = self.shared_directory("here")
        (here / "inner").mkdir()
        (here / "secret").write_text("x")
        self.refused("cannot hide", read=[here], hide=[here / "secret"])
        self.refused("cannot protect", write=[here], filesystem={"protect": [str(here / "secret")]})
        self.refused("cannot keep read-only", write=[here], read=[here / "inner"])
        held = {"protect_missing": "hold"}
        self.refused("protect_missing: note", write=[here], filesystem=held)
        noted = self.session(write=[here], filesystem={"protect_missing": "note"})
        self.assertEqual(noted.attempt(f"write:{here}/other")["outcome"], "done")
        self.assertEqual(noted.finish(), 0)
        (here / ".git").mkdir()
        (here / ".git").chmod(0o777)
        self.refused("protect_defaults: false", write=[here], filesystem=held)
        self.refused("private temporary space", read=["/tmp"])
        done = self.anchorhold("check", self.profile(read=[here], hide=[here / "secret"]))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"error: cannot hide", done.stdout)
        cell = self.session(write=[here], filesystem={"protect_defaults": False})
        self.assertEqual(cell.attempt(f"write:{here}/.git/config")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)
        # The same profiles at level full.
        if not LEVEL:
            full = self.session(read=[here], hide=[here / "secret"], isolation="full")
            self.assertEqual(full.finish(), 0)

    def test_calls_that_this_level_decides_cannot_be_added(self):
        calls = ["inotify_add_watch", "getxattr"] + ([] if ROOT else ["chmod", "setxattr"])
        for call in calls:
            self.refused(call, syscalls={"add": [call]})
        self.assertEqual(self.session(syscalls={"add": ["fsetxattr"]}).finish(), 0)


class WhereAServerStarts(ContainerCase):
    """By the machine's own directories: no mount makes a way to anything."""

    SCRIPT = "import os, sys\nsys.exit(0 if os.getcwd() == sys.argv[1] else 4)\n"

    def start(self, cwd, script, *arguments):
        return self.peer([BINARY, "run", "--isolation", "container", "--", "/usr/bin/python3",
                          script, *arguments], cwd=cwd)

    def test_a_command_starts_where_it_was_given_if_the_server_may_be_there(self):
        here, elsewhere = self.shared_directory("here"), self.shared_directory("elsewhere")
        (here / "server.py").write_text(self.SCRIPT)
        for cwd, script in [(here, "server.py"), (elsewhere, "../here/server.py")]:
            cell = self.start(cwd, script, cwd)
            self.assertEqual(cell.wait(), 0, cell.stderr)
        # Root's server is another user; what is closed to it is no place to start in.
        elsewhere.chmod(0o700)
        cell = self.start(elsewhere, here / "server.py", elsewhere)
        self.assertEqual(cell.wait(), 4 if ROOT else 0, cell.stderr)

    def test_a_program_that_is_named_is_found_in_its_own_directory(self):
        programs = self.home / ".local/bin"
        programs.mkdir(parents=True)
        for path in [self.directory, self.home]:
            path.chmod(0o755)
        for name, text in [("first", "exec second"), ("second", "exit 7"), ("third", "exit 8")]:
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        profile = self.profile("first", extends="auto",
                               server={"command": ["first"], "programs": ["second"]})
        self.assertEqual(self.anchorhold("run", profile).returncode, 7)
        # The control: a program beside them that is not named is not executed.
        (programs / "first").write_text("#!/bin/sh\nexec third\n")
        self.assertEqual(self.anchorhold("run", profile).returncode, 126)

    def test_modules_beside_a_script_are_found_where_their_directory_is_granted(self):
        here = self.shared_directory("here")
        (here / "server.py").write_text("import beside\n")
        (here / "beside.py").write_text("")
        command = ["/usr/bin/python3", str(here / "server.py")]
        bare = self.profile(*command, extends="python")
        words = f"{here} cannot be listed, so a program that looks for modules by listing"
        self.assertIn(words, self.anchorhold("check", bare).stdout.decode())
        self.assertEqual(self.anchorhold("run", bare).returncode, 1)
        granted = self.profile(*command, extends="python", read=[here])
        self.assertNotIn(words, self.anchorhold("check", granted).stdout.decode())
        done = self.anchorhold("run", granted)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_check_says_which_directory_on_the_way_is_closed_to_roots_server(self):
        if not ROOT:
            self.skipTest("only root's servers are another user")
        here = self.shared_directory("outer") / "inner"
        here.mkdir()
        (here / "file").write_text("text")
        profile = self.profile(read=[here])
        said = f'who cannot enter "{here.parent}" on the way to "{here}"'
        for mode, closed in [(0o755, False), (0o711, False), (0o700, True), (0o744, True)]:
            with self.subTest(oct(mode)):
                here.parent.chmod(mode)
                done = self.anchorhold("check", profile)
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual(said in done.stdout.decode(), closed, done)
                self.assertEqual(f"chmod o+x {here.parent}" in done.stdout.decode(), closed)
                # So it is.
                cell = self.session(read=[here])
                self.assertEqual(cell.attempt(f"read:{here}/file")["outcome"],
                                 "refused" if closed else "done")
                self.assertEqual(cell.finish(), 0)
        if not LEVEL:
            # A mount leads there, whatever the way.
            full = self.profile(read=[here], isolation="full")
            self.assertNotIn("cannot enter", self.anchorhold("check", full).stdout.decode())


class Runtimes(ContainerCase):
    """Interpreters start although nothing of /proc and /etc is theirs."""

    NODE = """
const lines = require('readline').createInterface({input: process.stdin});
lines.on('line', line => {
  const message = JSON.parse(line);
  if (message.id === undefined) return;
  const result = message.method === 'initialize'
    ? {protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {name: 'tiny', version: '1'}}
    : {tools: [], content: [{type: 'text', text: require('os').tmpdir()}]};
  process.stdout.write(JSON.stringify({jsonrpc: '2.0', id: message.id, result}) + '\\n');
});
"""
    PYTHON = """
import json, sys, tempfile
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {"protocolVersion": "2025-11-25", "capabilities": {},
              "serverInfo": {"name": "tiny", "version": "1"}} \\
        if message["method"] == "initialize" else \\
        {"tools": [], "content": [{"type": "text", "text": tempfile.gettempdir()}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""

    def start(self, program, script, name):
        need(self, os.path.exists(program), program)
        path = self.shared_directory(name) / "server"
        path.write_text(script)
        path.chmod(0o644)
        cell = self.session(program, str(path), extends=name)
        found = cell.text("anything")
        self.assertRegex(found, r"/anchorhold-[0-9a-f]{16}$")
        self.assertEqual(cell.finish(), 0)

    def test_python(self):
        self.start("/usr/bin/python3", self.PYTHON, "python")

    def test_node(self):
        found = [str(path) for path in [pathlib.Path("/usr/bin/node"),
                                        *sorted(servers.PLACE.glob(
                                            "node/lib/*/site-packages/playwright/driver/node"))]
                 if path.is_file()]
        need(self, found, "node, of Debian or of PyPI")
        self.start(found[0], self.NODE, "node")


class OthersWithoutNamespaces(ContainerCase):
    def bystander(self, user=None):
        process = subprocess.Popen(["sleep", "60"], user=user)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_nobody_else_is_reached_by_a_signal_or_a_setting(self):
        cell = self.session()
        user = int(status_of(server_pid(cell.pid))["Uid"].split()[1])
        other = self.bystander(user if ROOT else None)
        below = descendants(cell.pid)
        server = server_pid(cell.pid)
        init = processes()[server][0]
        self.assertEqual(len(below), 4, "relay, keeper, init, server")
        # The caller itself may, of a process of its own; root may lack CAP_SYS_RESOURCE for others.
        mine = self.bystander()
        outside = self.outside(f"kill:{mine.pid}", *[f"other-{w}:{mine.pid}" for w in
                               ("limit", "priority", "affinity", "io-priority")])
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        for pid in [cell.pid, other.pid, *(set(below) - {server})]:
            for name in ["kill", "other-limit", "other-priority", "other-affinity",
                         "other-io-priority", "peek", "seize"]:
                answer = cell.attempt(f"{name}:{pid}")
                self.assertEqual(answer["outcome"], "refused", (answer, pid, init))
        self.assertEqual(cell.attempt(f"kill:{server}")["outcome"], "done")
        self.assertEqual(cell.attempt("processes:4")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)

    def test_ids_and_rights_are_as_the_record_says(self):
        cell = self.session()
        server = server_pid(cell.pid)
        init = processes()[server][0]
        one, two = status_of(server), status_of(init)
        for status in (one, two):
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2")
        if ROOT:
            user = int(one["Uid"].split()[0])
            self.assertIn(user, RANGE)
            self.assertEqual(one["Uid"].split(), [str(user)] * 4)
            self.assertEqual(two["Uid"].split()[1], str(user))
            self.assertEqual(two["Uid"].split()[0], str(0x78000001))
            self.assertEqual((one["Groups"].split(), int(one["CapBnd"], 16)), ([], 0))
        else:
            self.assertEqual(one["Uid"].split(), [str(os.getuid())] * 4)
        self.assertEqual(cell.finish(), 0)
        start = self.records()[0]
        self.assertEqual((start["isolation"], start["sealed"], start["looks"]),
                         ("container", True, 2))
        seal = self.seal()
        self.assertTrue(all(ok for _, _, ok in seal.values()))
        for name in ["init.adopts_orphans", "init.lists_children", "server.signal_scope",
                     "server.signals_to_init", "landlock.canary", "temporary_space"]:
            self.assertIn(name, seal)
        self.assertFalse([n for n in seal if n.startswith(("mount", "server.namespace"))])
        notes = " ".join(start["notes"])
        self.assertIn("isolation container: there are no namespaces", notes)
        if not ROOT:
            self.assertIn("lacks CAP_SETPCAP", notes)
            self.assertEqual(seal["server.CapBnd"][1], status_of("self")["CapBnd"])

    def test_the_command_line_stands_over_the_profile(self):
        for level, other in [("full", "container"), ("container", "full")][1 if LEVEL else 0:]:
            peer = self.run_cell(self.profile(isolation=other), "--isolation", level)
            peer.initialize()
            self.assertEqual(peer.finish(), 0)
            last = [r for r in self.records() if r["kind"] == "session-start"]
            self.assertIn(level, {r["isolation"] for r in last})
        done = self.anchorhold("run", self.profile(), "--isolation", "none")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"hint: write full or container", done.stderr)
        shown = self.anchorhold("check", self.profile(isolation="full"), "--isolation", "container")
        self.assertIn(b"isolation    container", shown.stdout)

    def test_processes_of_the_same_user_do_not_use_the_limit_up(self):
        others = [self.bystander() for _ in range(12)]
        self.assertTrue(others)
        cell = self.session(limits={"processes": 8})
        self.assertEqual(cell.attempt("processes:5")["outcome"], "done")
        self.assertNotEqual(cell.attempt("processes:400")["outcome"], "done")
        self.assertEqual(cell.finish(), 0)


class EndsWithoutNamespaces(ContainerCase):
    def assertGone(self, pids, space):
        self.assertTrue(until(lambda: not any(alive(p) for p in pids), 8 * SLOWNESS),
                        [(p, processes().get(p)) for p in pids if alive(p)])
        self.assertTrue(until(lambda: not space.exists(), 8 * SLOWNESS), space)

    def start(self, *arguments):
        """A session with a grandchild that left its session and parent."""
        beat = self.shared_directory("beat") / "file"
        cell = self.session(PROBE, "serve", *arguments, write=[beat.parent],
                            filesystem={"protect_defaults": False})
        cell.text("daemon", {"path": str(beat)})
        self.assertTrue(until(lambda: beat.exists()))
        below = descendants(cell.pid)
        self.assertEqual(len([p for p in below if processes().get(p, ("", ""))[1] == "probe"]), 2)
        return cell, below, beat, self.space(cell)

    def test_end_of_input_a_signal_and_sigkill_leave_nothing(self):
        for how in ["close", signal.SIGTERM, signal.SIGINT, signal.SIGKILL]:
            with self.subTest(how):
                cell, below, beat, space = self.start()
                if how == "close":
                    self.assertEqual(cell.finish(), 0)
                else:
                    send_signal(cell.pid, how)
                    self.assertEqual(cell.wait(), 128 + how)
                self.assertGone(below, space)
                size = beat.stat().st_size
                time.sleep(0.3)
                self.assertEqual(beat.stat().st_size, size)
                beat.unlink()
                beat.parent.rmdir()

    def test_a_server_that_does_not_end_is_ended(self):
        cell, below, _, space = self.start("--behave", "stubborn")
        began = time.monotonic()
        self.assertEqual(cell.finish(), 137)
        self.assertLess(time.monotonic() - began, 8 * SLOWNESS)
        self.assertGone(below, space)

    def test_an_init_that_is_killed_takes_nothing_with_it_into_freedom(self):
        cell, below, _, space = self.start()
        init = processes()[server_pid(cell.pid)][0]
        send_signal(init, signal.SIGKILL)
        cell.wait()
        self.assertGone(below, space)

    def test_a_keeper_that_is_killed_is_the_end_and_leaves_nothing(self):
        cell, below, _, space = self.start()
        send_signal(server_pid(cell.pid, name="anchor-keeper"), signal.SIGKILL)
        self.assertEqual(cell.wait(), 125)
        self.assertGone(below, space)

    def test_a_process_that_runs_from_fork_to_fork_is_caught(self):
        script = self.shared_directory("runner") / "run.py"
        mark = self.shared_directory("marks") / "mark"
        script.write_text(
            "import os, sys, time\n"
            "if os.fork() == 0:\n"
            "  os.setsid()\n"
            "  open(sys.argv[1], 'w').close()\n"
            "  end = time.monotonic() + 60\n"
            "  while time.monotonic() < end:\n"
            "    if os.fork(): os._exit(0)\n"
            "sys.stdin.read()\n")
        python = "/usr/bin/python3"
        need(self, os.path.exists(python), "python3")
        name = f"runner-{self.name}"
        profile = self.profile(python, "-S", "-E", str(script), str(mark), name, extends="python",
                               write=[mark.parent], filesystem={"protect_defaults": False})

        def running():
            found = []
            for entry in filter(str.isdigit, os.listdir("/proc")):
                try:
                    text = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes()
                except OSError:
                    continue
                if name.encode() in text and b"anchorhold" not in text.split(b"\0")[0]:
                    found.append(int(entry))
            return found
        for how in ["close", "kill"]:
            cell = self.run_cell(profile)
            self.assertTrue(until(lambda: mark.exists()), cell.stderr)
            self.assertTrue(until(running))
            if how == "close":
                cell.close_stdin()
            else:
                cell.process.kill()
            cell.wait()
            self.assertTrue(until(lambda: not running(), 8), running())
            mark.unlink()


class EndsWithAStoppedInit(ContainerCase):
    def test_a_relay_that_is_killed_ends_the_session_also_if_init_does_nothing(self):
        cell = self.session()
        below = descendants(cell.pid)
        table = processes()
        init = table[server_pid(cell.pid)][0]
        [relay] = [p for p in below if table[p][1] == "anchor-relay"]
        send_signal(init, signal.SIGSTOP)
        send_signal(relay, signal.SIGKILL)
        self.assertEqual(cell.wait(), 125)
        self.assertTrue(until(lambda: not any(alive(p) for p in below)))
        self.assertEqual(self.records()[-1]["reason"], "relay-failed")


class OlderKernels(ContainerCase):
    """What an older Landlock leaves to other walls; the test build takes the version from us."""

    def setUp(self):
        super().setUp()
        need(self, os.path.exists(SKIPPING), "the build that can leave out steps: make skipping")

    def start(self, version, **profile):
        env = {**self.environment, "ANCHORHOLD_LANDLOCK_ABI": str(version)}
        peer = Peer([SKIPPING, "run", str(self.profile(**profile))], env=env)
        self.addCleanup(peer.end)
        return peer

    def test_before_version_3_the_level_is_refused(self):
        for version in [1, 2]:
            peer = self.start(version)
            self.assertEqual(peer.wait(), 125)
            for reader in peer.readers:
                reader.join(5)
            self.assertIn(b"needs Landlock version 3", peer.stderr)
            self.assertIn(b"hint: ", peer.stderr)
        self.assertEqual(self.start(3).initialize()["serverInfo"]["name"], "probe")

    def test_before_version_6_ids_or_the_filter_keep_signals_in(self):
        cell = self.start(5)
        cell.initialize()
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        server = server_pid(cell.pid)
        init = processes()[server][0]
        for pid in [cell.pid, other.pid, init]:
            answer = cell.attempt(f"kill-9:{pid}")
            self.assertEqual(answer["outcome"], "refused", answer)
            self.assertTrue(alive(pid))
        seal = self.seal()
        self.assertEqual(seal["server.signal_scope"][1], "reach it")
        self.assertEqual(seal["server.signals_to_init"][1],
                         "Operation not permitted" if ROOT else "reach it")
        notes = " ".join(self.records()[0]["notes"])
        self.assertEqual("Landlock here does not keep signals in" in notes, not ROOT)
        self.assertEqual(cell.finish(), 0)


class StepsWithoutNamespaces(ContainerCase):
    """The steps that this level has, left out one at a time; see test_steps.py."""

    STEPS = ["SUBREAPER", "CHILDREN", "SIGNAL_SCOPE", "LIMIT", "UMASK", "NO_NEW_PRIVILEGES",
             "LANDLOCK", "FILTER", "SESSION", "DESCRIPTORS", "WORKING_DIRECTORY", "SIGNALS",
             "PARENT_DEATH"]
    ROOT_ONLY = ["CALLER_GROUPS", "GROUP_ID", "USER_ID", "SECUREBITS", "BOUNDING", "CAPABILITIES"]
    USER_ONLY = ["INIT_DUMPABLE"]
    # What the probe of verify finds, too; of the others only the read-back.
    FOUND = {"LIMIT": "limits: max-open-files stops", "UMASK": "set-id and devices: open-umask",
             "LANDLOCK": "host files: list-root", "FILTER": "mounts: mount",
             "SESSION": "processes: other-session", "DESCRIPTORS": "descriptors: extra-descriptors",
             "SIGNALS": "processes: deaf-to-signals", "PARENT_DEATH": "processes: no-death-signal",
             "SECUREBITS": "capabilities: open-securebits", "BOUNDING": "capabilities: bounding-set",
             "CALLER_GROUPS": "identity: no supplementary groups"}

    def setUp(self):
        super().setUp()
        need(self, os.path.exists(SKIPPING), "the build that can leave out steps: make skipping")

    @property
    def steps(self):
        steps = self.STEPS + (self.ROOT_ONLY if ROOT else self.USER_ONLY)
        # A caller that gains nothing has no servers that could.
        inherited = ["NO_NEW_PRIVILEGES"] if status_of("self")["NoNewPrivs"].strip() == "1" else []
        return [step for step in steps if step not in inherited]

    def options(self, step):
        options = {"extra_groups": [27]} if step == "CALLER_GROUPS" else {}
        if step == "CAPABILITIES":
            # The only set that a change of ids leaves as the caller had it.
            return ["setpriv", "--inh-caps", "+chown"], options
        return [], options

    def environment_without(self, step):
        return {**self.environment, "ANCHORHOLD_SKIP_STEP": step}

    def test_each_step_is_missed_by_the_read_back(self):
        for step in self.steps:
            with self.subTest(step):
                before, options = self.options(step)
                command = [*before, SKIPPING, "run", str(self.profile())]
                control = Peer(command, env=self.environment_without("NONE"), **options)
                self.addCleanup(control.end)
                self.assertIn("serverInfo", control.initialize())
                self.assertEqual(control.finish(), 0)
                peer = Peer(command, env=self.environment_without(step), **options)
                self.addCleanup(peer.end)
                self.assertEqual(peer.wait(), 125)
                for reader in peer.readers:
                    reader.join(5)
                self.assertRegex(peer.stderr.decode(),
                                 "error: (the cell is not as planned|cannot )")
                self.assertIsNone(peer.lines.get(timeout=5))

    def test_verify_turns_red_for_each_step(self):
        for step in ["NONE", *self.steps]:
            with self.subTest(step):
                before, options = self.options(step)
                done = subprocess.run(
                    [*before, SKIPPING, "verify", "--json", str(self.profile())],
                    env=self.environment_without(step), stdin=subprocess.DEVNULL,
                    capture_output=True, timeout=60, **options)
                fatal = ["USER_ID", "SIGNAL_SCOPE"]
                if not has_capability(19):
                    # Who has more rights than expected cannot be looked at by root of a container.
                    fatal += ["GROUP_ID", "CAPABILITIES"]
                if step == "NO_NEW_PRIVILEGES" or step in fatal and done.returncode == 2:
                    # Without the first there is no cell; without the next two the probe can end
                    # init, and with it itself.
                    self.assertEqual(done.returncode, 2, done.stderr)
                    continue
                answer = json.loads(done.stdout)
                found = {f"{c['class']}: {c['name']}" for c in answer["checks"]
                         if c["promised"] and not c["held"] and c["control"] != "absent"}
                self.assertEqual(done.returncode, 0 if step == "NONE" else 1, found)
                self.assertEqual(answer["seal"]["held"], step == "NONE")
                if step == "NONE":
                    self.assertEqual(found, set())
                elif step in self.FOUND:
                    self.assertIn(self.FOUND[step], found)


class VerifyOnLayers(ContainerCase):
    def test_nothing_is_copied_into_the_upper_layer(self):
        if not ROOT:
            self.skipTest("root, to mount")
        need_of_root(self, 21)
        layers = {name: self.shared_directory(name) for name in ["lower", "upper", "work", "root"]}
        (layers["lower"] / "file").write_text("text")
        mount = "mount -t overlay -o lowerdir={lower},upperdir={upper},workdir={work} none {root}"

        def inside(*command):
            return subprocess.run(
                ["unshare", "-m", "sh", "-ec", f'{mount.format(**layers)}; exec "$@"', "sh", *command],
                env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        file = layers["root"] / "file"
        done = inside(BINARY, "verify", "--json", str(self.profile(read=[file])))
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {c["name"]: c for c in json.loads(done.stdout)["checks"]}[f"not writable {file}"]
        self.assertEqual((found["held"], found["control"]), (True, "done"), found)
        self.assertFalse((layers["upper"] / "file").exists())
        # The control: opening it for writing is enough.
        inside("sh", "-c", f": >>{file}")
        self.assertTrue((layers["upper"] / "file").exists())


class VerifyWithoutNamespaces(ContainerCase):
    def test_what_the_level_promises_holds_and_the_rest_is_said(self):
        here = self.shared_directory("here")
        done = self.anchorhold("verify", "--json", self.profile(read=[here]), timeout=40)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout[-3000:])
        answer = json.loads(done.stdout)
        self.assertEqual((answer["isolation"], answer["held"]), ("container", True))
        checks = {f"{c['class']}: {c['name']}": c for c in answer["checks"]}
        self.assertGreaterEqual(sum(c["held"] for c in checks.values()), 150)
        for name, check in checks.items():
            if check["promised"]:
                self.assertEqual(check["held"], check["control"] != "absent", check)
            else:
                self.assertFalse(check["held"], name)
        for name in ["namespaces: not the caller's net", "host name: not the host's",
                     "host files: status", "host files: open-without-rights", "devices: dev-mem",
                     f"grants: no execution {here}"]:
            self.assertFalse(checks[name]["promised"], name)
        for name in ["host files: read", "host files: truncate", "host files: watch",
                     "proc: read-version", "proc: caller-environ", "processes: kill-init",
                     "processes: limit-of-init", "processes: priority-of-init",
                     "devices: list-dev", f"grants: not writable {here}", "mounts: mount",
                     "host sockets: path-socket",
                     "persistence: a process that left its session and parent"]:
            self.assertTrue(checks[name]["promised"], name)
            if checks[name]["control"] != "absent":
                self.assertTrue(checks[name]["held"], checks[name])

    def test_the_table_names_what_is_not_promised(self):
        done = self.anchorhold("verify", self.profile(isolation="full"), "--isolation", "container",
                               timeout=40)
        text = done.stdout.decode()
        self.assertEqual(done.returncode, 0, re.findall("OPEN.*", text))
        self.assertRegex(text, r"(?m)^ +no word +.*not the caller's net")
        self.assertRegex(text.splitlines()[-1], r"promises nothing of \d+ others$")
        if LEVEL:
            return
        full = self.anchorhold("verify", "--json", self.profile(), "--isolation", "full",
                               timeout=40)
        self.assertTrue(all(c["promised"] for c in json.loads(full.stdout)["checks"]))

"""What the black-box tests share: a client, a profile, the record, and time limits on everything.

The binary is `.build/release/anchorhold` or what ANCHORHOLD names. ANCHORHOLD_MUST_WORK=1 turns
a skip for something this machine lacks into a failure.
"""

import ctypes
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

TOP = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ANCHORHOLD", str(TOP / ".build/release/anchorhold"))
PROBE = os.environ.get("ANCHORHOLD_PROBE", str(TOP / ".build/tests/probe"))
ROOT = os.geteuid() == 0
MUST_WORK = os.environ.get("ANCHORHOLD_MUST_WORK") == "1"
PATIENCE = float(os.environ.get("ANCHORHOLD_PATIENCE", "20"))
# Whether the caller has control groups of version 2 with memory, pids and cpu; said and not found
# out, so that a machine that should have them cannot pass without.
GROUPS = os.environ.get("ANCHORHOLD_CGROUPS") == "1"
# How much slower than usual things may be, where a bound of time is a promise.
SLOWNESS = max(1, PATIENCE / 20)
# For `verify`, on a machine that is slower than any that it is meant for.
SLOWLY = ["--timeout", str(int(PATIENCE * 5 / 6))] if PATIENCE > 20 else []

# The isolation level at which everything is run whose profile names none, as in Tests/containers; None
# where that is the program's own choice.
LEVEL = os.environ.get("ANCHORHOLD_TEST_ISOLATION")

# With a store of its own for these tests, of the one driver that works on every file system.
PODMAN = ["podman", "--root", str(TOP / ".build/podman"), "--runroot", "/run/podman-of-tests",
          "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime", "runc"]

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
}


# What isolation level container does not promise (docs/architecture.md, "Without namespaces and
# mounts"): the reasons for which a test is left out where everything is run at that level.
NOT_PROMISED = {
    "taking away": "nothing can be taken away from a grant, so hide, protect and what is nested in a "
                   "writable directory are refused",
    "proc": "nothing of /proc can be opened in the cell",
    "processes": "there is no pid namespace, so init has no number of its own",
    "clocks": "the host's clocks can be seen",
    "temporary": "the size of temporary space is not limited, and it is not at /tmp",
    "names": "names of what is not granted can be seen",
    "counted": "limits.processes counts all that the server's user runs, also what comes later",
    "told of": "under a filter of the container's own refusals are not told of",
    "groups": "there is no user namespace in which groups could be dropped or numbers mapped",
    "steps": "namespaces and mounts are steps of level full; test_container leaves out this level's",
}


def level_full(what):
    """For a test or a class that is about what isolation level full alone promises."""
    return unittest.skipIf(LEVEL == "container", f"level container: {NOT_PROMISED[what]}")


def not_promised(test, what):
    """Skips `test` where it comes to what isolation level full alone promises."""
    if LEVEL == "container":
        test.skipTest(f"level container: {NOT_PROMISED[what]}")


# By number (capabilities(7)); those that tests look for.
CAPABILITIES = {19: "CAP_SYS_PTRACE", 21: "CAP_SYS_ADMIN", 27: "CAP_MKNOD", 28: "CAP_LEASE"}


def need_of_root(test, number):
    """Skips `test` for a root that lacks a capability, as a container's does."""
    if ROOT and not has_capability(number):
        test.skipTest(f"root of this container lacks {CAPABILITIES[number]}")


def need(test, there, reason):
    """Skips `test` unless `there`; with ANCHORHOLD_MUST_WORK=1 that is a failure instead."""
    if there:
        return
    if MUST_WORK:
        test.fail(f"needed here: {reason}")
    test.skipTest(reason)


def command_line(*words, binary=BINARY):
    """The command line of a verb, at the level that the tests are run at unless it names one."""
    words = [str(word) for word in words]
    options = words[:words.index("--")] if "--" in words else words
    if LEVEL and words[:1] and words[0] in ("run", "check", "verify", "tools"):
        if not {"--isolation", "--schema"} & set(options):
            words[1:1] = ["--isolation", LEVEL]
    return [binary, *words]


def compact(message):
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def until(true, seconds=PATIENCE, every=0.02):
    """Waits until `true()` is, and returns what it returned last."""
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def refused(answer):
    """Whether a response says no: an error, or the result of a call with `isError`."""
    return "error" in answer or answer["result"].get("isError") is True


class Closed(AssertionError):
    """The other side ended its output."""


class Peer:
    """A process that speaks lines of JSON on stdin and stdout, and what it said."""

    def __init__(self, command, env=None, cwd=None, **options):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=env, cwd=cwd, bufsize=0, **options)
        self.pid = self.process.pid
        self.lines = queue.Queue()
        self.unclaimed = []
        self.stderr = b""
        self.next_id = 1
        self.readers = [threading.Thread(target=self._read_stdout, daemon=True),
                        threading.Thread(target=self._read_stderr, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read_stdout(self):
        with open(self.process.stdout.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                self.lines.put(line)
        self.lines.put(None)

    def _read_stderr(self):
        while part := os.read(self.process.stderr.fileno(), 65536):
            self.stderr += part

    def send_raw(self, line):
        self.process.stdin.write(line)

    def send(self, message):
        self.send_raw(compact(message) + b"\n")

    def line(self, timeout=PATIENCE):
        """The next raw line, or Closed at the end."""
        try:
            line = self.lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no line within {timeout} s; stderr: {self.stderr!r}") from None
        if line is None:
            self.lines.put(None)
            raise Closed(f"the other side closed; stderr: {self.stderr!r}")
        return line

    def quiet(self, seconds=0.3):
        """Whether nothing arrives for a while."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            return True
        # Back to where it was: others may have come behind it meanwhile.
        with self.lines.mutex:
            self.lines.queue.appendleft(line)
            self.lines.not_empty.notify()
        return line is None

    def receive(self, timeout=PATIENCE):
        return json.loads(self.line(timeout))

    def answer(self, identifier, timeout=PATIENCE):
        """The response to `identifier`; other messages stay in `unclaimed`."""
        end = time.monotonic() + timeout
        for message in self.unclaimed:
            if message.get("id") == identifier and "method" not in message:
                self.unclaimed.remove(message)
                return message
        while True:
            message = self.receive(max(0.01, end - time.monotonic()))
            if message.get("id") == identifier and "method" not in message:
                return message
            self.unclaimed.append(message)

    def request(self, method, params=None, timeout=PATIENCE, stateless=False):
        identifier = self.next_id
        self.next_id += 1
        params = {} if params is None else dict(params)
        if stateless:
            params["_meta"] = META
        self.send({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})
        return self.answer(identifier, timeout)

    def notify(self, method, params=None):
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self.send(message)

    def initialize(self):
        answer = self.request("initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"}})
        self.notify("notifications/initialized")
        return answer["result"]

    def call(self, tool, arguments=None, **options):
        """The whole response to a call of `tool`."""
        return self.request("tools/call", {"name": tool, "arguments": arguments or {}}, **options)

    def text(self, tool, arguments=None, **options):
        """The text of the result of a call that has to pass."""
        answer = self.call(tool, arguments, **options)
        if "result" not in answer or answer["result"].get("isError"):
            raise AssertionError(f"{tool} {arguments}: {answer}")
        return answer["result"]["content"][0]["text"]

    def attempt(self, name, **options):
        return json.loads(self.text("attempt", {"name": name}, **options))

    def tools(self, **options):
        answer = self.request("tools/list", **options)
        return [tool["name"] for tool in answer["result"]["tools"]]

    def close_stdin(self):
        self.process.stdin.close()

    def wait(self, timeout=PATIENCE):
        """The exit status as a shell would show it."""
        status = self.process.wait(timeout)
        return status if status >= 0 else 128 - status

    def finish(self, timeout=PATIENCE):
        self.close_stdin()
        status = self.wait(timeout)
        for reader in self.readers:
            reader.join(timeout)
        return status

    def end(self):
        """Whatever happened, this process is over and its descriptors are closed."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is self.process.stdin or not any(r.is_alive() for r in self.readers):
                try:
                    stream.close()
                except OSError:
                    pass


class Case(unittest.TestCase):
    """A test with a directory, a home and a state directory of its own."""

    maxDiff = 4000

    def setUp(self):
        self.name = "t-" + uuid.uuid4().hex[:10]
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="anchorhold-test-"))
        self.home = self.directory / "home"
        self.state = self.directory / "state"
        self.home.mkdir()
        self.addCleanup(self._remove)

    def _remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        if ROOT:
            shutil.rmtree(pathlib.Path("/var/log/anchorhold") / self.name, ignore_errors=True)

    @property
    def environment(self):
        """What a graphical client hands over, and where this test's state goes."""
        return {"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin",
                "XDG_STATE_HOME": str(self.state), "LOGNAME": "tester", "USER": "tester",
                "SHELL": "/bin/sh", "TERM": "dumb"}

    @property
    def audit_directory(self):
        if ROOT:
            return pathlib.Path("/var/log/anchorhold") / self.name
        return self.state / "anchorhold/audit" / self.name

    def shared_directory(self, name):
        """A directory that the cell's own uid may write to as well, when we are root."""
        path = self.directory / name
        path.mkdir()
        path.chmod(0o777)
        if ROOT:
            self.directory.chmod(0o755)
        return path

    def unwritten(self, name):
        """A directory like that for what a server is started from, which it does not write."""
        path = self.directory / f"{name}-program"
        return path if path.exists() else self.shared_directory(path.name)

    def profile(self, *server, read=(), write=(), hide=(), tools=("*",), text=None, **more):
        """Writes a profile (JSON is YAML) for the probe or another command; gives its path."""
        values = {
            "version": 1, "name": self.name, "extends": "static",
            "server": {"command": list(server) or [PROBE, "serve"]},
            "filesystem": {"read": [str(p) for p in read], "write": [str(p) for p in write],
                           "hide": [str(p) for p in hide]},
            # The server's schemas are a matter of their own tests, see test_arguments.
            "tools": {"schemas": "ignore", "unknown_arguments": "allow",
                      **(tools if isinstance(tools, dict) else {"allow": list(tools)})},
        }
        for key, value in more.items():
            if isinstance(value, dict) and isinstance(values.get(key), dict):
                values[key] = {**values[key], **value}
            elif value is None:
                values.pop(key, None)
            else:
                values[key] = value
        files = values["filesystem"]
        if LEVEL == "container" and files.get("write") and not {
                "protect", "protect_missing", "protect_defaults"} & set(files):
            # As docs/profile.md has it for that level, which cannot hold names that are not there.
            files["protect_missing"] = "note"
        if "pins" not in more:  # These as well, see test_pins: for both we ask the server for its tools.
            values["pins"] = "off"
        path = self.directory / f"{self.name}.yaml"
        if isinstance(text, dict):  # The section of this name.
            values["text"], text = text, None
        if text is None:
            text = "\n".join(f"{key}: {json.dumps(value)}" for key, value in values.items()) + "\n"
        path.write_text(text)
        return path

    def peer(self, command, **options):
        options.setdefault("env", self.environment)
        peer = Peer([str(part) for part in command], **options)
        self.addCleanup(peer.end)
        return peer

    def run_cell(self, profile=None, *arguments, **options):
        """A session: anchorhold run with `profile`."""
        profile = profile if profile is not None else self.profile()
        return self.peer(command_line("run", profile, *arguments), **options)

    def session(self, *server, **options):
        """A session with a profile made from these parts, after the handshake."""
        peer = self.run_cell(self.profile(*server, **options))
        peer.initialize()
        return peer

    def direct(self, *command):
        """The same server without Anchorhold: the positive control."""
        return self.peer(command or [PROBE, "serve"])

    def anchorhold(self, *arguments, env=None, timeout=PATIENCE, **options):
        """Runs a verb to its end."""
        return subprocess.run(
            command_line(*arguments), env=env or self.environment, timeout=timeout,
            stdin=subprocess.DEVNULL, capture_output=True, **options)

    def temporary(self, cell):
        """The private temporary space of the server in `cell`, as the server calls it."""
        lines = cell.attempt("env")["detail"].split("\n")
        return dict(line.split("=", 1) for line in lines if "=" in line)["TMPDIR"]

    def outside(self, *names):
        """What comes of these attempts outside of any cell, as {name: outcome}."""
        done = subprocess.run([PROBE, "try", *names], capture_output=True, timeout=PATIENCE,
                              env=self.environment, check=True)
        return {r["attempt"]: r for r in map(json.loads, done.stdout.splitlines())}

    def record_files(self):
        return sorted(self.audit_directory.glob("*.jsonl"))

    def seal(self):
        """The comparisons of the session that was started last."""
        starts = [r for r in self.records() if r["kind"] == "session-start"]
        return max(starts, key=lambda r: r["time"])["seal"]

    def records(self):
        """Everything that was recorded for this test's profile, oldest first."""
        return [json.loads(line) for path in self.record_files()
                for line in path.read_bytes().splitlines()]


def can_be_had(step):
    """Whether this kernel and processor have what a step is asked to do; others are always there."""
    if step == "WRITE_EXECUTE":
        return ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) >= 0  # PR_GET_MDWE
    # Whether this processor is affected and a process may choose.
    return step != "SPECULATION" or bool({status_of("self").get(field, "?").strip() for field in
                 ["Speculation_Store_Bypass", "SpeculationIndirectBranch"]}
                & {"thread vulnerable", "conditional enabled"})


def processes():
    """{pid: (parent, command)} of everything there is."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        name = stat[stat.index("(") + 1:stat.rindex(")")]
        fields = stat[stat.rindex(")") + 2:].split()
        found[int(entry)] = (int(fields[1]), name, fields[0])
    return found


def descendants(pid):
    """The pids below `pid`, in no order."""
    table = processes()
    below, todo = [], [pid]
    while todo:
        parent = todo.pop()
        children = [p for p, (up, _, _) in table.items() if up == parent]
        below += children
        todo += children
    return below


def alive(pid):
    """Whether `pid` runs (a zombie does not)."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] not in "ZX"


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def server_pid(monitor, name="probe"):
    """The pid, as the host sees it, of the server below `monitor`."""
    def find():
        table = processes()
        return [p for p in descendants(monitor) if p in table and table[p][1] == name]
    found = until(find)
    if not found:
        raise AssertionError(f"no {name} below {monitor}")
    return min(found)


def send_signal(pid, number=signal.SIGTERM):
    os.kill(pid, number)


def has_capability(number):
    """Whether this process, and so the caller of what it starts, has it in effect."""
    return int(status_of("self")["CapEff"], 16) >> number & 1 == 1


def is_filtered():
    """Whether this process, and so the caller of what it starts, runs under a system-call filter."""
    return status_of("self")["Seccomp"].strip() != "0"


def resident(pid):
    """The resident set of `pid` in bytes."""
    try:
        return int(status_of(pid)["VmRSS"].split()[0]) << 10
    except (OSError, KeyError):
        return 0

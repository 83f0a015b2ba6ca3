"""The record of a session: what is in it, who may read it, and what happens when it fails."""

import hashlib
import json
import os
import pathlib
import resource
import stat

from harness import (LEVEL, PROBE, ROOT, Case, command_line, compact, need, need_of_root, refused,
                     server_pid, status_of)


class Records(Case):
    def test_a_session_is_recorded_from_seal_to_end(self):
        cell = self.session(tools=["echo", "exit"])
        cell.text("echo", {"secret": "hunter2", "n": 5})
        cell.call("hidden", {"a": 1})
        cell.send_raw(b"rubbish\n")
        cell.answer(None)
        self.assertEqual(cell.finish(), 0)
        records = self.records()
        self.assertEqual(len(self.record_files()), 1)
        names = [r["kind"] for r in records]
        self.assertEqual(names[0], "session-start")
        self.assertEqual(names[-1], "session-end")
        for record in records:
            self.assertIn("time", record)
            self.assertEqual(record["session"], records[0]["session"])
        calls = [r for r in records if r.get("method") == "tools/call"]
        passed = [r for r in calls if r.get("tool") == "echo" and r["kind"] == "request"]
        self.assertEqual(len(passed), 1)
        self.assertEqual(passed[0]["verdict"], "pass")
        self.assertTrue([r for r in calls if r.get("tool") == "hidden"
                         and r["verdict"] != "pass"], calls)
        # A decision names the line of the profile that made it, also what the list leaves out.
        lines = (self.directory / f"{self.name}.yaml").read_text().splitlines()
        for record in calls:
            if record["kind"] in ("request", "refusal"):
                self.assertIn("tools", lines[record["rule"] - 1])
        self.assertNotIn("hunter2", json.dumps(records))
        answered = [r for r in calls if r["kind"] == "response" and r.get("tool") == "echo"]
        self.assertEqual([r["outcome"] for r in answered], ["ok"])
        self.assertGreaterEqual(answered[0]["duration_us"], 0)
        malformed = [r for r in records if r["kind"] == "refusal" and "method" not in r]
        self.assertTrue(malformed and all(r["reason"] for r in malformed), records)
        self.assertEqual([r["seq"] for r in records], sorted({r["seq"] for r in records}))
        self.assertEqual(records[-1]["status"], 0)
        self.assertIsNone(records[-1]["signal"])

    def test_the_record_is_for_its_owner_alone(self):
        cell = self.session()
        cell.finish()
        files = self.record_files()
        self.assertEqual(len(files), 1)
        mode = files[0].stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(stat.S_IMODE(files[0].parent.stat().st_mode) & 0o077, 0)
        self.assertEqual(files[0].stat().st_uid, os.geteuid())

    def test_records_are_written_whole(self):
        if not ROOT:
            self.skipTest("only root can look into a process that is not dumpable")
        need_of_root(self, 19)
        need(self, os.path.exists("/usr/bin/strace"), "strace")
        trace = self.directory / "trace"
        cell = self.peer(["strace", "-f", "-qq", "-e", "trace=write,writev,pwrite64",
                          "-s", "100000", "-o", trace, *command_line("run", self.profile())])
        cell.initialize()
        for i in range(5):
            cell.text("echo", {"i": i})
        cell.finish()
        count = sum(1 for r in self.records())
        writes = [line for line in trace.read_text(errors="replace").splitlines()
                  if '"{\\"' in line and "session" in line and '\\"kind\\"' in line]
        self.assertGreaterEqual(count, 12)
        # Lines that arrive together may share one write; none is written in parts.
        self.assertEqual(sum(line.count("}\\n") for line in writes), count)
        # The record of an answer may wait for the next call's, but a call's is never held back: this
        # client waits for each answer, so no two requests arrive together.
        asked = [line.count('\\"kind\\":\\"request\\"') for line in writes]
        self.assertGreaterEqual(sum(asked), 6)
        self.assertEqual(max(asked), 1)
        self.assertTrue(all('}\\n", ' in line for line in writes))

    def test_arguments_are_kept_as_shape_and_digest_or_as_the_profile_asks(self):
        arguments = {"path": "/srv/secret", "n": 12}
        for kept in ["none", "shape", "full"]:
            with self.subTest(kept):
                for path in self.record_files():
                    path.unlink()
                cell = self.session(audit={"arguments": kept})
                cell.text("echo", arguments)
                cell.finish()
                call = [r for r in self.records() if r.get("tool") == "echo"
                        and r["kind"] == "request"][0]
                text = json.dumps(call)
                self.assertEqual("/srv/secret" in text, kept == "full", text)
                self.assertEqual("path" in text, kept != "none", text)
                if kept != "none":
                    digest = hashlib.sha256(
                        json.dumps(arguments, separators=(",", ":")).encode()).hexdigest()
                    self.assertIn(digest, text)

    def test_drops_and_forged_answers_are_recorded_with_a_reason(self):
        cell = self.session()
        cell.text("raw", {"hex": b'stray\n{"jsonrpc":"2.0","id":99,"result":{}}\n'.hex()})
        cell.finish()
        dropped = [r for r in self.records() if r.get("verdict") == "drop"]
        self.assertGreaterEqual(len(dropped), 2)
        for record in dropped:
            self.assertTrue(record["reason"], record)

    def test_a_refused_call_is_recorded_with_its_arguments_like_any_other(self):
        cell = self.session(tools=["echo"])
        self.assertTrue(refused(cell.call("hidden", {"path": "/srv"})))
        cell.finish()
        record = [r for r in self.records() if r["kind"] == "refusal"][0]
        digest = hashlib.sha256(b'{"path":"/srv"}').hexdigest()
        self.assertEqual(record["arguments"]["sha256"], digest)
        self.assertEqual(record["arguments"]["shape"][0]["key"], "path")

    def test_floods_of_either_side_make_few_records_and_every_line_is_counted(self):
        line = b'{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}\n'
        cell = self.session()
        cell.text("raw", {"hex": (line * 3000).hex()})
        cell.send_raw(b"\n" * 20_000)
        for _ in range(20_000):
            self.assertIn(b"empty-line", cell.line())
        self.assertEqual(cell.text("echo", {"after": "that"}), '{"after":"that"}')
        cell.finish()
        found = {"refusal": 0, "drop": 0}
        records = self.records()
        for record in records:
            if record["kind"] == "refusal" and record["side"] in ("client", "server"):
                found["refusal"] += 1
            for count in record.get("counts", []):
                found[count["kind"]] += count["count"]
        self.assertEqual(found["refusal"], 23_000)
        self.assertLess(len(records), 500)

    def test_lines_of_stderr_beyond_the_rate_are_counted_in_the_record(self):
        cell = self.session()
        cell.text("stderr", {"hex": (b"n\n" * 1000 + b"the last word\n").hex()})
        cell.finish()
        records = self.records()
        single = sum(r["kind"] == "stderr" for r in records)
        counted = sum(c["count"] for r in records for c in r.get("counts", [])
                      if c["kind"] == "stderr")
        self.assertEqual(single + counted, 1001)
        self.assertGreater(counted, 0)


class TheSeal(Case):
    def seal(self):
        start = self.records()[0]
        self.assertEqual(start["kind"], "session-start")
        return start["seal"]

    def test_every_control_of_the_seal_holds_and_is_named_once(self):
        cell = self.session()
        start = self.records()[0]
        self.assertTrue(start["sealed"])
        names = [entry["name"] for entry in start["seal"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 10)
        for entry in start["seal"]:
            self.assertTrue(entry["ok"], entry)
        self.assertEqual(start["profile"], self.name)
        cell.finish()

    def test_the_seal_record_says_what_proc_says(self):
        granted = self.shared_directory("granted")
        cell = self.session(write=[granted], limits={"open_files": 77})
        pid = server_pid(cell.pid)
        seal, seen = self.seal(), status_of(pid)
        said = {entry["name"]: entry["observed"] for entry in seal}
        for when in ["server", "executed"]:
            self.assertEqual(said[f"{when}.uid"].split(), seen["Uid"].split())
            self.assertEqual(said[f"{when}.gid"].split(), seen["Gid"].split())
            self.assertEqual(said[f"{when}.no_new_privs"].strip(), seen["NoNewPrivs"].strip())
            for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
                self.assertEqual(said[f"{when}.{name}"].strip(), seen[name].strip())
        self.assertEqual(said["executed.seccomp"].strip(), seen["Seccomp"].strip())
        for name in [] if LEVEL else ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"]:
            self.assertEqual(said[f"executed.namespace.{name}"], "own")
            self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/{name}"),
                                os.readlink(f"/proc/self/ns/{name}"), name)
        for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines():
            if line.startswith("Max open files"):
                self.assertEqual(line.split()[3:5], ["77", "77"])
                self.assertEqual(said["limit.Max open files"], "77 77")
        if LEVEL:
            return
        inside = cell.attempt("read:/proc/self/mountinfo")["detail"].splitlines()
        points = {line.split()[4]: line.split()[5].split(",") for line in inside}
        self.assertIn(str(granted), points)
        for point, flags in points.items():
            if point == "/" or not (point.startswith(str(granted)) or point.startswith("/tmp")
                                    or point.startswith("/dev") or point.startswith("/home")
                                    or point.startswith("/proc")):
                self.assertIn("ro", flags, point)
            self.assertIn("nosuid", flags, point)
            if point != "/proc":
                self.assertIn(f"mount {point}", said)
        self.assertIn(f"mount {granted}", said)

    def test_nothing_is_forwarded_before_the_seal_is_written(self):
        cell = self.run_cell()
        cell.initialize()
        self.assertEqual(self.records()[0]["kind"], "session-start")

    def test_the_start_is_the_first_record_even_when_the_server_speaks_at_once(self):
        profile = self.profile(PROBE, "serve", "--behave", "noisy")
        for _ in range(5):
            cell = self.run_cell(profile)
            cell.initialize()
            cell.finish()
        for path in self.record_files():
            kinds = [json.loads(line)["kind"] for line in path.read_bytes().splitlines()]
            self.assertEqual(kinds[0], "session-start", kinds)
            self.assertIn("stderr", kinds)
            self.assertIn("drop", kinds)


class AFullDisk(Case):
    """A call whose record cannot be written is refused, and says why."""

    def assertRefusedWhenFull(self, cell):
        refusal = None
        for _ in range(2000):
            answer = cell.call("echo", {"a": "b" * 100})
            if "error" in answer or answer["result"].get("isError"):
                refusal = json.dumps(answer)
                break
        self.assertIsNotNone(refusal, "no call was refused")
        self.assertRegex(refusal.lower(), "record|audit")

    def test_calls_are_refused_at_the_limit_of_the_file_size(self):
        cell = self.run_cell(preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (65536, 65536)))
        cell.initialize()
        self.assertRefusedWhenFull(cell)
        for line in self.record_files()[0].read_bytes().split(b"\n")[:-1]:
            json.loads(line)
        self.assertLess(cell.finish(), 126)

    def test_calls_that_arrive_together_are_sent_on_if_and_only_if_they_are_recorded(self):
        log = self.shared_directory("log")
        cell = self.run_cell(
            self.profile(PROBE, "serve", "--log", str(log / "lines"), write=[log]),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (24576, 24576)))
        cell.initialize()
        count = 40
        calls = [{"jsonrpc": "2.0", "id": 1000 + n, "method": "tools/call", "params": {
            "name": "echo", "arguments": {"n": n}}} for n in range(count)]
        cell.send_raw(b"".join(compact(c) + b"\n" for c in calls))
        answers = {n: cell.answer(1000 + n) for n in range(count)}
        passed = {n for n in answers if not refused(answers[n])}
        self.assertTrue(0 < len(passed) < count, passed)
        cell.notify("notifications/initialized")
        self.assertTrue(refused(cell.call("echo", {"after": "full"})))
        cell.finish()
        seen = [json.loads(line) for line in (log / "lines").read_text().splitlines()]
        self.assertEqual({m["id"] - 1000 for m in seen if m.get("id", 0) >= 1000}, passed)
        self.assertEqual(sum(m["method"] == "notifications/initialized" for m in seen), 1)
        recorded = set()
        for line in self.record_files()[0].read_bytes().split(b"\n")[:-1]:
            record = json.loads(line)
            if record["kind"] == "request" and record["id"] >= 1000:
                recorded.add(record["id"] - 1000)
        self.assertEqual(recorded, passed)

    def test_calls_are_refused_on_a_full_file_system(self):
        log = self.shared_directory("log")
        if not ROOT:
            self.skipTest("only root can mount a file system; the limit of a file covers the rest")
        need_of_root(self, 21)
        place = pathlib.Path("/var/log/anchorhold")
        place.mkdir(exist_ok=True, parents=True)
        script = f"mount -t tmpfs -o size=64k,mode=755 tmpfs {place} && exec \"$@\""
        unshare = ["unshare", "--mount"]
        profile = self.profile(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        cell = self.peer([*unshare, "sh", "-c", script, "sh", *command_line("run", profile)])
        cell.initialize()
        self.assertRefusedWhenFull(cell)
        last = (log / "lines").read_text().count('"echo"')
        cell.call("echo", {"after": "full"})
        self.assertEqual((log / "lines").read_text().count('"echo"'), last)
        cell.finish()

    def test_a_session_whose_start_cannot_be_recorded_does_not_start(self):
        if ROOT:
            self.audit_directory.parent.mkdir(parents=True, exist_ok=True)
            self.audit_directory.write_text("a file, not a directory")
            self.addCleanup(self.audit_directory.unlink)
        else:
            self.state.write_text("a file, not a directory")
        log = self.shared_directory("log")
        done = self.anchorhold("run", self.profile(
            PROBE, "serve", "--log", str(log / "lines"), write=[log]))
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(b"anchorhold: error: ", done.stderr)
        self.assertFalse((log / "lines").exists())

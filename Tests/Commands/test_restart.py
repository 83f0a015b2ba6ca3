"""Servers that fail and are started again, in a new cell of the same session."""

import json
import os
import pathlib
import resource
import shutil
import signal
import threading
import time

import servers
from harness import (GROUPS, LEVEL, PATIENCE, PROBE, ROOT, Case, alive, descendants, has_capability,
                     need, need_of_root, processes, resident, server_pid, status_of, until)
from taken import relay_of

# A server whose first argument is a directory that it may write to: it counts its starts there, and
# `script` in it says what each of them does ("version=2024-11-05", "refuse", "mute", "crash").
CRASHER = r"""
import json, os, sys
place = sys.argv[1]
counter = os.path.join(place, "starts")
starts = len(open(counter).read()) if os.path.exists(counter) else 0
open(counter, "a").write("x")
script = json.load(open(os.path.join(place, "script")))
does = script[min(starts, len(script) - 1)]
log = open(os.path.join(place, "lines"), "a", buffering=1)
def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
if does == "crash":
    sys.exit(7)
for line in sys.stdin:
    log.write(f"{starts} {line}")
    message = json.loads(line)
    method, identifier = message.get("method"), message.get("id")
    if identifier is None or method is None:
        continue
    result = {}
    if method == "initialize":
        if does == "refuse":
            send({"jsonrpc": "2.0", "id": identifier, "error": {"code": -1, "message": "no"}})
            continue
        if does == "mute":
            continue
        if does == "crash-at-initialize":
            os._exit(8)
        result = {"protocolVersion": dict([does.split("=")]).get("version", "2025-11-25")
                  if "=" in does else "2025-11-25",
                  "capabilities": {"tools": {}, "resources": {"subscribe": True}, "logging": {}},
                  "serverInfo": {"name": "crasher", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": f"tool-{starts}", "inputSchema": {"type": "object"}},
                            {"name": "exit", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        name = message["params"]["name"]
        if name == "exit":
            # An answer before the end belongs to the client, half a line to nobody.
            send({"jsonrpc": "2.0", "id": identifier, "result": {"content": []}})
            sys.stdout.write('{"jsonrpc":"2.0","id":')
            sys.stdout.flush()
            os._exit(9)
        if name == "ask":
            send({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {
                "messages": [], "maxTokens": 1}})
            continue
        result = {"content": [{"type": "text", "text": str(starts)}]}
    send({"jsonrpc": "2.0", "id": identifier, "result": result})
"""


def descriptors(pid):
    """How many descriptors it has; to who may not look, how large the table of them is."""
    if ROOT and has_capability(19):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return status_of(pid)["FDSize"]


class Restarting(Case):
    isolation = None  # The level that the tests are run at.

    def restarting(self, *server, restart="on-failure", **options):
        """A profile that has its server started again."""
        options.setdefault("isolation", self.isolation)
        server = {"command": list(server) or [PROBE, "serve"], "restart": restart,
                  **options.pop("server", {})}
        return self.profile(server=server, **options)

    def opened(self, *server, **options):
        cell = self.run_cell(self.restarting(*server, **options))
        cell.initialize()
        return cell

    def crasher(self, *script, opens=True, **options):
        """A session with the server above; `script` says what its starts do."""
        self.place = self.shared_directory("crasher")
        server = self.unwritten("crasher") / "server.py"
        server.write_text(CRASHER)
        (self.place / "script").write_text(json.dumps(script or ["well"]))
        cell = self.run_cell(self.restarting(
            "/usr/bin/python3", str(server), str(self.place), extends="python",
            write=[self.place], filesystem={"protect_defaults": False}, **options))
        if opens:
            cell.initialize()
        return cell

    def crash(self, cell, number=1):
        """Has the server above answer and fail, and waits until nobody is there who could answer."""
        answer = cell.call("exit")
        self.assertEqual(answer["result"]["content"], [])
        self.paused(number)
        return answer

    def lines(self, start):
        """What the server's start of this number was sent, from 0."""
        lines = (self.place / "lines").read_text().splitlines()
        return [json.loads(line[2:]) for line in lines if line.startswith(f"{start} ")]

    def kinds(self, *kinds):
        return [r for r in self.records() if r["kind"] in kinds]

    def end(self):
        return self.records()[-1]

    def paused(self, number=1):
        """Waits until the `number`th server has failed and is recorded."""
        self.assertTrue(until(lambda: len(self.kinds("server-end")) >= number))

    def assertNothingLeft(self, pids):
        self.assertTrue(until(lambda: not any(alive(p) for p in pids)),
                        [p for p in pids if alive(p)])

    def assertEnded(self, answer, how):
        self.assertIs(answer["result"]["isError"], True)
        self.assertEqual(answer["result"]["content"][0]["text"],
                         f"The server ended before it answered: {how}")


class Failures(Restarting):
    def test_a_server_that_ends_with_a_status_is_followed_by_another_one(self):
        cell = self.opened()
        first, below = server_pid(cell.pid), set(descendants(cell.pid))
        relay = relay_of(cell)
        self.assertEnded(cell.call("exit", {"status": 3}), "ended with an error")
        self.assertEqual(cell.text("echo", {"n": 1}), '{"n":1}')
        second = server_pid(cell.pid)
        self.assertNotEqual(first, second)
        self.assertEqual({p for p in below if alive(p)}, {relay})
        self.assertEqual(relay_of(cell), relay)
        self.assertEqual(cell.finish(), 0)
        records = self.records()
        self.assertEqual([r["seq"] for r in records], list(range(len(records))))
        (end,), (start,) = self.kinds("server-end"), self.kinds("server-restart")
        self.assertEqual((end["status"], end["signal"], end["restart"], end["wait_us"]),
                         (3, None, 1, 500_000))
        self.assertEqual((start["restart"], start["sealed"], start["looks"]), (1, True, 2))
        # Everything that the first cell was compared in, but for what only the first start has.
        self.assertEqual({c["name"] for c in records[0]["seal"]} - {"relay.descriptor_numbers"},
                         {c["name"] for c in start["seal"]} - {"relay.descriptor_count"})
        self.assertTrue(all(c["ok"] for c in start["seal"]))
        pipes = {c["name"]: c["observed"] for c in start["seal"] if "descriptor_" in c["name"]}
        for check in records[0]["seal"]:
            if check["name"].startswith("server.descriptor_"):
                self.assertNotEqual(check["observed"], pipes[check["name"]])
        self.assertLess(records.index(start), records.index(
            [r for r in records if r.get("reason") == "replayed"][0]))
        self.assertEqual((self.end()["reason"], self.end()["restarts"]), ("client-closed", 1))

    def test_a_server_that_a_signal_ends_is_followed_by_another_one(self):
        cell = self.opened()
        for index, number in enumerate([signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM]):
            if number == signal.SIGSEGV:
                self.assertEnded(cell.call("die", {"signal": int(number)}),
                                 "was ended by a signal")
            else:
                os.kill(server_pid(cell.pid), number)
                self.paused(index + 1)
            self.assertEqual(cell.text("echo"), "{}")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([r["signal"] for r in self.kinds("server-end")], [11, 9, 15])
        self.assertEqual([r["wait_us"] for r in self.kinds("server-end")],
                         [500_000, 1_000_000, 2_000_000])

    def test_an_init_that_is_killed_is_a_failure_too(self):
        cell = self.opened()
        init = processes()[server_pid(cell.pid)][0]
        os.kill(init, signal.SIGKILL)
        self.paused()
        self.assertEqual(cell.text("echo"), "{}")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual(self.kinds("server-end")[0]["signal"], 9)

    def test_without_the_key_or_after_a_good_end_there_is_no_other_server(self):
        for restart, status in [("never", 3), ("on-failure", 0), (None, 4)]:
            with self.subTest(restart=restart, status=status):
                server = {"server": {"restart": restart}} if restart else {}
                profile = self.profile(**server) if restart else self.profile()
                cell = self.run_cell(profile)
                cell.initialize()
                cell.send({"jsonrpc": "2.0", "id": 50, "method": "tools/call", "params": {
                    "name": "exit", "arguments": {"status": status}}})
                self.assertEqual(cell.wait(), status)
        self.assertEqual(self.kinds("server-end", "server-restart"), [])

    def test_a_server_that_we_end_is_not_started_again(self):
        # It closes its stdout and stays, so that we end it: by SIGTERM, which is ours.
        place = self.shared_directory("script")
        (place / "server.py").write_text("import os, time\nos.close(1)\ntime.sleep(600)\n")
        cell = self.run_cell(self.restarting(
            "/usr/bin/python3", str(place / "server.py"), extends="python", read=[place]))
        self.assertEqual(cell.wait(), 128 + signal.SIGTERM)
        self.assertEqual(self.kinds("server-end"), [])
        self.assertEqual(self.end()["sent"], [signal.SIGTERM])

    def test_the_most_restarts_are_counted_and_the_last_status_is_ours(self):
        cell = self.opened(restart={"when": "on-failure", "most": 2, "within": "10m"})
        for status in [11, 12, 13]:
            self.assertEnded(cell.call("exit", {"status": status}), "ended with an error")
        self.assertEqual(cell.wait(), 13)
        self.assertEqual([r["status"] for r in self.kinds("server-end")], [11, 12])
        end = self.end()
        self.assertEqual((end["kind"], end["reason"], end["status"], end["restarts"]),
                         ("session-end", "server-ended", 13, 2))
        for reader in cell.readers:
            reader.join(PATIENCE)
        self.assertIn(b"it is started again in 1000 ms (2 of 2 in 600 s)", cell.stderr)

    def test_failures_that_are_long_ago_do_not_count(self):
        cell = self.opened(restart={"when": "on-failure", "most": 1, "within": "1s"})
        for _ in range(3):
            self.assertEnded(cell.call("exit", {"status": 1}), "ended with an error")
            self.assertEqual(cell.text("echo"), "{}")
            time.sleep(1)
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([r["wait_us"] for r in self.kinds("server-end")], [500_000] * 3)

    def test_a_server_that_never_answers_the_handshake_ends_with_its_own_status(self):
        for behave, status in [("crash", 7), ("crash-at-initialize", 8)]:
            with self.subTest(behave=behave):
                cell = self.crasher(behave, opens=False,
                                    restart={"when": "on-failure", "most": 2})
                cell.send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                    "protocolVersion": "2025-11-25", "capabilities": {},
                    "clientInfo": {"name": "tests", "version": "1"}}})
                answer = cell.answer(1)
                self.assertEqual(answer["error"]["code"], -31002)
                self.assertEqual(cell.wait(), status)
                self.assertEqual(len((self.place / "starts").read_text()), 3)
                if behave == "crash-at-initialize":
                    # The client's own, each time.
                    for start in range(3):
                        self.assertEqual([m["id"] for m in self.lines(start)], [1])
                for name in ["starts", "lines", "script", "server.py"]:
                    (self.place / name).unlink(missing_ok=True)
                self.place.rmdir()

    def test_a_handshake_that_was_not_answered_is_put_to_the_next_server(self):
        cell = self.crasher("crash-at-initialize", "crash", "well")
        self.assertEqual(cell.text("tool-2"), "2")
        self.assertEqual([m["method"] for m in self.lines(2)],
                         ["initialize", "notifications/initialized", "tools/call"])
        self.assertEqual(self.lines(2)[0]["id"], 1)
        self.assertEqual(cell.finish(), 0)


class Conversation(Restarting):
    def test_the_new_server_hears_the_clients_own_handshake_first(self):
        cell = self.crasher()
        self.crash(cell)
        cell.request("tools/list")
        told = self.lines(1)
        first = self.lines(0)[0]
        self.assertEqual([m["method"] for m in told],
                         ["initialize", "notifications/initialized", "tools/list"])
        self.assertEqual(told[0]["params"], first["params"])
        self.assertNotEqual(told[0]["id"], first["id"])
        changes = [m["method"] for m in cell.unclaimed]
        self.assertEqual(changes, ["notifications/tools/list_changed"])
        self.assertEqual(cell.tools(), ["tool-1", "exit"])
        self.assertEqual(cell.finish(), 0)
        replayed = [(r["kind"], r["method"]) for r in self.records()
                    if r.get("reason") == "replayed"]
        self.assertEqual(replayed, [
            ("request", "initialize"), ("response", "initialize"),
            ("notification", "notifications/initialized")])

    def test_what_was_in_flight_is_answered_and_what_comes_later_waits(self):
        cell = self.opened()
        for identifier, tool in [(101, "never"), (102, "never")]:
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": tool}})
        cell.send({"jsonrpc": "2.0", "id": 103, "method": "tools/call", "params": {
            "name": "exit", "arguments": {"status": 1}}})
        for identifier in [101, 102, 103]:
            self.assertEnded(cell.answer(identifier), "ended with an error")
        for identifier in range(200, 220):
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": "echo", "arguments": {"n": identifier}}})
        for identifier in range(200, 220):
            text = cell.answer(identifier)["result"]["content"][0]["text"]
            self.assertEqual(json.loads(text), {"n": identifier})
        self.assertEqual(cell.finish(), 0)

    def test_what_waits_is_bounded_and_none_of_it_is_lost(self):
        cell = self.opened(messages={"in_flight": 16})
        cell.call("exit", {"status": 1})
        self.paused()
        for identifier in range(300, 340):
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": "echo", "arguments": {"n": identifier}}})
        answers = {i: cell.answer(i)["result"] for i in range(300, 340)}
        refused = [i for i in answers if answers[i].get("isError")]
        self.assertEqual(refused, list(range(316, 340)))
        for identifier in refused:
            self.assertEqual(answers[identifier]["_meta"]["anchorhold/refused"]["reason"],
                             "in-flight-limit")
        self.assertEqual(cell.finish(), 0)

    def test_large_requests_that_wait_hold_the_client_up_and_arrive(self):
        cell = self.opened()
        cell.call("exit", {"status": 1})
        self.paused()
        size = 200_000

        def send():
            for identifier in range(400, 410):
                cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": {
                    "name": "echo", "arguments": {"text": "x" * size}}})
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        for identifier in range(400, 410):
            text = cell.answer(identifier)["result"]["content"][0]["text"]
            self.assertEqual(len(text), size + len('{"text":""}'))
        thread.join(PATIENCE)
        self.assertEqual(cell.finish(), 0)

    def test_half_a_line_of_the_old_server_is_no_part_of_the_new_ones_first(self):
        cell = self.crasher()
        self.crash(cell)
        self.assertEqual(cell.text("tool-1"), "1")
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([r["reason"] for r in self.kinds("drop")], ["json-truncated"])

    def test_another_version_or_a_refusal_ends_the_session(self):
        for script, text in [("version=2024-11-05", b"another version"), ("refuse", b"refuses")]:
            with self.subTest(script=script):
                cell = self.crasher("well", script)
                self.crash(cell)
                answer = cell.call("tool-1")
                self.assertIs(answer["result"]["isError"], True)
                self.assertEqual(cell.wait(), 125)
                for reader in cell.readers:
                    reader.join(PATIENCE)
                self.assertIn(text, cell.stderr)
                last = max(self.record_files(), key=lambda path: path.stat().st_mtime_ns)
                end = json.loads(last.read_bytes().splitlines()[-1])
                self.assertEqual(end["reason"], "restart-failed")
                self.assertEqual([m["method"] for m in self.lines(1)], ["initialize"])
                for path in self.place.iterdir():
                    path.unlink()
                self.place.rmdir()

    def test_a_new_server_that_does_not_answer_the_handshake_ends_the_session(self):
        cell = self.crasher("well", "mute", messages={"own_timeout": "1s"})
        self.crash(cell)
        self.assertIs(cell.call("tool-1")["result"]["isError"], True)
        self.assertEqual(cell.wait(), 125)
        self.assertEqual(self.end()["reason"], "restart-failed")

    def test_questions_of_the_old_server_are_void(self):
        cell = self.crasher(requests={"sampling": "allow"}, tools=["*"])
        cell.send({"jsonrpc": "2.0", "id": 60, "method": "tools/call", "params": {"name": "ask"}})
        question = cell.receive()
        self.assertEqual(question["method"], "sampling/createMessage")
        self.crash(cell)
        self.assertEnded(cell.answer(60), "ended with an error")
        told = cell.receive()
        self.assertEqual((told["method"], told["params"]["requestId"]),
                         ("notifications/cancelled", question["id"]))
        # An answer that was on its way is not one to the next server's question of the same number.
        cell.send({"jsonrpc": "2.0", "id": 61, "method": "tools/call", "params": {"name": "ask"}})
        cell.send({"jsonrpc": "2.0", "id": question["id"], "result": {"role": "assistant"}})
        self.assertEqual(cell.text("tool-1"), "1")
        # It was sent what it asked for being refused, and not the answer.
        answers = [m for m in self.lines(1) if m.get("id") == question["id"] and "method" not in m]
        self.assertEqual([list(m) for m in answers if "result" in m], [])
        self.assertEqual(cell.finish(), 0)

    def test_subscriptions_and_the_level_of_messages(self):
        cell = self.crasher(features={"logging": "allow", "subscriptions": "allow"},
                            resources={"allow": ["memo:**"]})
        cell.request("logging/setLevel", {"level": "info"})
        cell.request("resources/subscribe", {"uri": "memo:one"})
        self.crash(cell)
        self.assertEqual(cell.text("tool-1"), "1")
        self.assertEqual(
            [m["method"] for m in self.lines(1)],
            ["initialize", "notifications/initialized", "logging/setLevel", "tools/call"])
        self.assertEqual(self.lines(1)[2]["params"], {"level": "info"})
        told = {m["method"]: m.get("params") for m in cell.unclaimed}
        self.assertEqual(set(told), {
            "notifications/tools/list_changed", "notifications/resources/list_changed",
            "notifications/message"})
        self.assertIn("subscriptions lost: 1", told["notifications/message"]["data"])
        self.assertEqual(cell.finish(), 0)
        self.assertIn(b"1 subscriptions and 0 tasks are lost", cell.stderr)

    def test_schemas_are_asked_for_again(self):
        cell = self.crasher(tools={"allow": "*", "schemas": "enforce",
                                   "unknown_arguments": "refuse"})
        self.assertEqual(cell.text("tool-0"), "0")
        self.crash(cell)
        self.assertIn("error", cell.call("tool-0"))
        self.assertEqual(cell.text("tool-1"), "1")
        self.assertEqual([m["method"] for m in self.lines(1)][:3],
                         ["initialize", "notifications/initialized", "tools/list"])
        self.assertEqual(cell.finish(), 0)

    def test_the_stateless_era_needs_no_handshake(self):
        cell = self.run_cell(self.restarting())
        self.assertEqual(cell.text("echo", stateless=True), "{}")
        answer = cell.call("exit", {"status": 1}, stateless=True)
        self.assertIs(answer["result"]["isError"], True)
        self.assertEqual(cell.text("echo", stateless=True), "{}")
        self.assertEqual(cell.unclaimed, [])
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([r for r in self.records() if r.get("reason") == "replayed"], [])


class Pinned(Restarting):
    def test_the_next_servers_tools_are_compared_with_the_pins(self):
        cell = self.crasher(pins="strict", tools={"allow": "*", "schemas": "enforce"})
        self.assertEqual(cell.tools(), ["tool-0", "exit"])
        self.assertTrue(until(lambda: list(self.state.rglob("*.pins"))))
        self.crash(cell)
        # As it was, and new.
        self.assertEqual(cell.tools(), ["exit"])
        self.assertIn("Unknown tool", cell.call("tool-1")["error"]["message"])
        self.assertEqual(cell.finish(), 0)

    def test_a_program_that_changed_in_the_session_is_not_started_again(self):
        for pins, status in [("strict", 125), ("warn", 0), ("off", 0)]:
            with self.subTest(pins=pins):
                program = self.shared_directory(f"programs-{pins}") / "server"
                shutil.copy(PROBE, program)
                cell = self.opened(str(program), "serve", pins=pins)
                cell.tools()
                cell.call("exit", {"status": 6})
                program.unlink()
                shutil.copy(PROBE, program)
                os.utime(program, (1000, 1000))
                answer = cell.call("echo")["result"]
                self.assertEqual(bool(answer.get("isError")), status == 125)
                self.assertEqual(cell.finish() if status == 0 else cell.wait(), status)
                for reader in cell.readers:
                    reader.join(PATIENCE)
                self.assertEqual(b"changed in the session" in cell.stderr, pins != "off",
                                 cell.stderr)


class Ends(Restarting):
    def waiting(self):
        """A session in a wait of some seconds; its pids but the monitor's."""
        cell = self.opened()
        before = set(descendants(cell.pid))
        for number in range(1, 4):
            cell.call("exit", {"status": 5})
            if number < 3:
                self.assertEqual(cell.text("echo"), "{}")
                before |= set(descendants(cell.pid))
        self.paused(3)
        return cell, before

    def test_the_client_leaves_while_the_server_is_awaited(self):
        cell, before = self.waiting()
        cell.send({"jsonrpc": "2.0", "id": 70, "method": "tools/call", "params": {"name": "echo"}})
        started = time.monotonic()
        cell.close_stdin()
        self.assertEnded(cell.answer(70), "ended with an error")
        self.assertEqual(cell.wait(), 5)
        # The wait is 2 s, and it was not waited for.
        waited = [r for r in self.kinds("server-end")][-1]["wait_us"] / 1e6
        self.assertEqual(waited, 2)
        self.assertLess(len(self.kinds("server-restart")), 3)
        self.assertNothingLeft(before)
        self.assertEqual(self.end()["reason"], "client-closed")
        self.assertLess(time.monotonic() - started, PATIENCE)

    def test_a_client_that_does_not_read_leaves_while_the_server_is_awaited(self):
        cell, before = self.waiting()
        cell.process.stdout.close()
        cell.process.stdin.close()
        self.assertEqual(cell.process.wait(PATIENCE), 5)
        self.assertNothingLeft(before)

    def test_a_signal_ends_the_wait(self):
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            with self.subTest(number=number):
                cell = self.opened()
                before = set(descendants(cell.pid))
                cell.call("exit", {"status": 5})
                os.kill(cell.pid, number)
                self.assertEqual(cell.wait(), 128 + number)
                self.assertNothingLeft(before)
                self.assertEqual(self.end()["reason"], "signal")

    def test_a_monitor_that_is_killed_while_it_waits_leaves_nothing(self):
        cell, before = self.waiting()
        os.kill(cell.pid, signal.SIGKILL)
        cell.process.wait(PATIENCE)
        self.assertNothingLeft(before)
        # What others mount on this machine meanwhile is none of ours.
        self.assertNotIn(str(self.directory), pathlib.Path("/proc/self/mountinfo").read_text())

    def test_a_monitor_that_is_ended_while_it_makes_a_new_server_leaves_nothing(self):
        for moment in range(24):
            number = [signal.SIGKILL, signal.SIGTERM][moment % 2]
            with self.subTest(moment=moment):
                tree = self.shared_directory(f"tree-{moment}")
                cell = self.opened(write=[tree])
                cell.call("exit", {"status": 5})
                below = set(descendants(cell.pid))
                # From in the middle of the sealing to a server that runs.
                until(lambda: server_pids(cell.pid) or below.update(descendants(cell.pid)),
                      0.49 + moment * 0.005, every=0.001)
                below |= set(descendants(cell.pid))
                os.kill(cell.pid, number)
                self.assertEqual(cell.wait(), 128 + number)
                self.assertNothingLeft(below)
                self.assertTrue(until(lambda: os.listdir(tree) == []), os.listdir(tree))

    def test_a_relay_that_is_killed_while_the_server_is_awaited_ends_the_session(self):
        cell, before = self.waiting()
        os.kill(relay_of(cell), signal.SIGKILL)
        self.assertEqual(cell.wait(), 125)
        self.assertNothingLeft(before)


def server_pids(monitor):
    table = processes()
    return [p for p in descendants(monitor) if table.get(p, (0, "", ""))[1] == "probe"]


class NothingGrows(Restarting):
    def test_twenty_restarts_leave_nothing_behind(self):
        tree = self.shared_directory("tree")
        # The least wait each time, because none counts any more when the next comes.
        cell = self.opened(restart={"when": "on-failure", "most": 1, "within": "1s"},
                           write=[tree])
        relay = relay_of(cell)
        found = []
        for number in range(20):
            before = set(descendants(cell.pid)) - {relay}
            cell.call("exit", {"status": 1})
            self.paused(number + 1)
            self.assertNothingLeft(before)
            self.assertEqual(set(descendants(cell.pid)), {relay})
            self.assertEqual(os.listdir(tree), [])
            self.assertEqual(cell.text("echo"), "{}")
            self.assertEqual(len(server_pids(cell.pid)), 1)
            if not LEVEL:
                self.assertIn(".git", os.listdir(tree))
                self.assertEqual(cell.attempt(f"mkdir:{tree}/.git/x")["outcome"], "refused")
            found.append((descriptors(cell.pid), descriptors(relay),
                          len(descendants(cell.pid))))
            time.sleep(1)
        self.assertEqual(len(set(found)), 1, found)
        # Storage is made once and used again; what a cell needs is given back.
        early, late = self.growth(cell, relay)
        self.assertLess(late - early, 2 << 20)
        self.assertEqual(cell.finish(), 0)
        self.assertEqual(os.listdir(tree), [])
        # What others mount on this machine meanwhile is none of ours.
        self.assertNotIn(str(self.directory), pathlib.Path("/proc/self/mountinfo").read_text())

    def growth(self, cell, relay):
        """What monitor and relay hold before and after some more restarts."""
        early = resident(cell.pid) + resident(relay)
        for _ in range(5):
            cell.call("exit", {"status": 1})
            self.assertEqual(cell.text("echo"), "{}")
            time.sleep(1)
        return early, resident(cell.pid) + resident(relay)

    def test_private_space_is_new_each_time(self):
        cell = self.opened()
        before = self.temporary(cell)
        self.assertEqual(cell.attempt(f"write:{before}/kept")["outcome"], "done")
        self.assertEqual(cell.attempt(f"read:{before}/kept")["outcome"], "done")
        cell.call("exit", {"status": 1})
        after = self.temporary(cell)
        for place in {before, after}:
            # At level container it has another name each time, and the old one is gone.
            self.assertEqual(cell.attempt(f"read:{place}/kept")["errno"], "ENOENT")
        self.assertEqual(cell.finish(), 0)

    def test_a_machine_that_grants_something_else_ends_the_session(self):
        one = self.shared_directory("one")
        (one / "file").write_text("x")
        cell = self.run_cell(self.restarting(
            filesystem={"read": [str(one), {"path": f"{self.directory}/two", "optional": True}]}))
        cell.initialize()
        self.shared_directory("two")
        cell.call("exit", {"status": 6})
        self.assertEqual(cell.wait(), 125)
        for reader in cell.readers:
            reader.join(PATIENCE)
        self.assertIn(b"is not what it was when the session began", cell.stderr)
        self.assertEqual(self.end()["reason"], "restart-failed")

    def test_a_cell_that_cannot_be_made_is_taken_down_again(self):
        # Wherever it fails: with no room for the first pipe, or for what a process of the cell passes.
        failed = []
        # At level container each rule of Landlock takes one, too.
        most = 64 if LEVEL else 32
        for files in range(9, most + 1):
            with self.subTest(files=files):
                cell = self.opened()
                below = set(descendants(cell.pid))
                cell.call("exit", {"status": 6})
                hard = resource.prlimit(cell.pid, resource.RLIMIT_NOFILE)[1]
                resource.prlimit(cell.pid, resource.RLIMIT_NOFILE, (files, hard))
                answer = cell.call("echo")["result"]
                below |= set(descendants(cell.pid))
                if not answer.get("isError"):
                    self.assertEqual(cell.finish(), 0)
                    continue
                failed.append(files)
                self.assertEqual(cell.wait(), 125)
                self.assertNothingLeft(below)
                for reader in cell.readers:
                    reader.join(PATIENCE)
                self.assertIn(b"Too many open files", cell.stderr)
                last = max(self.record_files(), key=lambda path: path.stat().st_mtime_ns)
                records = [json.loads(line) for line in last.read_bytes().splitlines()]
                self.assertEqual([r["seq"] for r in records], list(range(len(records))))
                self.assertEqual((records[-1]["reason"], records[-1]["status"]),
                                 ("restart-failed", 6))
        self.assertGreater(len(failed), 5)
        self.assertNotIn(most, failed)

    def test_a_granted_file_that_was_replaced_is_granted_again(self):
        place = self.shared_directory("place")
        (place / "file").write_text("old")
        cell = self.opened(read=[place / "file"])
        self.assertEqual(cell.attempt(f"read:{place}/file")["detail"], "old")
        (place / "new").write_text("new")
        (place / "new").rename(place / "file")
        cell.call("exit", {"status": 6})
        self.assertEqual(cell.attempt(f"read:{place}/file")["detail"], "new")
        self.assertEqual(cell.finish(), 0)


class InAContainer(Restarting):
    """At isolation level container, where there are no namespaces and mounts that end with the cell."""

    isolation = "container"

    def beating(self):
        """A session whose server can leave a process behind, and has."""
        self.beat = self.shared_directory("place") / "beat"
        return self.opened(write=[self.beat.parent], filesystem={"protect_defaults": False})

    def leave(self, cell, relay):
        """Has the server leave a process behind; everything below us but the relay."""
        before = set(descendants(cell.pid))
        self.assertEqual(cell.text("daemon", {"path": str(self.beat), "keep": 1}), "started")
        self.assertTrue(until(lambda: set(descendants(cell.pid)) - before))
        return set(descendants(cell.pid)) - {relay}

    def test_what_the_old_server_left_is_gone_before_the_new_one_is_there(self):
        need_of_root(self, 19)
        cell = self.beating()
        relay = relay_of(cell)
        for number in range(3):
            variables = pathlib.Path(f"/proc/{server_pid(cell.pid)}/environ").read_text()
            space = next(v[7:] for v in variables.split("\0") if v.startswith("TMPDIR="))
            self.assertTrue(os.path.isdir(space))
            before = self.leave(cell, relay)
            self.assertEnded(cell.call("exit", {"status": 1}), "ended with an error")
            self.paused(number + 1)
            self.assertNothingLeft(before)
            self.assertFalse(os.path.exists(space))
            self.assertEqual(cell.text("echo"), "{}")
        self.assertEqual(cell.finish(), 0)
        self.assertTrue(all(r["sealed"] and r["looks"] == 2
                            for r in self.kinds("server-restart")))

    def test_a_signal_ends_the_wait(self):
        cell = self.opened()
        before = set(descendants(cell.pid))
        cell.call("exit", {"status": 5})
        os.kill(cell.pid, signal.SIGTERM)
        self.assertEqual(cell.wait(), 128 + signal.SIGTERM)
        self.assertNothingLeft(before)

    def test_an_init_that_is_killed_leaves_nothing_to_the_next_server(self):
        cell = self.beating()
        relay = relay_of(cell)
        init = processes()[server_pid(cell.pid)][0]
        before = self.leave(cell, relay)
        os.kill(init, signal.SIGKILL)
        self.paused()
        self.assertNothingLeft(before)
        self.assertEqual(cell.text("echo"), "{}")
        self.assertEqual(cell.finish(), 0)


class InAGroup(Restarting):
    def test_a_server_that_memory_ends_is_started_again_in_a_group_of_its_own(self):
        if not GROUPS:
            self.skipTest("control groups of version 2: ANCHORHOLD_CGROUPS=1")
        cell = self.opened(limits={"memory": "64MiB"})
        cell.send({"jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": {
            "name": "attempt", "arguments": {"name": "together:4:40"}}})
        self.assertEnded(cell.answer(77), "was ended by a signal")
        self.assertEqual(cell.text("echo"), "{}")
        self.assertEqual(cell.finish(), 0)
        (end,) = self.kinds("server-end")
        self.assertEqual(end["signal"], signal.SIGKILL)
        self.assertGreater(end["control_group"]["memory_kills"], 0)
        places = [next(c["observed"] for c in r["seal"] if c["name"] == "server.control_group")
                  for r in self.kinds("session-start", "server-restart")]
        self.assertEqual(len(set(places)), 2)


class RealServers(Restarting):
    def real(self, name, *arguments, **options):
        need(self, servers.ready(name), f"no virtual environment from PyPI for {name}")
        program = servers.PLACE / name / "bin" / f"mcp-server-{name}"
        # As the kernel names it.
        self.program = program.name[:15]
        return self.opened(str(program), *arguments, extends="python", **options)

    def assertGoesOn(self, cell, tool, arguments):
        self.assertTrue(cell.text(tool, arguments))
        os.kill(server_pid(cell.pid, self.program), signal.SIGSEGV)
        self.paused()
        self.assertTrue(cell.text(tool, arguments))
        self.assertIn("notifications/tools/list_changed", [m["method"] for m in cell.unclaimed])
        self.assertIn(tool, cell.tools())
        self.assertEqual(cell.finish(), 0)

    def test_one_of_the_sdk_2(self):
        cell = self.real("time", "--local-timezone", "UTC", read=["/usr/share/zoneinfo"],
                         tools={"allow": "*", "schemas": "enforce"})
        self.assertGoesOn(cell, "get_current_time", {"timezone": "UTC"})

    def test_one_of_the_sdk_1(self):
        place = self.shared_directory("data")
        cell = self.real("sqlite", "--db-path", str(place / "test.db"), write=[place],
                         tools={"allow": "*", "schemas": "enforce"})
        self.assertGoesOn(cell, "list_tables", {})

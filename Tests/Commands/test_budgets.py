"""Bounds of calls in time and number, with servers that keep quiet, fail or take their time."""

import json
import subprocess
import textwrap

import servers
from harness import META, Case, command_line, need, refused, until

# A server of a few lines: what it is sent goes into a file, and `answers(message)` says what it does.
SERVER = """
import json, sys, threading, time

log = open(sys.argv[1], "a")


def send(identifier, result):
    print(json.dumps({"jsonrpc": "2.0", "id": identifier, "result": result}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    log.write(line)
    log.flush()
    method, identifier = message["method"], message.get("id")
    params = message.get("params", {})
    if method == "initialize":
        send(identifier, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                          "serverInfo": {"name": "s", "version": "1"}})
    elif identifier is not None:
        answer(method, identifier, params)
"""


def why(answer):
    """What a refused call says for programs."""
    assert answer["result"]["isError"], answer
    return answer["result"]["_meta"]["anchorhold/refused"]


class Scripted(Case):
    """A case with a server in Python whose `answer` is given."""

    def scripted(self, answer, directory="server", **options):
        place = self.shared_directory(directory)
        program = self.unwritten(directory) / "server.py"
        source = "\n".join(["def answer(method, identifier, params):",
                            textwrap.indent(textwrap.dedent(answer).strip(), "    "), SERVER])
        program.write_text(source)
        self.log = place / "lines"
        cell = self.run_cell(self.profile(
            "/usr/bin/python3", str(program), str(self.log), extends="python",
            write=[place], **options))
        cell.initialize()
        return cell

    def seen(self, method):
        """What the server was sent of this method."""
        messages = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [message for message in messages if message["method"] == method]


class OwnRequests(Scripted):

    def test_a_server_that_never_gives_its_list_leaves_no_call_waiting(self):
        cell = self.scripted("""
        if method == "tools/list" and len(waiting) < 1:
            waiting.append(identifier)
        elif method == "tools/list":
            send(waiting[0], {"tools": []})
            send(identifier, {"tools": [{"name": "a", "inputSchema": {"type": "object"}}]})
        else:
            send(identifier, {"content": [{"type": "text", "text": "done"}]})
        """.replace("waiting", "answer.__dict__.setdefault('waiting', [])"),
            tools={"allow": ["*"], "schemas": "enforce"}, messages={"own_timeout": "1s"})
        first = cell.call("a")
        self.assertEqual(why(first)["reason"], "no-list")
        until(lambda: self.seen("notifications/cancelled"))
        asked = self.seen("tools/list")[0]["id"]
        cancelled = self.seen("notifications/cancelled")
        self.assertEqual([c["params"]["requestId"] for c in cancelled], [asked])
        # The late list counts for nothing, the one that is asked for with the next call does.
        self.assertEqual(cell.text("a"), "done")
        self.assertEqual(cell.unclaimed, [])
        self.assertEqual(cell.finish(), 0)
        records = self.records()
        late = [r for r in records if r.get("reason") == "late-response"]
        self.assertEqual([r["id"] for r in late], [asked])
        gone = [r for r in records if r.get("outcome") == "timeout"]
        self.assertEqual([(r["kind"], r["verdict"], r["method"], r["reason"]) for r in gone],
                         [("response", "drop", "tools/list", "timeout")])

    def test_a_page_that_never_comes_is_given_up(self):
        cell = self.scripted("""
        if method == "tools/list" and not params.get("cursor"):
            send(identifier, {"tools": [{"name": "a"}], "nextCursor": "2"})
        elif method != "tools/list":
            send(identifier, {"content": [{"type": "text", "text": "done"}]})
        """, messages={"own_timeout": "1s"})
        answer = cell.request("tools/list")
        self.assertEqual(answer["error"]["code"], -31003)
        until(lambda: self.seen("notifications/cancelled"))
        self.assertEqual(self.seen("notifications/cancelled")[0]["params"]["requestId"],
                         self.seen("tools/list")[1]["id"])
        self.assertEqual(cell.text("a"), "done")
        self.assertEqual(cell.finish(), 0)


class Timeouts(Scripted):
    def test_a_call_that_is_not_answered_in_time_is_cancelled_and_its_answer_dropped(self):
        for stateless in [False, True]:
            with self.subTest(stateless=stateless):
                cell = self.scripted("""
                if params.get("name") == "late":
                    waiting.append(identifier)
                    return
                if method == "tools/call":
                    # The answers that nobody waits for any more come first.
                    for late in waiting:
                        progress = {"progressToken": 7, "progress": 1}
                        print(json.dumps({"jsonrpc": "2.0", "method": "notifications/progress",
                                          "params": progress}))
                        send(late, {"content": [{"type": "text", "text": "late"}]})
                    waiting.clear()
                send(identifier, {"content": [{"type": "text", "text": "done"}],
                                  "resultType": "complete"})
                """.replace("waiting", "answer.__dict__.setdefault('waiting', [])"),
                    directory=f"server-{stateless}",
                    tools={"allow": [{"name": "late", "timeout": "1s"}, "other"]})
                self.assertEqual(cell.text("other", stateless=stateless), "done")
                cell.send({"jsonrpc": "2.0", "id": "L", "method": "tools/call",
                           "params": {"name": "late",
                                      "_meta": {**(META if stateless else {}), "progressToken": 7}}})
                answer = cell.answer("L")
                self.assertEqual(why(answer)["reason"], "timeout")
                self.assertIn("within 1 s", answer["result"]["content"][0]["text"])
                self.assertEqual(answer["result"].get("resultType"),
                                 "complete" if stateless else None)
                until(lambda: self.seen("notifications/cancelled"))
                self.assertEqual([m["params"]["requestId"]
                                  for m in self.seen("notifications/cancelled")], ["L"])
                # The same id again is refused until the late answer is there.
                cell.send({"jsonrpc": "2.0", "id": "L", "method": "ping"})
                self.assertEqual(cell.answer("L")["error"]["code"], -32600)
                self.assertEqual(cell.text("other", stateless=stateless), "done")
                self.assertEqual(cell.unclaimed, [])
                cell.send({"jsonrpc": "2.0", "id": "L", "method": "ping"})
                self.assertIn("result", cell.answer("L"))
                self.assertEqual(cell.finish(), 0)
                records = self.records()
                gone = [r for r in records if r.get("reason") == "timeout"]
                self.assertEqual([(r["kind"], r["tool"], r["outcome"]) for r in gone][-1:],
                                 [("refusal", "late", "timeout")])
                self.assertGreaterEqual(gone[-1]["duration_us"], 1_000_000)
                self.assertEqual([r["id"] for r in records if r.get("reason") == "late-response"]
                                 [-1:], ["L"])

    def test_a_server_that_reads_nothing_leaves_no_call_waiting(self):
        cell = self.scripted("time.sleep(60)", tools={"allow": ["*"], "timeout": "1s"})
        # More than the pipe takes, so that something is left with us.
        padding = "x" * 30_000
        for number in range(5):
            cell.send({"jsonrpc": "2.0", "id": f"c{number}", "method": "tools/call",
                       "params": {"name": "a", "arguments": {"p": padding}}})
        for number in range(5):
            self.assertEqual(why(cell.answer(f"c{number}"))["reason"], "timeout")
        self.assertTrue(cell.quiet())


class Bounds(Scripted):
    ECHO = """
    if params.get("name") == "bad":
        send(identifier, {"content": [{"type": "text", "text": "no"}], "isError": True})
    elif params.get("name") != "never":
        send(identifier, {"content": [{"type": "text", "text": "done"}]})
    """

    def called(self, name):
        return sum(m["params"]["name"] == name for m in self.seen("tools/call"))

    def test_rates(self):
        cell = self.scripted(self.ECHO, tools={
            "rate": "5/h", "allow": [{"name": "a", "rate": "2/h"}, "b"]})
        for _ in range(2):
            self.assertEqual(cell.text("a"), "done")
        refusal = why(cell.call("a"))
        self.assertEqual(refusal["reason"], "rate-limit")
        self.assertLessEqual(refusal["retry_after_ms"], 1_800_000)
        self.assertGreater(refusal["retry_after_ms"], 1_700_000)
        for _ in range(3):
            self.assertEqual(cell.text("b"), "done")
        self.assertEqual(why(cell.call("b"))["reason"], "rate-limit")
        self.assertEqual((self.called("a"), self.called("b")), (2, 3))
        self.assertEqual(cell.request("ping")["result"], {"content": [
            {"type": "text", "text": "done"}]})
        self.assertEqual(cell.finish(), 0)
        self.assertEqual([(r["tool"], r["verdict"]) for r in self.records()
                          if r.get("reason") == "rate-limit"], [("a", "refuse"), ("b", "refuse")])

    def test_a_token_comes_back(self):
        cell = self.scripted(self.ECHO, tools={"allow": [{"name": "a", "rate": "1/s"}]})
        self.assertEqual(cell.text("a"), "done")
        self.assertTrue(until(lambda: not refused(cell.call("a"))))

    def test_calls_in_flight(self):
        cell = self.scripted(self.ECHO, tools={
            "in_flight": 2, "allow": [{"name": "never", "in_flight": 1}, "a"]})
        for number in [100, 101]:
            cell.send({"jsonrpc": "2.0", "id": number, "method": "tools/call",
                       "params": {"name": "never"}})
        self.assertEqual(why(cell.answer(101))["reason"], "calls-in-flight")
        self.assertEqual(cell.text("a"), "done")
        cell.notify("notifications/cancelled", {"requestId": 100})
        cell.send({"jsonrpc": "2.0", "id": 102, "method": "tools/call",
                   "params": {"name": "never"}})
        self.assertEqual(cell.text("a"), "done")
        self.assertEqual(self.called("never"), 2)

    def test_a_tool_that_fails_rests(self):
        cell = self.scripted(self.ECHO, tools={
            "timeout": "20s", "breaker": {"failures": 3, "window": "10m", "pause": "2s"},
            "allow": ["bad", "a"]})
        for _ in range(3):
            self.assertEqual(cell.call("bad")["result"]["content"][0]["text"], "no")
        refusal = why(cell.call("bad"))
        self.assertEqual(refusal["reason"], "breaker-open")
        self.assertLessEqual(refusal["retry_after_ms"], 2000)
        self.assertEqual(self.called("bad"), 3)
        self.assertEqual(cell.text("a"), "done")

        def tried():
            return cell.call("bad")["result"]["content"][0]["text"] == "no"
        self.assertTrue(until(tried))
        self.assertEqual(self.called("bad"), 4)
        self.assertEqual(why(cell.call("bad"))["reason"], "breaker-open")

    def test_what_a_session_may_use_up(self):
        cell = self.scripted(self.ECHO, tools={"budget": {"calls": 2}, "allow": ["a"]})
        for _ in range(2):
            self.assertEqual(cell.text("a"), "done")
        for _ in range(3):
            self.assertEqual(why(cell.call("a"))["reason"], "call-budget")
        self.assertEqual(self.called("a"), 2)
        self.assertEqual(cell.finish(), 0)
        # Another session has a budget of its own.
        again = self.run_cell(self.directory / f"{self.name}.yaml")
        again.initialize()
        self.assertEqual(again.text("a"), "done")

    def test_check_says_what_is_bounded_and_what_never_is(self):
        profile = self.profile(tools={
            "rate": "60/min", "timeout": "1m", "budget": {"calls": 10, "bytes": "1MiB"},
            "allow": [{"name": "g*", "rate": "30/min", "burst": 5, "in_flight": 2},
                      {"name": "h", "rate": "2/s", "breaker": {"failures": 3}}]})
        done = self.anchorhold("check", profile)
        said = done.stdout.decode() + done.stderr.decode()
        self.assertEqual(done.returncode, 0, said)
        for text in ["at most 60/min of all calls", "10 calls in a session",
                     "1048576 bytes of calls and answers in a session",
                     "a call is cancelled after 60 s", "at most 30/min of calls, 5 at once",
                     "rate and in_flight of \"g*\" counts all tools that match together",
                     "a tool rests for 30 s after 3 failures within 60 s",
                     "the rate of the tool \"h\" is never reached: tools.rate is lower"]:
            self.assertIn(text, said)


STACK = """
import sys, time
import anyio
try:
    from mcp.server.mcpserver import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer

server = MCPServer("sleeper")


def note(text):
    with open(sys.argv[1], "a") as log:
        log.write(text + "\\n")


@server.tool()
async def nap(seconds: float) -> str:
    note("began")
    try:
        await anyio.sleep(seconds)
    except BaseException as error:
        note("stopped")
        raise
    note("slept")
    return "slept"


@server.tool()
def deaf(seconds: float) -> str:
    time.sleep(seconds)
    note("woke")
    return "late"


@server.tool()
def echo(text: str) -> str:
    return text


server.run("stdio")
"""


class RealStacks(Case):
    """Servers made with the SDK, of both its generations."""

    def setUp(self):
        super().setUp()
        self.stacks = {"2.x": "client", "1.x": "sqlite"}
        missing = [name for name in self.stacks.values() if not servers.ready(name)]
        need(self, not missing, f"no virtual environment from PyPI for {', '.join(missing)}")

    def stack(self, version, directory="stack"):
        place = self.shared_directory(directory)
        program = self.unwritten(directory) / "server.py"
        program.write_text(STACK)
        self.log = place / "log"
        self.log.write_text("")
        self.log.chmod(0o666)
        python = servers.PLACE / self.stacks[version] / "bin/python"
        return self.profile(
            str(python), str(program), str(self.log), extends="python", write=[place],
            tools={"schemas": "enforce", "unknown_arguments": "refuse", "allow": [
                {"name": "nap", "timeout": "1s"}, {"name": "deaf", "timeout": "1s"}, "echo"]})

    def noted(self, word):
        return until(lambda: word in self.log.read_text().split())

    def test_the_server_stops_and_what_it_says_late_never_arrives(self):
        for version, stateless in [("1.x", False), ("2.x", False), ("2.x", True)]:
            with self.subTest(version=version, stateless=stateless):
                cell = self.run_cell(self.stack(version, f"stack-{version}-{stateless}"))
                if not stateless:
                    cell.initialize()
                self.assertEqual(cell.call("echo", {"text": "a"}, stateless=stateless)["result"]
                                 ["content"][0]["text"], "a")
                answer = cell.call("nap", {"seconds": 600}, stateless=stateless)
                self.assertEqual(why(answer)["reason"], "timeout")
                self.assertTrue(self.noted("began"))
                # The SDK stops a handler when the cancellation of its request arrives.
                self.assertTrue(self.noted("stopped"))
                answer = cell.call("deaf", {"seconds": 2}, stateless=stateless)
                self.assertEqual(why(answer)["reason"], "timeout")
                self.assertTrue(self.noted("woke"))
                self.assertEqual(cell.text("echo", {"text": "b"}, stateless=stateless), "b")
                self.assertEqual(cell.text("nap", {"seconds": 0}, stateless=stateless), "slept")
                self.assertEqual(cell.unclaimed, [])
                self.assertTrue(cell.quiet())
                self.assertEqual(cell.finish(), 0)
                records = self.records()
                timeouts = [r for r in records if r.get("reason") == "timeout"]
                self.assertEqual([r["tool"] for r in timeouts][-2:], ["nap", "deaf"])

    def test_the_sdk_as_client_goes_on_after_a_timeout(self):
        profile = self.stack("2.x")
        for mode in ["legacy", "2026-07-28"]:
            with self.subTest(mode):
                wish = {"command": command_line("run", profile), "mode": mode,
                        "env": self.environment,
                        "calls": [["nap", {"seconds": 600}], ["echo", {"text": "a"}],
                                  ["nap", {"seconds": 0}]]}
                done = subprocess.run(
                    [servers.PLACE / "client/bin/python",
                     servers.TOP / "Tests/Commands/sdk_client.py", json.dumps(wish)],
                    capture_output=True, timeout=90, env=self.environment, cwd=self.directory)
                self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
                late, echo, nap = json.loads(done.stdout)["results"]
                self.assertTrue(late["isError"])
                self.assertIn("did not answer within 1 s", late["content"][0]["text"])
                self.assertEqual(echo["content"][0]["text"], "a")
                self.assertEqual(nap["content"][0]["text"], "slept")

"""Calls that the person is asked about: the SDK's client and a server of the SDK, in both eras."""

import json
import subprocess

import servers
from harness import Case, command_line, need, refused, send_signal, server_pid, until
from test_sdk import MODES

# A server whose every call leaves a line in a file.
SERVER = """
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("notes")
place = sys.argv[1]


@server.tool()
def put(text: str) -> str:
    with open(place, "a") as file:
        file.write(text + "\\n")
    return "put"


@server.tool()
def count() -> int:
    with open(place) as file:
        return len(file.readlines())


server.run()
"""


class Person(Case):
    """The callback of the SDK's client is the person."""

    def setUp(self):
        super().setUp()
        need(self, servers.ready("client"), "no virtual environment from PyPI for client")
        self.data = self.shared_directory("data")
        self.server = self.unwritten("data") / "server.py"
        self.server.write_text(SERVER)

    def sdk(self, mode, calls, answers):
        self.lines = self.data / f"{mode}.txt"
        self.lines.write_text("")
        self.lines.chmod(0o666)
        python = servers.PLACE / "client/bin/python"
        profile = self.profile(
            str(python), str(self.server), str(self.lines), extends="python",
            write=[self.data], tools={"allow": ["count"], "ask": ["p*"]})
        wish = {"command": command_line("run", profile), "mode": mode, "calls": calls,
                "answers": answers, "env": self.environment}
        done = subprocess.run(
            [python, servers.TOP / "Tests/Commands/sdk_client.py", json.dumps(wish)],
            capture_output=True, timeout=90, env=self.environment, cwd=self.directory)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        return json.loads(done.stdout)

    def test_once_session_and_no(self):
        for mode in MODES:
            with self.subTest(mode):
                told = self.sdk(
                    mode,
                    [["put", {"text": "a"}], ["put", {"text": "b"}], ["count", {}],
                     ["put", {"text": "c"}], ["put", {"text": "d"}], ["put", {"text": "\u202ee"}]],
                    [{"action": "accept", "content": {"allow": "once"}},
                     {"action": "decline"},
                     {"action": "accept", "content": {"allow": "session"}}])
                texts = [json.dumps(result) for result in told["results"]]
                self.assertEqual([result["isError"] for result in told["results"]],
                                 [False, True, False, False, False, False], texts)
                self.assertIn("did not agree", texts[1])
                # What counts is what reached the server.
                self.assertEqual(self.lines.read_text().split(), ["a", "c", "d", "\u202ee"])
                self.assertEqual(len(told["questions"]), 3)
                self.assertIn("tool: put", told["questions"][0])
                self.assertIn('"text": "a"', told["questions"][0])
                self.assertEqual(sorted(tool["name"] for tool in told["tools"]), ["count", "put"])
                file = max(self.record_files(), key=lambda path: path.stat().st_mtime)
                reasons = [json.loads(line).get("reason") for line in file.read_text().splitlines()]
                for reason in ["asked", "consented", "consented-session", "declined"]:
                    self.assertIn(reason, reasons)

    def test_what_is_not_seen_is_written_out(self):
        told = self.sdk("legacy", [["put", {"text": "x\u200b\u202e\n\"y\": 1"}]],
                        [{"action": "cancel"}])
        self.assertIn('"text": "x\\u{200b}\\u{202e}\\n\\"y\\": 1"', told["questions"][0])
        self.assertTrue(told["results"][0]["isError"])
        self.assertEqual(self.lines.read_text(), "")

    def test_a_client_that_cannot_ask(self):
        for mode in MODES:
            with self.subTest(mode):
                told = self.sdk(mode, [["put", {"text": "a"}], ["count", {}]], None)
                self.assertTrue(told["results"][0]["isError"])
                self.assertIn("cannot put a question", json.dumps(told["results"][0]))
                self.assertFalse(told["results"][1]["isError"])
                self.assertEqual(self.lines.read_text(), "")


class Question(Case):
    """What is asked, line by line, with the probe as the server."""

    def asking(self, **tools):
        cell = self.run_cell(self.profile(tools={"allow": ["echo"], "ask": ["attempt"], **tools}))
        cell.request("initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "tests", "version": "1"}})
        cell.notify("notifications/initialized")
        cell.send({"jsonrpc": "2.0", "id": 90, "method": "tools/call",
                   "params": {"name": "attempt", "arguments": {"name": "none"}}})
        question = cell.receive()
        self.assertEqual(question["method"], "elicitation/create")
        return cell, question

    def test_a_server_that_ends_takes_its_question_with_it(self):
        cell, question = self.asking()
        send_signal(server_pid(cell.pid), 9)
        answers = [cell.receive(), cell.receive()]
        withdrawn = next(m for m in answers if m.get("method") == "notifications/cancelled")
        self.assertEqual(withdrawn["params"], {"requestId": question["id"]})
        self.assertTrue(refused(next(m for m in answers if m.get("id") == 90)))
        self.assertEqual(cell.wait(), 137)

    def test_no_answer_in_time(self):
        cell, question = self.asking(ask_timeout="1s")
        answers = [cell.receive(), cell.receive()]
        withdrawn = next(m for m in answers if m.get("method") == "notifications/cancelled")
        self.assertEqual(withdrawn["params"], {"requestId": question["id"]})
        answer = next(m for m in answers if m.get("id") == 90)
        self.assertEqual(answer["result"]["_meta"]["anchorhold/refused"]["reason"], "unanswered")
        cell.send({"jsonrpc": "2.0", "id": question["id"],
                   "result": {"action": "accept", "content": {"allow": "once"}}})
        self.assertIn("on", cell.text("echo", {"text": "on"}))
        self.assertEqual(cell.finish(), 0)
        reasons = [record.get("reason") for record in self.records()]
        self.assertIn("late-response", reasons)
        self.assertNotIn("consented", reasons)

    def test_other_calls_do_not_wait_and_the_agreed_one_is_made(self):
        cell, question = self.asking()
        self.assertIn("meanwhile", cell.text("echo", {"text": "meanwhile"}))
        cell.send({"jsonrpc": "2.0", "id": question["id"],
                   "result": {"action": "accept", "content": {"allow": "once"}}})
        # The server answers, whatever it thinks of an attempt of this name.
        self.assertNotIn("anchorhold/refused", json.dumps(cell.answer(90)))
        self.assertTrue(until(lambda: "consented" in [r.get("reason") for r in self.records()]))

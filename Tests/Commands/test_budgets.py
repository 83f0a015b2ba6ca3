"""Bounds of calls in time and number, with servers that keep quiet, fail or take their time."""

import json
import textwrap

from harness import Case, until

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

    def scripted(self, answer, **options):
        place = self.shared_directory("server")
        source = "\n".join(["def answer(method, identifier, params):",
                            textwrap.indent(textwrap.dedent(answer).strip(), "    "), SERVER])
        (place / "server.py").write_text(source)
        self.log = place / "lines"
        cell = self.run_cell(self.profile(
            "/usr/bin/python3", str(place / "server.py"), str(self.log), extends="python",
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

"""What one large message costs the relay: at most three times its size beside what it needs at rest.

Sizes are not times: they are the same on a busy machine, so they are asserted.
"""

import json

from harness import Case, descendants, processes, status_of

SERVER = """\
import json, os, sys

def answer(message, result):
    data = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result},
                      ensure_ascii=False, separators=(",", ":")).encode() + b"\\n"
    while data:
        data = data[os.write(1, data):]

def text(kind, size):
    if kind == "plain":
        return "a" * size
    if kind == "escaped":
        return "a line of text\\n\\t\\"quoted\\"" * (size // 26)
    if kind == "unseen":
        return "some text \\u202e" * (size // 13)
    return "\\u00e9\\U0001f600" * (size // 6)

SCHEMA = {"type": "object", "properties": {
    "kind": {"type": "string"}, "size": {"type": "integer"}, "load": {}}}
rest = b""
while data := os.read(0, 1 << 20):
    parts = (rest + data).split(b"\\n")
    rest = parts.pop()
    for message in map(json.loads, parts):
        if "id" not in message:
            continue
        params = message.get("params", {})
        given = params.get("arguments", {})
        kind, size = given.get("kind"), given.get("size", 0)
        if message["method"] == "initialize":
            answer(message, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                             "serverInfo": {"name": "large", "version": "1"}})
        elif message["method"] == "tools/list":
            count = int(sys.argv[1]) // 2000
            answer(message, {"tools": [{"name": "any", "inputSchema": SCHEMA}] + [
                {"name": f"other-{n}", "description": "d" * 1900, "inputSchema": {"type": "object"}}
                for n in range(count)]})
        elif kind == "keys":
            answer(message, {"content": [], "structuredContent": {
                f"k{n}": n % 10 for n in range(size // 12)}})
        elif kind == "numbers":
            answer(message, {"content": [], "structuredContent": {"n": [1.5] * (size // 4)}})
        elif kind == "deep":
            answer(message, {"content": [], "structuredContent": {"n": [[[]]] * (size // 7)}})
        elif kind:
            answer(message, {"content": [{"type": "text", "text": text(kind, size)}]})
        else:
            answer(message, {"content": []})
"""

SIZE = 6 << 20


class OneMessage(Case):
    def start(self, listed=0, **more):
        script = self.directory / "script/server.py"
        if not script.exists():
            self.shared_directory("script")
            script.write_text(SERVER)
        cell = self.run_cell(self.profile(
            "/usr/bin/python3", str(script), str(listed), extends="python", read=[script.parent],
            messages={"max_size": "32MiB"}, tools=more.pop("tools", {
                "allow": ["any"], "schemas": "enforce", "unknown_arguments": "refuse"}), **more))
        cell.initialize()
        table = processes()
        self.relay = next(p for p in descendants(cell.pid) if table[p][1] == "anchor-relay")
        return cell

    def memory(self, field):
        return int(status_of(self.relay)[field].split()[0]) << 10

    def costs(self, cell, size, act):
        """Nothing is over three times the message at the worst moment, beside what was there before."""
        before = self.memory("VmRSS")
        act()
        taken = (self.memory("VmHWM") - before) / size
        self.assertLess(taken, 3)
        # It was measured: less than the message itself cannot be.
        self.assertGreater(taken, 0.9)

    def result(self, kind, **more):
        cell = self.start(**more)
        cell.call("any")  # The server's schemas are known from here on.
        answer = {}
        self.costs(cell, SIZE, lambda: answer.update(
            cell.call("any", {"kind": kind, "size": SIZE}, timeout=60)))
        self.assertGreater(len(json.dumps(answer["result"])), SIZE // 2)

    def test_a_result_of_any_kind(self):
        for kind in ["plain", "escaped", "wide", "numbers", "keys", "deep"]:
            with self.subTest(kind):
                self.result(kind)

    def test_a_result_that_is_written_anew(self):
        for hidden in ["escape", "remove"]:
            with self.subTest(hidden):
                self.result("unseen", text={"hidden": hidden})

    def test_a_call_of_any_kind(self):
        for kind, load in [("plain", "a" * SIZE), ("escaped", 'a\n"b"' * (SIZE // 7)),
                           ("numbers", [1.5] * (SIZE // 4)), ("objects", [{"a": 1}] * (SIZE // 8)),
                           ("keys", {f"k{n}": n % 10 for n in range(SIZE // 12)})]:
            with self.subTest(kind):
                cell = self.start()
                cell.call("any")
                self.costs(cell, SIZE, lambda: self.assertNotIn(
                    "isError", cell.call("any", {"load": load}, timeout=60)["result"]))

    def test_a_list(self):
        checked = {"schemas": "enforce", "unknown_arguments": "refuse"}
        for title, tools, least in [("whole", {"allow": "*"}, SIZE // 2100),
                                    ("some", {"allow": ["any", "other-1*"]}, 1000),
                                    ("one", {"allow": ["any"]}, 0)]:
            with self.subTest(title):
                cell = self.start(listed=SIZE, tools={**checked, **tools})
                listed = []
                self.costs(cell, SIZE, lambda: listed.extend(cell.tools(timeout=60)))
                self.assertGreater(len(listed), least)

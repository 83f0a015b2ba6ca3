"""What a model reads: unseen characters in everything that a server writes, and sizes."""

import json
import unicodedata

from harness import META, Case

# Tag characters spell "hi", invisibly.
TAGS = "\U000e0068\U000e0069"
DIRTY = f"a\u202eb\u202c\u200bc{TAGS}\x1b[8md\x1b[0m\x07e\u2028f\u00adg"
ESCAPED = (r"a\u{202e}b\u{202c}\u{200b}c\u{e0068}\u{e0069}\u{1b}[8md\u{1b}[0m\u{7}e\u{2028}f"
           r"\u{ad}g")
REMOVED = "abcde\nfg"
CLEAN = ("\u06cc\u200c\u062e \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f "
         "\u05e9\u05dc\u05d5\u05dd \u00e9\t\u4e16\u754c\r\n 1\ufe0f\u20e3")

# A server that writes DIRTY wherever a text may stand, in both eras.
SERVER = r'''
import json, sys
DIRTY, CLEAN = json.loads(sys.argv[1])

def dirty(**more):
    return {"text" + DIRTY: DIRTY, "description": DIRTY, "title": DIRTY, **more}

def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=ASCII) + "\n")
    sys.stdout.flush()

ASCII = len(sys.argv) > 2
for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params", {})
    identifier = message.get("id")
    if identifier is None:
        continue
    about = {"serverInfo": {"name": DIRTY, "version": DIRTY}, "instructions": DIRTY,
             "capabilities": {"tools": {}, "logging": {}}, "_meta": dirty()}
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", **about}
    elif method == "server/discover":
        result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0,
                  "cacheScope": "private", **about}
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"p" + DIRTY: dirty(enum=[DIRTY])},
                  "description": DIRTY}
        tools = [{"name": name, "inputSchema": schema, "annotations": dirty(), "_meta": dirty(),
                  "description": DIRTY, "title": DIRTY}
                 for name in ["call", "call\u200b", "\U000e0061", "big", "error", "clean"]]
        result = {"tools": tools, "_meta": dirty()}
    elif method == "tools/call" and params["name"] == "error":
        send({"id": identifier, "error": {"code": -1, "message": DIRTY, "data": dirty(more=[DIRTY])}})
        continue
    elif method == "tools/call" and params["name"] == "clean":
        result = {"content": [{"type": "text", "text": CLEAN}],
                  "structuredContent": {CLEAN: CLEAN}}
    elif method == "tools/call" and params["name"] == "big":
        sizes = params["arguments"]
        result = {"content": [{"type": "text", "text": "\u00e9" * sizes.get("text", 0)},
                              {"type": "image", "mimeType": "image/png",
                               "data": "QUJD" * (sizes.get("data", 0) // 4)}]}
    elif method == "tools/call":
        token = params.get("_meta", {}).get("progressToken")
        if token is not None:
            send({"method": "notifications/progress", "params": {
                "progressToken": token, "progress": 1, "message": DIRTY, "_meta": dirty()}})
        send({"method": "notifications/message", "params": {
            "level": "info", "logger": DIRTY, "data": dirty()}})
        result = {"content": [
            {"type": "text", "text": DIRTY, "annotations": dirty()},
            {"type": "resource", "resource": {"uri": "file:///" + DIRTY, "text": DIRTY}},
            {"type": "resource_link", "uri": "file:///x", "name": DIRTY, "description": DIRTY}],
            "structuredContent": dirty(list=[DIRTY], number=1.50, deep={"a": [{"b": DIRTY}]}),
            "isError": False, "_meta": dirty()}
    else:
        result = {}
    if "io.modelcontextprotocol/protocolVersion" in params.get("_meta", {}):
        result.setdefault("resultType", "complete")
    send({"id": identifier, "result": result})
'''


def unseen(value):
    """The characters of everything in a value that a reader would not see."""
    if isinstance(value, dict):
        return {c for key, item in value.items() for c in unseen(key) | unseen(item)}
    if isinstance(value, list):
        return {c for item in value for c in unseen(item)}
    if not isinstance(value, str):
        return set()
    return {c for c in value if c not in "\t\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}


class Text(Case):
    def server(self, *more):
        script = self.shared_directory("server") / "server.py"
        script.write_text(SERVER)
        return ["/usr/bin/python3", str(script), json.dumps([DIRTY, CLEAN]), *more], [script]

    def started(self, *more, stateless=False, **profile):
        command, read = self.server(*more)
        options = {"extends": "python", "read": read, "features": {"logging": "allow"}, **profile}
        cell = self.run_cell(self.profile(*command, **options))
        if stateless:
            return cell, cell.request("server/discover", stateless=True)["result"]
        return cell, cell.initialize()

    def test_without_anchorhold_it_is_all_there(self):
        direct = self.direct(*self.server()[0])
        self.assertEqual(direct.initialize()["instructions"], DIRTY)
        self.assertEqual(len(direct.tools()), 6)
        content = direct.call("call")["result"]["content"]
        self.assertEqual(content[0]["text"], DIRTY)
        self.assertTrue(unseen(content) >= {"\u202e", "\x1b", "\u200b", "\U000e0068"})

    def test_everything_is_shown_or_left_out_in_both_eras(self):
        for number, (stateless, hidden, spelled) in enumerate([
                (False, "escape", []), (True, "escape", ["ascii"]), (False, "remove", ["ascii"]),
                (True, "remove", [])]):
            with self.subTest(stateless=stateless, hidden=hidden):
                self.setUp() if number else None
                shown = ESCAPED if hidden == "escape" else REMOVED
                cell, about = self.started(*spelled, stateless=stateless, text={"hidden": hidden})
                self.assertEqual(about["instructions"], shown)
                # A name is never shortened.
                self.assertEqual(about["serverInfo"]["name"], ESCAPED)
                self.assertEqual(about["_meta"], {
                    "text" + ESCAPED: shown, "description": shown, "title": shown})
                self.assertEqual(unseen(about), set())
                answer = cell.request("tools/list", stateless=stateless)["result"]
                self.assertEqual([tool["name"] for tool in answer["tools"]],
                                 ["call", "big", "error", "clean"])
                self.assertEqual(unseen(answer), set())
                tool = answer["tools"][0]
                self.assertEqual(tool["description"], shown)
                (key, schema), = tool["inputSchema"]["properties"].items()
                self.assertEqual((key, schema["enum"]), ("p" + ESCAPED, [ESCAPED]))
                meta = {**(META if stateless else {}), "progressToken": "t\u200bt"}
                cell.send({"jsonrpc": "2.0", "id": "i\u200bd", "method": "tools/call", "params": {
                    "name": "call", "arguments": {}, "_meta": meta}})
                result = cell.answer("i\u200bd")["result"]
                self.assertEqual(unseen(result), set())
                self.assertEqual([block.get("text") for block in result["content"][:1]], [shown])
                self.assertEqual(result["content"][1]["resource"], {
                    "uri": "file:///" + ESCAPED, "text": shown})
                structured = result["structuredContent"]
                self.assertEqual(structured["list"], [shown])
                self.assertEqual(structured["deep"], {"a": [{"b": shown}]})
                self.assertEqual(structured["number"], 1.5)
                progress, message = cell.unclaimed
                # The token is the client's own.
                self.assertEqual(progress["params"].pop("progressToken"), "t\u200bt")
                self.assertEqual(progress["params"]["message"], shown)
                self.assertEqual(message["params"]["logger"], shown)
                self.assertEqual(unseen([progress, message]), set())
                error = cell.call("error", stateless=stateless)["error"]
                self.assertEqual((error["message"], error["data"]["more"]), (shown, [shown]))
                self.assertEqual(unseen(error), set())
                # A name that could not be shown is no tool, whoever guesses it.
                self.assertEqual(cell.call("call\u200b", stateless=stateless)["error"]["code"], -32602)
                cell.finish()
                self.check_records()

    def check_records(self):
        records = [r for r in self.records() if r.get("side") == "server"]
        listed, = [r for r in records if r.get("method") == "tools/list"]
        self.assertEqual((listed["removed"], listed["reason"]), (2, "name-unseen"))
        called = [r for r in records if r.get("tool") == "call" and r["kind"] == "response"]
        for record in [listed, *called, *(r for r in records if r["kind"] == "notification")]:
            self.assertEqual(record["verdict"], "rewrite", record)
            self.assertGreater(record["hidden"], 8, record)
            self.assertNotIn("cut", record)
        self.assertEqual(called[0]["reason"], "text")
        self.assertTrue(called)

    def test_what_ordinary_writing_needs_stays(self):
        for number, hidden in enumerate(["escape", "remove", "allow"]):
            self.setUp() if number else None
            cell, _ = self.started(text={"hidden": hidden})
            result = cell.call("clean")["result"]
            self.assertEqual(result["content"][0]["text"], CLEAN)
            self.assertEqual(result["structuredContent"], {CLEAN: CLEAN})
            cell.finish()
            record, = [r for r in self.records() if r.get("tool") == "clean"
                       and r["kind"] == "response"]
            self.assertEqual(record["verdict"], "pass")
            self.assertNotIn("hidden", record)

    def test_a_profile_may_leave_everything_as_it_is(self):
        cell, about = self.started(text={"hidden": "allow"})
        self.assertEqual(about["instructions"], DIRTY)
        self.assertEqual(len(cell.tools()), 6)
        self.assertEqual(cell.call("call\u200b")["result"]["content"][0]["text"], DIRTY)

    def test_a_long_string_is_cut_and_data_is_not(self):
        cell, _ = self.started(text={"max_field": 2048})
        content = cell.call("big", {"text": 5000, "data": 8000})["result"]["content"]
        self.assertRegex(content[0]["text"],
                         r"^\u00e9{900,1024}\u2026 \[\d+ more bytes, cut by anchorhold\]$")
        self.assertLessEqual(len(content[0]["text"].encode()), 2048)
        self.assertEqual(content[1]["data"], "QUJD" * 2000)
        self.assertEqual(cell.call("big", {"text": 1000})["result"]["content"][0]["text"],
                         "\u00e9" * 1000)
        cell.finish()
        record = [r for r in self.records() if r.get("tool") == "big" and r["kind"] == "response"]
        self.assertEqual([r.get("cut") for r in record], [1, None])

    def test_a_large_result_is_refused_and_the_model_told(self):
        for number, stateless in enumerate([False, True]):
            self.setUp() if number else None
            cell, _ = self.started(stateless=stateless, text={"max_result": 4096})
            answer = cell.call("big", {"data": 8000}, stateless=stateless)["result"]
            self.assertTrue(answer["isError"])
            self.assertIn("text.max_result", answer["content"][0]["text"])
            self.assertEqual(answer["_meta"]["anchorhold/refused"]["reason"], "result-size")
            self.assertEqual(answer.get("resultType"), "complete" if stateless else None)
            small = cell.call("big", {"data": 2000}, stateless=stateless)["result"]
            self.assertEqual(small["content"][1]["data"], "QUJD" * 500)
            # A list is no such result.
            self.assertEqual(len(cell.tools(stateless=stateless)), 4)
            cell.finish()
            self.assertTrue(any(r.get("reason") == "result-size" for r in self.records()))

    def test_a_long_list_ends(self):
        cell, _ = self.started(text={"max_list": 4096})
        tools = cell.tools()
        self.assertEqual(tools, ["call", "big", "error", "clean"][:len(tools)])
        self.assertIn(len(tools), [1, 2, 3])
        cell.finish()
        self.assertTrue(any(r.get("reason") == "list-size" for r in self.records()))

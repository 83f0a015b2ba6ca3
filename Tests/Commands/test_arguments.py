"""What a call's arguments must be: the server never sees a call that was refused.

Beside every refusal stands a call that passes, and the server's own account of what reached it.
"""

import json
import resource
import shutil
import subprocess

import servers
from harness import (PROBE, Case, alive, compact, descendants, need, processes, refused, resident,
                     until)

# Runs a Python server and writes down every byte that reaches it.
WATCHED = """\
import importlib, os, sys, threading
log = open(sys.argv[1], "ab", 0)
outer = os.dup(0)
reading, writing = os.pipe()
os.dup2(reading, 0)
def copy():
    while data := os.read(outer, 65536):
        log.write(data)
        os.write(writing, data)
    os.close(writing)
threading.Thread(target=copy, daemon=True).start()
sys.argv = sys.argv[2:]
importlib.import_module(sys.argv[0]).main()
"""


class Watched(Case):
    """A session whose server keeps a log of what reached it."""

    def setUp(self):
        super().setUp()
        self.log = self.shared_directory("log")

    def lines(self):
        """What the server saw, as it saw it."""
        return (self.log / "lines").read_text()

    def probe(self, *tools, **more):
        return self.run_cell(self.profile(
            PROBE, "serve", "--log", str(self.log / "lines"), write=[self.log], tools=tools, **more))

    def python(self, name, module, *arguments, tools, read=(), **more):
        """A session of a real server of Python's from its virtual environment."""
        need(self, servers.ready(name), f"no virtual environment from PyPI for {name}")
        script = self.shared_directory("script") / "watched.py"
        script.write_text(WATCHED)
        server = {"command": [str(servers.PLACE / name / "bin/python"), str(script),
                              str(self.log / "lines"), module, *map(str, arguments)],
                  **more.pop("server", {})}
        return self.run_cell(self.profile(
            extends="python", server=server, read=[script.parent, *read], write=[self.log],
            tools=tools, **more))

    def refusal(self, answer):
        """The text of a refusal and what it says for programs."""
        result = answer["result"]
        self.assertIs(result["isError"], True, answer)
        return result["content"][0]["text"], result["_meta"]["anchorhold/refused"]


class Rules(Watched):
    def test_a_call_that_breaks_a_rule_never_reaches_the_server(self):
        rules = {"n": {"type": "integer", "minimum": 1, "maximum": 100},
                 "path": {"under": "/srv/data"}, "url": {"host": ["*.example.org"]},
                 "flag": {"forbid_leading": "-"}, "none": {"absent": True}}
        cell = self.probe({"name": "echo", "arguments": rules})
        cell.initialize()
        bad = [{"n": 101}, {"n": "1"}, {"n": None}, {"path": "/srv/data/../x"}, {"path": "x"},
               {"url": "https://evil.com/.example.org"}, {"url": "https://a.example.org@evil.com"},
               {"flag": "--output=x"}, {"none": 1}, {"N": 5}]
        good = [{}, {"n": 100, "path": "/srv/data/a", "url": "https://a.example.org:8443/x"},
                {"flag": "a-b", "other": "anything"}]
        for stateless in [False, True]:
            for arguments in bad:
                with self.subTest(arguments=arguments, stateless=stateless):
                    marked = {**arguments, "mark": "never seen"}
                    answer = cell.call("echo", marked, stateless=stateless)
                    text, meta = self.refusal(answer)
                    self.assertTrue(text.startswith("Refused by anchorhold: "), text)
                    self.assertEqual(meta["reason"], "argument")
                    self.assertGreater(meta["rule"], 0)
                    if stateless:
                        self.assertEqual(answer["result"]["resultType"], "complete")
            for arguments in good:
                self.assertEqual(json.loads(cell.text("echo", arguments, stateless=stateless)),
                                 arguments)
        self.assertNotIn("never seen", self.lines())
        self.assertEqual(self.lines().count('"tools/call"'), 2 * len(good))
        # Without the rules each of them arrives.
        free = self.session(tools=["echo"])
        for arguments in bad:
            self.assertEqual(json.loads(free.text("echo", arguments)), arguments)
        refusals = [r for r in self.records() if r.get("reason") == "argument"]
        self.assertEqual(len(refusals), 2 * len(bad))

    def test_how_a_value_is_written_changes_nothing(self):
        cell = self.probe({"name": "echo", "arguments": {
            "n": {"maximum": 100}, "s": {"forbid_leading": "-"}}})
        cell.initialize()
        for number, text in enumerate([
                '{"s":"\\u002dx"}', '{ "s" : "-x" }', '{"\\u0073":"-x"}', '{"x":1,"s":"-"}',
                '{"n":1e3}', '{"n":100.00000000000000000001}', '{"n":1E400}', '{"n":\\t101}'],
                start=500):
            cell.send_raw(b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo",'
                          b'"arguments":%s}}\n' % (number, text.encode().replace(b"\\t", b"\t")))
            self.assertTrue(refused(cell.answer(number)), text)
        for number, text in enumerate(['{"s":"\\\\u002dx"}', '{"n":1e2}', '{"n":100.0}',
                                       '{"n":-1}'], start=600):
            cell.send_raw(b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo",'
                          b'"arguments":%s}}\n' % (number, text.encode()))
            self.assertFalse(refused(cell.answer(number)), text)
        self.assertEqual(self.lines().count('"tools/call"'), 4)

    def test_patterns_decide_on_list_and_call_alike_and_check_explains_them(self):
        profile = self.profile(tools=["e*", {"name": "echo", "arguments": {"a": {"absent": True}}},
                                      {"name": "?idden", "description": "Not what the server says"}])
        cell = self.run_cell(profile)
        cell.initialize()
        direct = self.direct()
        direct.initialize()
        listed = cell.request("tools/list")["result"]["tools"]
        self.assertEqual(sorted(tool["name"] for tool in listed),
                         sorted(name for name in direct.tools()
                                if name.startswith("e") or name == "hidden"))
        descriptions = {tool["name"]: tool["description"] for tool in listed}
        self.assertEqual(descriptions["hidden"], "Not what the server says")
        self.assertEqual(descriptions["echo"], "a tool of the probe")
        self.assertEqual(cell.text("echo", {"b": 1}), '{"b":1}')
        self.assertTrue(refused(cell.call("echo", {"a": 1})))
        self.assertEqual(cell.text("hidden", {"a": 1}), '{"a":1}')
        self.assertIn("Unknown tool", cell.call("attempt", {})["error"]["message"])
        self.assertIn("Unknown tool", cell.call("Echo", {})["error"]["message"])
        shown = self.anchorhold("check", profile).stdout.decode()
        self.assertIn('every tool whose name begins with "e" is allowed', shown)
        self.assertIn('every tool whose name is like "?idden"', shown)
        self.assertEqual(shown.count("tools that the server adds later are callable"), 2)
        self.assertIn("echo: rules for a", shown)


class RealServers(Watched):
    def repository(self):
        place = self.shared_directory("repository")
        for arguments in [["init", "-q", "-b", "main", place],
                          ["-C", place, "-c", "user.name=T", "-c", "user.email=t@example.org",
                           "commit", "-q", "--allow-empty", "-m", "First"]]:
            subprocess.run(["git", *map(str, arguments)], check=True, timeout=20,
                           env={**self.environment, "GIT_CONFIG_NOSYSTEM": "1"})
        subprocess.run(["chmod", "-R", "a+rwX", place], check=True, timeout=20)
        return place

    def git(self, place, tools):
        need(self, shutil.which("git"), "git")
        return self.python(
            "git-2025.7.1", "mcp_server_git", "--repository", place, tools=tools, read=[place],
            server={"programs": ["git"], "environment": {
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*"}},
            filesystem={"write": [str(self.log), str(place / ".git")]})

    def test_an_option_never_reaches_git(self):
        # The hole of CVE-2025-68144, with nothing else in its way: the place can be written to.
        place = self.repository()
        target = place / ".git/written"
        free = self.git(place, ["git_diff"])
        free.initialize()
        free.text("git_diff", {"repo_path": str(place), "target": f"--output={target}"})
        self.assertTrue(target.exists(), "the hole is not there")
        free.finish()
        target.unlink()
        (self.log / "lines").unlink()
        shutil.rmtree(self.directory / "script")
        held = self.git(place, [{"name": "git_diff",
                                 "arguments": {"target": {"forbid_leading": "-"}}}])
        held.initialize()
        text, meta = self.refusal(held.call("git_diff", {
            "repo_path": str(place), "target": f"--output={target}"}))
        self.assertIn('argument /target must not begin with "-"', text)
        self.assertEqual((meta["argument"], meta["keyword"]), ("/target", "forbid_leading"))
        held.text("git_diff", {"repo_path": str(place), "target": "HEAD"})
        self.assertFalse(target.exists())
        self.assertIn('"HEAD"', self.lines())
        self.assertNotIn("--output", self.lines())

    def test_the_profile_git_keeps_options_from_git_and_counts_within_bounds(self):
        need(self, servers.ready("git"), "no virtual environment from PyPI for git")
        place = self.repository()
        cell = self.run_cell(
            "git", "--set", f"repository={place}", "--", str(servers.PLACE / "git/bin/mcp-server-git"),
            "--repository", str(place))
        cell.initialize()
        where = {"repo_path": str(place)}
        self.assertIn("First", cell.text("git_log", {**where, "max_count": 5}))
        self.assertIn("First", cell.text("git_show", {**where, "revision": "HEAD"}))
        self.assertIn("main", cell.text("git_branch", {**where, "branch_type": "local"}))
        for tool, arguments in [("git_log", {"max_count": 100_000}),
                                ("git_log", {"max_count": 5, "start_timestamp": "--output=x"}),
                                ("git_diff", {"target": "--output=x"}),
                                ("git_show", {"revision": "--help"}),
                                ("git_branch", {"branch_type": "--help"}),
                                ("git_branch", {"branch_type": "local", "contains": "-x"})]:
            _, meta = self.refusal(cell.call(tool, {**where, **arguments}))
            self.assertEqual(meta["reason"], "argument", (tool, arguments))
        # The server keeps a git of its own to answer from, which does not outlive the session.
        below = descendants(cell.pid)
        self.assertIn("git", [processes().get(p, (0, ""))[1] for p in below])
        cell.finish()
        self.assertTrue(until(lambda: not any(alive(p) for p in below)))


class Schemas(Watched):
    """With the server's own schemas, as every profile has it unless it says otherwise."""

    enforced = {"schemas": "enforce", "unknown_arguments": "refuse"}

    def test_the_server_is_asked_for_its_tools_before_the_first_call(self):
        for stateless in [False, True]:
            with self.subTest(stateless=stateless):
                log = self.log / "lines"
                log.unlink(missing_ok=True)
                cell = self.run_cell(self.profile(
                    PROBE, "serve", "--log", str(log), "--pages", "3", "--tools", "4",
                    write=[self.log], tools={"allow": "*", **self.enforced}))
                if not stateless:
                    cell.initialize()
                text, meta = self.refusal(cell.call("echo", {"mark": 1}, stateless=stateless))
                self.assertEqual(text, 'Refused by anchorhold: "mark" is an unknown argument '
                                 "(the tool's schema)")
                self.assertEqual(meta["argument"], "/mark")
                self.assertEqual(cell.text("echo", {}, stateless=stateless), "{}")
                self.assertIn("Unknown tool", cell.call(
                    "no-such", {}, stateless=stateless)["error"]["message"])
                seen = [json.loads(line) for line in log.read_text().splitlines()]
                lists = [line for line in seen if line["method"] == "tools/list"]
                self.assertEqual(len(lists), 7)
                self.assertEqual(sum(line["method"] == "tools/call" for line in seen), 1)
                for line in lists:
                    self.assertEqual(
                        "io.modelcontextprotocol/protocolVersion" in
                        line.get("params", {}).get("_meta", {}), stateless)
                self.assertNotIn("mark", log.read_text())
                self.assertEqual(cell.finish(), 0)
        free = self.session(tools={"allow": "*", "unknown_arguments": "allow"})
        self.assertEqual(free.text("echo", {"mark": 1}), '{"mark":1}')

    def test_many_calls_at_once_wait_and_come_in_their_order(self):
        cell = self.run_cell(self.profile(
            PROBE, "serve", "--log", str(self.log / "lines"), write=[self.log],
            tools={"allow": "*", "schemas": "enforce"}))
        cell.initialize()
        for identifier in range(100, 140):
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": "echo", "arguments": {"n": identifier}}})
        self.assertEqual([cell.receive()["id"] for _ in range(40)], list(range(100, 140)))
        seen = [json.loads(line) for line in self.lines().splitlines()]
        self.assertEqual([line["id"] for line in seen if line["method"] == "tools/call"],
                         list(range(100, 140)))
        self.assertEqual(sum(line["method"] == "tools/list" for line in seen), 1)

    def test_after_a_change_the_server_is_asked_again(self):
        cell = self.run_cell(self.profile(
            PROBE, "serve", "--log", str(self.log / "lines"), write=[self.log],
            tools={"allow": "*", "schemas": "enforce"}))
        cell.initialize()
        cell.tools()
        cell.text("echo", {})
        self.assertEqual(self.lines().count('"tools/list"'), 1)
        cell.text("notify", {"method": "notifications/tools/list_changed"})
        cell.text("echo", {})
        self.assertEqual(self.lines().count('"tools/list"'), 2)
        cell.text("echo", {})
        self.assertEqual(self.lines().count('"tools/list"'), 2)


class RealSchemas(Watched):
    def test_time(self):
        tools = {"allow": [{"name": "get_current_time", "check_output": True},
                           {"name": "convert_*", "require_annotation": "readOnlyHint"}],
                 "schemas": "enforce", "unknown_arguments": "refuse"}
        good = [("get_current_time", {"timezone": "Etc/UTC"}),
                ("convert_time", {"source_timezone": "Europe/London", "time": "16:30",
                                  "target_timezone": "Asia/Tokyo"})]
        bad = [("get_current_time", {}), ("get_current_time", {"timezone": 1}),
               ("get_current_time", {"timezone": "Etc/UTC", "mark": "never seen"}),
               ("convert_time", {"time": "16:30"})]
        for stateless in [False, True]:
            with self.subTest(stateless=stateless):
                shutil.rmtree(self.directory / "script", ignore_errors=True)
                (self.log / "lines").unlink(missing_ok=True)
                cell = self.python("time", "mcp_server_time", tools=tools)
                if not stateless:
                    cell.initialize()
                for tool, arguments in bad:
                    _, meta = self.refusal(cell.call(tool, arguments, stateless=stateless))
                    self.assertEqual(meta["reason"], "argument", (tool, arguments))
                for tool, arguments in good:
                    self.assertIn("datetime", cell.text(tool, arguments, stateless=stateless))
                self.assertEqual(self.lines().count('"tools/call"'), len(good))
                self.assertNotIn("never seen", self.lines())
                self.assertEqual(sorted(cell.tools(stateless=stateless)),
                                 ["convert_time", "get_current_time"])
        # Without the schemas the server gets to see each of them.
        shutil.rmtree(self.directory / "script")
        (self.log / "lines").unlink()
        free = self.python("time", "mcp_server_time", tools={
            "allow": ["*"], "schemas": "ignore", "unknown_arguments": "allow"})
        free.initialize()
        for tool, arguments in bad:
            free.call(tool, arguments)
        self.assertEqual(self.lines().count('"tools/call"'), len(bad))
        self.assertIn("never seen", self.lines())

    def test_sqlite(self):
        place = self.shared_directory("data")
        cell = self.python(
            "sqlite", "mcp_server_sqlite", "--db-path", place / "x.db",
            tools={"allow": ["list_tables", {"name": "read_query", "arguments": {
                "query": {"pattern": "(?:^|\\s)[Ss][Ee][Ll][Ee][Cc][Tt]\\s", "max_length": 100,
                          "not_pattern": "[;]"}}}, {"name": "create_table"}],
                   "schemas": "enforce", "unknown_arguments": "refuse"},
            filesystem={"write": [str(self.log), str(place)]})
        cell.initialize()
        cell.text("create_table", {"query": "CREATE TABLE t (a)"})
        self.assertIn("'t'", cell.text("list_tables"))
        self.assertEqual(cell.text("read_query", {"query": "SELECT * FROM t"}), "[]")
        for arguments in [{}, {"query": 1}, {"query": "SELECT 1; DROP TABLE t"},
                          {"query": "PRAGMA x"}, {"query": "SELECT '" + "x" * 200 + "'"},
                          {"query": "SELECT 1", "mark": 1}]:
            _, meta = self.refusal(cell.call("read_query", arguments))
            self.assertEqual(meta["reason"], "argument", arguments)
        self.assertTrue(refused(cell.call("list_tables", {"a": 1})))
        self.assertEqual(self.lines().count('"tools/call"'), 3)

    def test_fetch(self):
        url = {"host": ["example.com", "*.example.org"], "max_length": 2000}
        tools = {"allow": [{"name": "fetch", "arguments": {"url": url}}], "schemas": "enforce",
                 "unknown_arguments": "refuse"}
        # The cell has no network: the server is asked and cannot fetch.
        cell = self.python("fetch", "mcp_server_fetch", "--ignore-robots-txt", tools=tools)
        cell.initialize()
        for arguments in [{}, {"url": "https://mark.example/"}, {"url": "http://169.254.169.254/mark"},
                          {"url": "https://example.com@mark.example/"}, {"url": "file:///mark"},
                          {"url": "https://example.com\\@mark.example/"}, {"url": ["mark"]},
                          {"url": "https://example.com/", "max_length": 10_000_000},
                          {"url": "https://example.com/", "headers": {"mark": "x"}}]:
            _, meta = self.refusal(cell.call("fetch", arguments))
            self.assertEqual(meta["reason"], "argument", arguments)
        answer = cell.call("fetch", {"url": "https://a.example.org/x"}, timeout=60)
        self.assertNotIn("anchorhold/refused", json.dumps(answer))
        self.assertEqual(self.lines().count('"tools/call"'), 1)
        self.assertNotIn("mark", self.lines())

    def test_the_node_server(self):
        need(self, servers.ready("node"), "no virtual environment from PyPI for node")
        driver = next((servers.PLACE / "node/lib").glob("python3*/site-packages/playwright/driver"))
        script = self.shared_directory("script") / "watched.js"
        script.write_text(
            "const fs = require('fs'), log = process.argv[2];\n"
            "process.stdin.on('data', data => fs.appendFileSync(log, data));\n"
            "process.argv.splice(1, 3, process.argv[3]);\n"
            "require(process.argv[1]);\n")
        profile = self.profile(
            extends="node", read=[script.parent], write=[self.log],
            server={"command": [str(driver / "node"), str(script), str(self.log / "lines"),
                                str(driver / "package/lib/entry/mcp.js")]},
            filesystem={"read": [str(script.parent), str(driver)]},
            limits={"memory": "4GiB"},
            tools={"allow": ["browser_tabs", {
                "name": "browser_navigate", "arguments": {"url": {"host": ["example.com"]}}}],
                   "schemas": "enforce", "unknown_arguments": "refuse"})
        cell = self.run_cell(profile)
        cell.initialize()
        self.assertEqual(sorted(cell.tools()), ["browser_navigate", "browser_tabs"])
        for tool, arguments in [
                ("browser_navigate", {}), ("browser_navigate", {"url": 1}),
                ("browser_navigate", {"url": "https://evil.example/mark"}),
                ("browser_navigate", {"url": "https://example.com@evil.example/mark"}),
                ("browser_navigate", {"url": "https://example.com", "mark": 1}),
                ("browser_tabs", {"action": "mark"})]:
            _, meta = self.refusal(cell.call(tool, arguments))
            self.assertEqual(meta["reason"], "argument", arguments)
        # There is no browser to show it: what matters is that the server was asked.
        cell.call("browser_navigate", {"url": "https://example.com/"}, timeout=60)
        self.assertEqual(self.lines().count('"tools/call"'), 1)
        self.assertNotIn("mark", self.lines())


# A server that answers tools/list with the lines of a file, one for each request, the last one again
# and again; null is no answer, and a string is sent as it is before the next line is taken.
SCRIPTED = """\
import json, sys
log, script = open(sys.argv[1], "a"), open(sys.argv[2]).read().splitlines()
def send(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()
for line in sys.stdin:
    log.write(line)
    log.flush()
    message = json.loads(line)
    method, identifier = message.get("method"), message.get("id")
    if identifier is None:
        continue
    if method == "tools/list":
        result = json.loads(script.pop(0) if len(script) > 1 else script[0])
        while isinstance(result, str):
            send(result)
            result = json.loads(script.pop(0) if len(script) > 1 else script[0])
        if result is None:
            continue
    elif method == "tools/call":
        result = message["params"]["arguments"].get("result", {"content": []})
    elif method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                  "serverInfo": {"name": "scripted", "version": "1"}}
    else:
        result = {}
    key = "error" if "code" in result else "result"
    send(json.dumps({"jsonrpc": "2.0", "id": identifier, key: result}))
"""


class Scripted(Watched):
    def scripted(self, *answers, **tools):
        place = self.shared_directory("script")
        (place / "server.py").write_text(SCRIPTED)
        (place / "answers").write_text("".join(json.dumps(a) + "\n" for a in answers))
        cell = self.run_cell(self.profile(
            extends="python", read=[place], write=[self.log],
            server={"command": ["/usr/bin/python3", str(place / "server.py"),
                                str(self.log / "lines"), str(place / "answers")]},
            tools={"allow": "*", "schemas": "enforce", **tools}))
        cell.initialize()
        return cell

    def calls(self):
        return self.lines().count('"tools/call"')

    @staticmethod
    def tools(**schemas):
        return {"tools": [{"name": name, "inputSchema": schema}
                          for name, schema in schemas.items()]}

    def test_a_tool_whose_schema_cannot_be_compiled_is_not_there(self):
        cell = self.scripted(self.tools(
            good={"type": "object"}, wrong={"type": "strin"}, remote={"$ref": "http://a.b/c"},
            back={"properties": {"a": {"pattern": "(a)\\1"}}}, endless={"$ref": "#"},
            large={"enum": ["x" * 300_000]}))
        for name, says in [("wrong", "strin"), ("remote", "http://a.b/c"), ("back", "pattern"),
                           ("endless", "schema"), ("large", "schema")]:
            text, meta = self.refusal(cell.call(name, {}))
            self.assertEqual(meta["reason"], "unusable-schema", text)
            self.assertIn(says, text)
        self.assertEqual(cell.tools(), ["good"])
        self.assertFalse(refused(cell.call("good", {"any": "thing"})))
        self.assertEqual(self.calls(), 1)
        removed = [r for r in self.records() if r.get("method") == "tools/list"
                   and r.get("removed")]
        self.assertEqual({(r["removed"], r["reason"]) for r in removed},
                         {(5, "own-list"), (5, "unusable-schema")})

    def test_a_server_that_gives_no_list_gets_no_call(self):
        cell = self.scripted({"code": -1, "message": "no"}, {"tools": 5}, None)
        for _ in range(2):
            _, meta = self.refusal(cell.call("a", {}))
            self.assertEqual(meta["reason"], "no-list")
        cell.send({"jsonrpc": "2.0", "id": 700, "method": "tools/call",
                   "params": {"name": "a", "arguments": {}}})
        # It stays in flight like any request without an answer, and keeps nobody else waiting.
        self.assertEqual(cell.request("ping")["result"], {})
        cell.notify("notifications/cancelled", {"requestId": 700})
        self.assertEqual(cell.request("ping")["result"], {})
        self.assertEqual(cell.unclaimed, [])
        cell.finish()
        self.assertEqual(self.calls(), 0)
        self.assertNotIn("cancelled", self.lines())

    def test_a_server_that_ends_when_anything_comes_before_initialize_is_asked_nothing_before(self):
        # As those of the Rust SDK do. We ask for the tools ourselves, for schemas and for pins.
        place = self.shared_directory("script")
        script = place / "server.py"
        script.write_text(
            "import json, sys\n"
            "first = True\n"
            "for line in sys.stdin:\n"
            "    message = json.loads(line)\n"
            "    if first and message.get('method') != 'initialize': sys.exit(9)\n"
            "    first = False\n"
            "    if 'id' not in message: continue\n"
            "    result = {'protocolVersion': '2025-11-25', 'capabilities': {'tools': {}},\n"
            "              'serverInfo': {'name': 'x', 'version': '1'}, 'content': [],\n"
            "              'tools': [{'name': 'a', 'inputSchema': {'type': 'object'}}]}\n"
            "    print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'result': result}), flush=True)\n")
        direct = self.direct("/usr/bin/python3", script)
        direct.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        self.assertEqual(direct.wait(), 9)
        profile = self.profile(
            extends="python", read=[place], server={"command": ["/usr/bin/python3", str(script)]},
            tools={"allow": "*", "schemas": "enforce"}, pins="strict")
        for _ in range(2):
            cell = self.run_cell(profile)
            cell.initialize()
            self.assertFalse(refused(cell.call("a")))
            self.assertEqual(cell.finish(), 0)
            self.assertEqual(self.anchorhold("tools", profile).returncode, 0)

    def test_what_waits_when_the_tools_change_is_held_to_the_new_ones(self):
        changed = json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        old = self.tools(a={"properties": {"old": {}}})
        new = self.tools(a={"properties": {"new": {}}})
        cell = self.scripted(old, changed, old, new, unknown_arguments="refuse")
        self.assertFalse(refused(cell.call("a", {"old": 1})))
        cell.tools()
        self.assertTrue(refused(cell.call("a", {"old": 1})))
        self.assertFalse(refused(cell.call("a", {"new": 1})))
        self.assertEqual(self.calls(), 2)

    def test_results_are_held_to_the_servers_own_schema(self):
        listed = {"tools": [{"name": "a", "inputSchema": {}, "outputSchema": {
            "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}]}
        cell = self.scripted(listed, allow=[{"name": "a", "check_output": True}],
                             unknown_arguments="allow")
        def result(**more):
            return {"result": {"content": [{"type": "text", "text": "secret"}], **more}}
        for bad in [result(), result(structuredContent={"n": "x"}), result(structuredContent=[])]:
            text, meta = self.refusal(cell.call("a", bad))
            self.assertEqual(meta["reason"], "bad-output")
            self.assertNotIn("secret", text)
        self.assertEqual(cell.text("a", result(structuredContent={"n": 1})), "secret")
        self.assertIn("secret", json.dumps(cell.call("a", result(isError=True))))

    def test_hostile_schemas_cost_bounded_memory_and_time(self):
        heavy = {"properties": {f"p{n}": {"pattern": "(a{60}){60}"} for n in range(4)}}
        cell = self.scripted(self.tools(**{f"t{n}": heavy for n in range(5000)}))
        answer = cell.call("t0", {"p0": "a" * 100_000}, timeout=60)
        self.assertTrue(refused(answer))
        self.assertTrue(refused(cell.call("t4999", {})))
        self.assertFalse(refused(cell.call("t1", {})))
        sizes = {pid: resident(pid) for pid in [cell.pid, *descendants(cell.pid)]}
        self.assertLess(max(sizes.values()), 96 << 20, sizes)
        self.assertEqual(self.calls(), 1)

    def test_calls_that_wait_and_cannot_be_recorded_are_refused(self):
        place = self.shared_directory("script")
        (place / "server.py").write_text(SCRIPTED)
        (place / "answers").write_text(json.dumps(self.tools(a={})) + "\n")
        profile = self.profile(
            extends="python", read=[place], write=[self.log],
            server={"command": ["/usr/bin/python3", str(place / "server.py"),
                                str(self.log / "lines"), str(place / "answers")]},
            tools={"allow": "*", "schemas": "enforce"})
        first = self.run_cell(profile)
        first.initialize()
        first.finish()
        start = self.record_files()[0].stat().st_size
        (self.log / "lines").unlink()
        for path in self.record_files():
            path.unlink()
        seen_at_all = []
        for room in range(0, 10_001, 500):
            with self.subTest(room=room):
                limit = start + room
                cell = self.run_cell(profile, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (limit, limit)))
                cell.initialize()
                cell.send_raw(b"".join(compact(
                    {"jsonrpc": "2.0", "id": 100 + n, "method": "tools/call",
                     "params": {"name": "a", "arguments": {"n": n}}}) + b"\n" for n in range(9)))
                answers = {n: cell.answer(100 + n) for n in range(9)}
                passed = {n for n in answers if not refused(answers[n])}
                cell.finish()
                seen = {json.loads(line)["id"] - 100 for line in self.lines().splitlines()
                        if '"tools/call"' in line}
                self.assertEqual(seen, passed)
                recorded = {record["id"] - 100 for path in self.record_files()
                            for line in path.read_bytes().split(b"\n")[:-1]
                            for record in [json.loads(line)]
                            if record["kind"] == "request" and record["method"] == "tools/call"
                            and record.get("reason") != "held"}
                self.assertEqual(recorded, passed)
                seen_at_all.append(len(passed))
                (self.log / "lines").unlink()
                for path in self.record_files():
                    path.unlink()
        # From room for no call to room for all of them.
        self.assertEqual(min(seen_at_all), 0, seen_at_all)
        self.assertEqual(max(seen_at_all), 9, seen_at_all)

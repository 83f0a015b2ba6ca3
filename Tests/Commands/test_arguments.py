"""What a call's arguments must be: the server never sees a call that was refused.

Beside every refusal stands a call that passes, and the server's own account of what reached it.
"""

import json
import shutil
import subprocess

import servers
from harness import PROBE, Case, need, refused

# Runs a Python server and writes down every byte that reaches it.
WATCHED = """\
import os, runpy, sys, threading
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
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
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
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
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

"""Servers of four stacks under every line of `smuggled`: none executes a call that the policy did not
see. Their own account of what they executed is what is looked at, not ours.

Each server has a tool that the profile lets through and one that it does not.
"""

import json
import re

import servers
from harness import Case, need, until
from smuggled import CALL, CARRIED, REFUSED_FROM_CLIENT

PYTHON = """\
import json, sys
try:
    from mcp.server.mcpserver import MCPServer as Server
except ImportError:
    from mcp.server.fastmcp import FastMCP as Server
log = open(sys.argv[1], "a", buffering=1)
server = Server("watched")

@server.tool()
def echo(m: str = "") -> str:
    print("echo " + json.dumps(m), file=log)
    return "done"

@server.tool()
def hidden(m: str = "") -> str:
    print("hidden " + json.dumps(m), file=log)
    return "done"

server.run()
"""

NODE = """\
const fs = require('fs');
const sdk = require(process.argv[3]);
const server = new sdk.Server({name: 'watched', version: '1'}, {capabilities: {tools: {}}});
server.setRequestHandler(sdk.ListToolsRequestSchema, async () => ({tools:
  ['echo', 'hidden'].map(name => ({name, inputSchema: {type: 'object'}}))}));
server.setRequestHandler(sdk.CallToolRequestSchema, async request => {
  const {name, arguments: given} = request.params;
  fs.appendFileSync(process.argv[2], name + ' ' + JSON.stringify(given?.m ?? '') + '\\n');
  return {content: [{type: 'text', text: 'done'}]};
});
server.connect(new sdk.StdioServerTransport());
"""


class Stack:
    """A server of one stack: how it is started, and what it says that it executed."""

    visible, hidden = "echo", "hidden"
    marker = {}
    environment = {}
    # What it executes when nobody stands before it, by case: the hidden tool, or the other one in a
    # line that says something else to another reader.
    executed = {}

    def __init__(self, case):
        need(case, servers.ready(self.venv), f"no virtual environment from PyPI for {self.venv}")
        self.log = case.shared_directory("log") / "lines"
        self.log.touch(mode=0o666)
        self.log.chmod(0o666)
        self.folder = case.shared_directory("script")

    def executions(self, peer):
        """The names of the tools that were executed, in order."""
        return [line.split(" ")[0] for line in self.log.read_text().split("\n") if line]

    def line(self, line):
        """A line of `smuggled` with this server's names."""
        return line


class Python(Stack):
    extends = "python"
    executed = {"a raw CR around a nested object": "hidden", "two calls with a CR between": "hidden",
                "two names": "hidden", "two params": "hidden", "two methods": "visible",
                "method together with result": "visible", "id 2^64": "visible",
                "bad UTF-8": "visible", "NaN": "visible"}

    def __init__(self, case):
        super().__init__(case)
        script = self.folder / "server.py"
        script.write_text(PYTHON)
        self.command = [str(servers.PLACE / self.venv / "bin/python"), str(script), str(self.log)]
        self.read = [self.folder]


class Python1(Python):
    venv = "sqlite"


class Python2(Python):
    venv = "client"


class Node(Stack):
    venv = "node"
    extends = "node"
    executed = {"two names": "hidden", "two params": "hidden", "two methods": "visible",
                "id 1.0": "visible", "a lone surrogate": "visible",
                "depth": "visible"}

    def __init__(self, case):
        super().__init__(case)
        driver = next((servers.PLACE / "node/lib").glob("python3*/site-packages/playwright/driver"))
        script = self.folder / "server.js"
        script.write_text(NODE)
        self.command = [str(driver / "node"), str(script), str(self.log),
                        str(driver / "package/lib/utilsBundle.js")]
        self.read = [self.folder, driver]


class Go(Stack):
    """GitLab's API as two tools: one looks actions up, one executes them. Of what does not exist it
    says so in its log, as of what it did."""

    venv = "go"
    extends = "static"
    visible, hidden = "gitlab_execute_action", "gitlab_find_action"
    marker = {"action": "nothing", "params": {}}
    environment = {"GITLAB_URL": "http://127.0.0.1:9", "GITLAB_TOKEN": "none"}
    executed = {"two names": "hidden", "two methods": "visible", "id 1.0": "visible",
                "two methods, one escaped": "visible", "a raw CR between members": "visible"}

    def __init__(self, case):
        super().__init__(case)
        program = servers.PLACE / "go/bin/gitlab-mcp-server"
        self.command = [str(program)]
        self.read = []

    def executions(self, peer):
        return re.findall(r'"tool call [a-z]+","tool":"(gitlab_[a-z_]+)', peer.stderr.decode())

    def line(self, line):
        marker = json.dumps(self.marker).encode()
        return (line.replace(b'"hidden","arguments":{}', b'"hidden","arguments":{"query":"x"}')
                .replace(b'"echo","arguments":{}', b'"echo","arguments":' + marker)
                .replace(b'"hidden"', b'"gitlab_find_action"')
                .replace(b'"echo"', b'"gitlab_execute_action"'))


class Smuggling(Case):
    def through(self, stack):
        profile = self.profile(
            *stack.command, extends=stack.extends, read=stack.read, write=[stack.log.parent],
            tools=[stack.visible], limits={"memory": "4GiB"},
            server={"command": stack.command, "environment": stack.environment})
        return self.run_cell(profile)

    def after(self, stack, peer, line, least=0):
        """What the server executed because of a line, beside a good call of ours that follows it. Some
        servers execute several at a time, so their order says nothing."""
        before = len(stack.executions(peer))
        peer.send_raw(line + b"\n")
        peer.call(stack.visible, stack.marker, timeout=60)

        def done():
            new = stack.executions(peer)[before:]
            return new if stack.visible in new and len(new) > least else None
        new = until(done)
        self.assertIsNotNone(new, "the good call was not executed")
        new.remove(stack.visible)
        return new

    def holds(self, kind):
        """With us before it, a server executes what was let through, and nothing else."""
        stack = kind(self)
        cell = self.through(stack)
        cell.next_id = 1000
        # Before the handshake as well.
        cell.send_raw(stack.line(CALL) + b"\n")
        self.assertIn("error", cell.answer(60))
        cell.initialize()
        for title, line in {**REFUSED_FROM_CLIENT, "a hidden call": CALL}.items():
            with self.subTest(title):
                self.assertEqual(self.after(stack, cell, stack.line(line)), [])
        for title, line in CARRIED.items():
            with self.subTest(title):
                cell.next_id += 1
                new = stack.line(line).replace(b'"id":60', b'"id":%d' % cell.next_id, 1)
                cell.next_id += 1
                # The server itself may refuse what was let through, and its log may come late.
                self.assertLessEqual(set(self.after(stack, cell, new)), {stack.visible})
                answer = cell.answer(cell.next_id - 2)
                # Whatever the server makes of it, it was not we who refused it.
                self.assertNotIn(answer.get("error", {}).get("code"), (-32700, -32600), answer)
        # Nothing came late either: our own good calls, and of what was carried each once at most.
        cell.finish()
        done = stack.executions(cell)
        self.assertEqual(set(done), {stack.visible})
        good = len(REFUSED_FROM_CLIENT) + 1 + len(CARRIED)
        self.assertGreaterEqual(len(done), good)
        self.assertLessEqual(len(done), good + len(CARRIED))

    def falls(self, kind):
        """Without us the same server executes what another reader of the line did not see."""
        stack = kind(self)
        direct = self.peer(stack.command, env={**self.environment, **stack.environment})
        direct.next_id = 1000
        direct.initialize()
        for number, (title, tool) in enumerate(kind.executed.items()):
            with self.subTest(title):
                # An id of its own, because the one before may not be answered yet.
                line = stack.line(REFUSED_FROM_CLIENT[title]).replace(b":60", b":%d" % (60 + number))
                self.assertIn(getattr(stack, tool), self.after(stack, direct, line, least=1))

    def test_python_sdk_1(self):
        self.holds(Python1)

    def test_python_sdk_2(self):
        self.holds(Python2)

    def test_typescript_sdk(self):
        self.holds(Node)

    def test_go_sdk(self):
        self.holds(Go)

    def test_python_sdk_1_without_us(self):
        self.falls(Python1)

    def test_python_sdk_2_without_us(self):
        self.falls(Python2)

    def test_typescript_sdk_without_us(self):
        self.falls(Node)

    def test_go_sdk_without_us(self):
        self.falls(Go)

"""What passes through the one window: methods, tools and lists, in both protocol eras."""

import json
import signal

from harness import PROBE, SLOWNESS, Case, compact, descendants, refused, resident


class Tools(Case):
    def test_a_hidden_tool_is_not_listed_and_looks_unknown(self):
        direct = self.direct()
        direct.initialize()
        self.assertIn("hidden", direct.tools())
        self.assertEqual(direct.text("hidden", {"a": 1}), '{"a":1}')
        log = self.shared_directory("log")
        for stateless in [False, True]:
            with self.subTest(stateless=stateless):
                cell = self.run_cell(self.profile(
                    PROBE, "serve", "--log", str(log / f"lines-{stateless}"), write=[log],
                    tools=["echo", "attempt"]))
                if not stateless:
                    cell.initialize()
                self.assertEqual(cell.tools(stateless=stateless), ["attempt", "echo"])
                answer = cell.call("hidden", {"a": 1}, stateless=stateless)
                self.assertEqual(answer["error"]["code"], -32602)
                self.assertIn("Unknown tool", answer["error"]["message"])
                unknown = cell.call("no-such-tool", {}, stateless=stateless)
                self.assertEqual(answer["error"]["message"].replace("hidden", "NAME"),
                                 unknown["error"]["message"].replace("no-such-tool", "NAME"))
                self.assertEqual(cell.text("echo", {"b": 2}, stateless=stateless), '{"b":2}')
                cell.finish()
                seen = (log / f"lines-{stateless}").read_text()
                self.assertIn('"echo"', seen)
                self.assertNotIn("hidden", seen)
                self.assertNotIn("no-such-tool", seen)

    def test_names_are_compared_byte_by_byte(self):
        cell = self.session(tools=["echo", "caf\u00e9"])
        for name in ["Echo", "echo ", "echo\u0000", "\uff45cho", "cafe\u0301", "ech\u200bo"]:
            self.assertIn("error", cell.call(name), name)
        self.assertIn("result", cell.call("echo", {}))

    def test_an_empty_list_allows_nothing(self):
        cell = self.session(tools=[])
        self.assertEqual(cell.tools(), [])
        self.assertIn("error", cell.call("echo", {}))

    def test_all_pages_are_gathered_and_given_as_one(self):
        server = [PROBE, "serve", "--pages", "3", "--tools", "40"]
        direct = self.direct(*server)
        direct.initialize()
        self.assertEqual(len(direct.tools()), 3)
        for stateless in [False, True]:
            with self.subTest(stateless=stateless):
                cell = self.run_cell(self.profile(*server))
                if not stateless:
                    cell.initialize()
                answer = cell.request("tools/list", stateless=stateless)
                names = [tool["name"] for tool in answer["result"]["tools"]]
                self.assertEqual(len(names), 55)
                self.assertEqual(len(set(names)), 55)
                self.assertNotIn("nextCursor", answer["result"])
                if stateless:
                    self.assertEqual(answer["result"]["cacheScope"], "private")

    def test_a_call_needs_no_handshake_to_be_decided_on(self):
        cell = self.run_cell(self.profile(tools=["echo"]))
        self.assertIn("error", cell.call("hidden", {}))
        self.assertEqual(cell.text("echo", {}), "{}")

    def test_numbers_are_kept_as_they_were_written(self):
        cell = self.session()
        cell.send_raw(b'{"jsonrpc":"2.0","id":50,"method":"tools/call","params":{"name":"echo",'
                      b'"arguments":{"a":1.0,"b":1e2,"c":12345678901234567890,"d":-0.0}}}\n')
        self.assertEqual(cell.answer(50)["result"]["content"][0]["text"],
                         '{"a":1.0,"b":1e2,"c":12345678901234567890,"d":-0.0}')


class Methods(Case):
    def test_what_the_profile_denies_is_gone_from_what_the_server_declares(self):
        direct = self.direct()
        self.assertIn("resources", direct.initialize()["capabilities"])
        cell = self.run_cell()
        capabilities = cell.initialize()["capabilities"]
        self.assertIn("tools", capabilities)
        for name in ["resources", "prompts", "logging", "completions"]:
            self.assertNotIn(name, capabilities)
        stateless = self.run_cell()
        answer = stateless.request("server/discover", stateless=True)["result"]
        self.assertEqual(answer["supportedVersions"], ["2026-07-28"])
        self.assertIn("tools", answer["capabilities"])
        self.assertNotIn("resources", answer["capabilities"])

    def test_what_the_client_can_do_for_a_server_is_gone_from_its_declaration(self):
        log = self.shared_directory("log")
        cell = self.run_cell(self.profile(PROBE, "serve", "--log", str(log / "lines"),
                                          write=[log]))
        cell.request("initialize", {
            "protocolVersion": "2025-11-25",
            "capabilities": {"sampling": {}, "elicitation": {}, "roots": {"listChanged": True}},
            "clientInfo": {"name": "tests", "version": "1"}})
        seen = json.loads((log / "lines").read_text().splitlines()[0])
        self.assertEqual(seen["params"]["capabilities"], {})
        self.assertEqual(seen["params"]["clientInfo"], {"name": "tests", "version": "1"})

    def test_lists_that_are_closed_answer_empty_and_never_reach_the_server(self):
        log = self.shared_directory("log")
        cell = self.session(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        for method, key in [("resources/list", "resources"), ("prompts/list", "prompts"),
                            ("resources/templates/list", "resourceTemplates")]:
            self.assertEqual(cell.request(method)["result"][key], [], method)
        for method in ["resources/read", "prompts/get", "completion/complete", "tasks/list",
                       "resources/subscribe", "no/such/method", "Tools/call", "tools/call "]:
            answer = cell.request(method, {})
            self.assertIn("error", answer, method)
            self.assertIn(answer["error"]["code"], (-32601, -32602, -32600), method)
        cell.notify("notifications/no-such-thing", {})
        cell.notify("notifications/roots/list_changed")
        self.assertEqual(cell.request("ping")["result"], {})
        seen = [json.loads(line)["method"] for line in (log / "lines").read_text().splitlines()]
        self.assertEqual(set(seen) - {"ping"}, {"initialize", "notifications/initialized"})

    def test_a_server_cannot_ask_the_client_for_anything(self):
        log = self.shared_directory("log")
        cell = self.session(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        for method in ["sampling/createMessage", "elicitation/create", "roots/list", "no/such"]:
            self.assertEqual(cell.text("notify", {"method": method, "id": 700, "params": {}}),
                             "sent")
        for method in ["notifications/resources/updated", "notifications/elicitation/complete",
                       "notifications/no-such", "notifications/message"]:
            cell.text("notify", {"method": method, "params": {"level": "info", "data": "x"}})
        self.assertEqual(cell.unclaimed, [])
        cell.text("notify", {"method": "notifications/tools/list_changed"})
        self.assertEqual([m["method"] for m in cell.unclaimed],
                         ["notifications/tools/list_changed"])
        cell.request("ping")
        # The server is told so, under its own id, and does not wait for ever.
        answers = [json.loads(line) for line in (log / "lines").read_text().splitlines()]
        refusals = [a for a in answers if a.get("id") == 700]
        self.assertEqual(len(refusals), 4)
        self.assertTrue(all(a["error"]["code"] == -32601 for a in refusals), refusals)

    def test_cancellation_and_progress_pass_with_the_ids_they_name(self):
        log = self.shared_directory("log")
        cell = self.session(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        cell.send({"jsonrpc": "2.0", "id": "long", "method": "tools/call",
                   "params": {"name": "never", "arguments": {}, "_meta": {"progressToken": 5}}})
        progress = {"progressToken": 5, "progress": 1}
        cell.text("notify", {"method": "notifications/progress", "params": progress})
        self.assertEqual([m["params"] for m in cell.unclaimed], [progress])
        cell.notify("notifications/cancelled", {"requestId": "long", "reason": "enough"})
        cell.request("ping")
        self.assertIn('"notifications/cancelled","params":{"requestId":"long"',
                      (log / "lines").read_text())


class Answers(Case):
    def test_only_answers_to_questions_reach_the_client(self):
        cell = self.session()
        forged = [b'{"jsonrpc":"2.0","id":%s,"result":{}}\n' % identifier for identifier in
                  [b'99', b'"1"', b'" 1 "', b'"+1"', b'1.0', b'null', b'"\xd9\xa1"', b'"0x5"',
                   b'""', b'0']]
        identifier = cell.next_id
        forged.append(b'{"jsonrpc":"2.0","id":"%d","result":{}}\n' % identifier)
        forged.append(b'{"jsonrpc":"2.0","id":%d.0,"result":{}}\n' % identifier)
        self.assertEqual(cell.text("raw", {"hex": b"".join(forged).hex()}), "sent")
        self.assertEqual(cell.unclaimed, [])
        # The control: outside, each of these arrives.
        direct = self.direct()
        direct.initialize()
        direct.text("raw", {"hex": b"".join(forged[:5]).hex()})
        self.assertEqual(len(direct.unclaimed), 5)

    def test_an_answer_that_is_too_long_is_refused_to_who_waits_for_it(self):
        cell = self.session(messages={"max_size": "64KiB"})
        self.assertEqual(len(cell.text("big", {"size": 60_000})), 60_000)
        answer = cell.call("big", {"size": 70_000})
        self.assertIn("answer-size", compact(answer).decode())
        # A server that puts the id last, in a line that comes in many pieces.
        for identifier, piece, times in [
                (70, b'{"result":{"content":[],"x":"', 1), (71, b"y" * 1000, 700),
                (72, b'"},"jsonrpc":"2.0","id":70}\n', 1)]:
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": {
                "name": "raw",
                "arguments": {"hex": piece.hex(), "times": times, "then": "silence"}}})
        self.assertTrue(refused(cell.answer(70)))
        self.assertEqual(cell.request("ping")["result"], {})

    def test_an_answer_is_passed_once(self):
        cell = self.session()
        line = b'{"jsonrpc":"2.0","id":70,"result":{"content":[]}}\n'
        cell.send({"jsonrpc": "2.0", "id": 70, "method": "tools/call", "params": {
            "name": "raw", "arguments": {"hex": (line * 2).hex()}}})
        self.assertEqual(cell.answer(70)["result"]["content"], [])
        self.assertEqual(cell.request("ping")["result"], {})
        self.assertEqual(cell.unclaimed, [])

    def test_an_id_in_flight_cannot_be_used_again(self):
        cell = self.session()
        for _ in range(2):
            cell.send({"jsonrpc": "2.0", "id": "twice", "method": "tools/call",
                       "params": {"name": "never", "arguments": {}}})
        self.assertEqual(cell.answer("twice")["error"]["code"], -32600)
        # An id of another type is another id.
        for identifier in [55, "55"]:
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": "slow", "arguments": {"ms": 50}}})
        self.assertIn("result", cell.answer(55))
        self.assertIn("result", cell.answer("55"))

    def test_a_stray_line_on_stdout_is_dropped_and_the_session_goes_on(self):
        cell = self.run_cell(self.profile(PROBE, "serve", "--behave", "stray"))
        cell.initialize()
        self.assertEqual(cell.text("echo", {}), "{}")
        direct = self.direct(PROBE, "serve", "--behave", "stray")
        self.assertEqual(direct.line(), b"starting up, please wait\n")

    def test_a_flood_is_dropped_in_bounded_memory(self):
        cell = self.session()
        cell.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call",
                   "params": {"name": "flood", "arguments": {}}})
        self.assertTrue(cell.quiet(1.5))
        sizes = {pid: resident(pid) for pid in [cell.pid, *descendants(cell.pid)]}
        self.assertLess(max(sizes.values()), 32 << 20, sizes)
        self.assertIsNone(cell.process.poll())
        cell.close_stdin()
        # It does not look at its input while it pours.
        self.assertIn(cell.wait(6 * SLOWNESS), (128 + signal.SIGTERM, 128 + signal.SIGKILL))
        # The control: it poured, here and outside.
        end = self.records()[-1]
        self.assertGreater((end["counters"] or {"drops": 1 << 20})["drops"], 10_000, end)
        direct = self.direct()
        direct.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call",
                     "params": {"name": "flood", "arguments": {}}})
        for _ in range(10_000):
            direct.line()

    def test_a_server_that_never_answers_keeps_nobody_else_waiting(self):
        cell = self.session(messages={"in_flight": 8})
        for identifier in range(100, 108):
            cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
                       "params": {"name": "never", "arguments": {}}})
        cell.send({"jsonrpc": "2.0", "id": 200, "method": "tools/call",
                   "params": {"name": "echo", "arguments": {}}})
        answer = cell.answer(200)
        refused = answer.get("error") or answer["result"].get("isError")
        self.assertTrue(refused, "more in flight than the profile allows")
        cell.close_stdin()
        self.assertEqual(cell.wait(6 * SLOWNESS), 0)


class Diagnostics(Case):
    def test_what_the_server_says_on_stderr_is_cleaned_and_named(self):
        cell = self.session()
        said = "plain\n\x1b[31mred\x1b[0m\x07 \u202egnp.exe\rover\n\x1b]0;title\x07\n".encode()
        cell.text("stderr", {"hex": said.hex()})
        direct = self.direct()
        direct.initialize()
        direct.text("stderr", {"hex": said.hex()})
        cell.finish()
        direct.finish()
        self.assertEqual(direct.stderr, said)
        lines = cell.stderr.decode().splitlines()
        self.assertTrue(lines)
        self.assertTrue(all(self.name in line for line in lines), lines)
        self.assertTrue(any(line.endswith("plain") for line in lines), lines)
        for bad in ["\x1b", "\x07", "\u202e", "\r"]:
            self.assertNotIn(bad, cell.stderr.decode())

    def test_a_flood_on_stderr_stops_nothing(self):
        cell = self.session()
        cell.text("stderr", {"hex": (b"noise " * 20000 + b"\n").hex(), "times": 40})
        self.assertEqual(cell.text("echo", {}), "{}")
        cell.finish()
        # What is shown is bounded, and that there was more is said.
        self.assertGreater(len(cell.stderr), 1000)
        self.assertLess(len(cell.stderr), 40 * 120000 // 4)

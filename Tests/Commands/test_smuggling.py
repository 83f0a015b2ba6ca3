"""Lines that two parsers read in two ways. Watched on the side they were meant for."""

import json
import os
import pathlib

from harness import PROBE, Case, descendants, resident, until
from smuggled import REFUSED_FROM_CLIENT, REFUSED_FROM_SERVER, call


class FromTheClient(Case):
    def test_no_line_with_two_readings_reaches_the_server(self):
        log = self.shared_directory("log")
        cell = self.session(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        path = log / "lines"
        cell.next_id = 1000
        cell.text("echo", {})
        for title, line in REFUSED_FROM_CLIENT.items():
            with self.subTest(title):
                before = path.read_bytes()
                cell.send_raw(line + b"\n")
                marker = f"after {title}"
                self.assertEqual(json.loads(cell.text("echo", {"m": marker})), {"m": marker})
                new = path.read_bytes()[len(before):]
                self.assertEqual(new.count(b"\n"), 1, new)
                self.assertIn(b'"after ', new)
                for answer in cell.unclaimed:
                    self.assertIn("error", answer)
                    self.assertIn(answer["error"]["code"], (-32700, -32600, -32601, -32602))
                cell.unclaimed.clear()

    def test_the_same_lines_arrive_without_us(self):
        log = self.shared_directory("log")
        direct = self.direct(PROBE, "serve", "--log", str(log / "lines"))
        direct.initialize()
        for line in REFUSED_FROM_CLIENT.values():
            if b"\n" not in line:
                direct.send_raw(line + b"\n")
        arrived = sum(1 for line in REFUSED_FROM_CLIENT.values() if b"\n" not in line)
        self.assertTrue(until(lambda: (log / "lines").read_bytes().count(b"\n") > arrived))

    def test_a_refused_request_is_answered_under_its_own_id_when_that_can_be_read(self):
        cell = self.session()
        cell.send_raw(call(params=b'"params":["echo"]') + b"\n")
        self.assertEqual(cell.answer(60)["error"]["code"], -32600)
        cell.send_raw(b"not json\n")
        self.assertEqual(cell.answer(None)["error"]["code"], -32700)

    def test_what_is_passed_on_is_written_anew_without_white_space(self):
        log = self.shared_directory("log")
        cell = self.session(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        cell.send_raw(b' \t{ "jsonrpc" : "2.0" , "id" : 60 , "m\\u0065thod" : "tools\\/call",'
                      b' "params" : { "name":"\\u0065cho" , "arguments" : {"a" : [ 1 , "\\u00e9\\u000a" ]}'
                      b' } } \t\r\n')
        self.assertIn("result", cell.answer(60))
        last = (log / "lines").read_bytes().splitlines()[-1]
        self.assertEqual(last, '{"jsonrpc":"2.0","id":60,"method":"tools/call","params":{"name":'
                               '"echo","arguments":{"a":[1,"é\\n"]}}}'.encode())

    def test_a_line_without_its_end_is_not_passed_on(self):
        log = self.shared_directory("log")
        cell = self.session(PROBE, "serve", "--log", str(log / "lines"), write=[log])
        cell.send_raw(call())
        self.assertTrue(cell.quiet(0.4))
        cell.finish()
        self.assertNotIn(b"tools/call", (log / "lines").read_bytes())

    def test_a_line_of_100_megabytes_is_refused_without_holding_it(self):
        cell = self.session()
        peak = 0
        cell.send_raw(b'{"jsonrpc":"2.0","id":60,"method":"tools/call","params":{"name":"echo",'
                      b'"arguments":{"a":"')
        for i in range(100):
            cell.send_raw(b"a" * (1 << 20))
            if i % 10 == 0:
                peak = max(peak, *(resident(p) for p in [cell.pid, *descendants(cell.pid)]))
        cell.send_raw(b'"}}}\n')
        self.assertEqual(cell.text("echo", {"still": 1}), '{"still":1}')
        self.assertTrue(any("error" in m for m in cell.unclaimed), cell.unclaimed)
        self.assertLess(peak, 48 << 20)

    def test_a_message_just_below_the_limit_passes_and_one_above_does_not(self):
        cell = self.session(messages={"max_size": "64KiB"})
        self.assertEqual(len(cell.text("echo", {"a": "b" * 60000})), 60008)
        cell.send_raw(call(params=b'"params":{"name":"echo","arguments":{"a":"' + b"b" * 70000
                           + b'"}}') + b"\n")
        message = cell.receive()
        self.assertIn("error", message)
        self.assertEqual(cell.text("echo", {}), "{}")


class FromTheServer(Case):
    def test_no_line_with_two_readings_reaches_the_client(self):
        cell = self.session()
        for title, line in REFUSED_FROM_SERVER.items():
            with self.subTest(title):
                identifier = 1000 + len(title)
                forged = line.replace(b"%d", b"%d" % identifier)
                cell.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": {
                    "name": "raw", "arguments": {"hex": (forged + b"\n").hex()}}})
                answer = cell.answer(identifier)
                self.assertEqual(answer.get("result", {}).get("content"),
                                 [{"type": "text", "text": "sent"}], answer)
                self.assertEqual(cell.unclaimed, [])

    def test_the_same_lines_arrive_without_us(self):
        direct = self.direct()
        direct.initialize()
        for title, line in REFUSED_FROM_SERVER.items():
            forged = line.replace(b"%d", b"7") + b"\n"
            if b"\n" in forged[:-1]:
                continue
            direct.send({"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": {
                "name": "raw", "arguments": {"hex": forged.hex()}}})
            self.assertEqual(direct.line(), forged, title)
            direct.line()

    def test_every_line_on_our_stdout_is_json_rpc(self):
        cell = self.session()
        rubbish = bytes(range(256)).replace(b"\n", b"") + b"\n" + b"{}\n[]\n\n1\n" + b"x" * 5000
        cell.text("raw", {"hex": (rubbish + b"\n").hex()})
        cell.close_stdin()
        lines = []
        while True:
            try:
                lines.append(json.loads(cell.line()))
            except AssertionError:
                break
        for message in lines:
            self.assertEqual(message["jsonrpc"], "2.0")


class TheCorpus(Case):
    def test_real_sessions_pass_the_strict_decode(self):
        shared = pathlib.Path(os.environ.get(
            "ANCHORHOLD_SHARED", pathlib.Path(__file__).resolve().parents[3] / "shared"))
        corpus = shared / "data/wire-corpus.log"
        if not corpus.exists():
            self.skipTest("no corpus of real sessions here")
        lines = [line[2:] for line in corpus.read_bytes().splitlines() if line[:2] == b"> "]
        log = self.shared_directory("log")
        cell = self.run_cell(self.profile(PROBE, "serve", "--log", str(log / "lines"),
                                          write=[log], tools=["*"]))
        kept = 0
        for line in lines[:400]:
            message = json.loads(line)
            if message.get("method") != "tools/call" or "id" not in message:
                continue
            message["id"] = f"corpus-{kept}"
            cell.send(message)
            answer = cell.answer(message["id"])
            self.assertNotIn(answer.get("error", {}).get("code"), (-32700, -32600), message)
            kept += 1
        self.assertGreater(kept, 20)

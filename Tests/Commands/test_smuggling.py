"""Lines that two parsers read in two ways. Watched on the side they were meant for."""

import json
import os
import pathlib

from harness import PROBE, Case, descendants, resident

CALL = b'{"jsonrpc":"2.0","id":60,"method":"tools/call","params":{"name":"hidden","arguments":{}}}'


def call(**changes):
    """The bytes of a good call of echo with some parts written in another way."""
    parts = {"jsonrpc": b'"jsonrpc":"2.0"', "id": b'"id":60', "method": b'"method":"tools/call"',
             "params": b'"params":{"name":"echo","arguments":{}}'}
    parts.update(changes)
    return b"{" + b",".join(part for part in parts.values() if part) + b"}"


REFUSED_FROM_CLIENT = {
    "a raw CR around a nested object": b'{"jsonrpc":"2.0","id":60,"method":"ping","params":{"x":\r'
                                       + CALL + b"\r}}",
    "a raw CR between members": call(id=b'"id":\r60'),
    "two raw CR before LF": call() + b"\r\r",
    "two methods": call(method=b'"method":"ping","method":"tools/call"'),
    "two methods, one escaped": call(method=b'"method":"ping","m\\u0065thod":"tools/call"'),
    "two names": call(params=b'"params":{"name":"echo","name":"hidden","arguments":{}}'),
    "two keys deep in the arguments": call(
        params=b'"params":{"name":"echo","arguments":{"a":{"b":[{"c":1,"c":2}]}}}'),
    "two params": call(params=b'"params":{"name":"echo"},"params":{"name":"hidden"}'),
    "Method": call(method=b'"Method":"tools/call"'),
    "Method beside method": call(method=b'"method":"ping","Method":"tools/call"'),
    "long s in params": call(params=b'"param\xc5\xbf":{"name":"hidden"}'),
    "long s in params, beside": call(
        params=b'"params":{"name":"echo"},"param\xc5\xbf":{"name":"hidden"}'),
    "name with NUL": call(params=b'"params":{"name":"echo","name\\u0000":"hidden"}'),
    "Name": call(params=b'"params":{"name":"echo","Name":"hidden"}'),
    "full-width name": call(
        params='"params":{"name":"echo","\uff4eame":"hidden"}'.encode()),
    "zero-width name": call(params='"params":{"name":"echo","na\u200bme":"hidden"}'.encode()),
    "Kelvin sign in a _meta key": call(
        params='"params":{"name":"echo","_meta":{"progressTo\u212aen":1}}'.encode()),
    "method together with result": call(params=b'"params":{"name":"echo"},"result":{}'),
    "method together with error": call(params=b'"error":{"code":1,"message":"x"}'),
    "result with error": b'{"jsonrpc":"2.0","id":60,"result":{},"error":{"code":1,"message":""}}',
    "a member that nobody knows": call(params=b'"params":{"name":"echo"},"extra":1'),
    "no jsonrpc": call(jsonrpc=b""),
    "jsonrpc 1.0": call(jsonrpc=b'"jsonrpc":"1.0"'),
    "jsonrpc as a number": call(jsonrpc=b'"jsonrpc":2.0'),
    "id 1.0": call(id=b'"id":1.0'),
    "id 1e2": call(id=b'"id":1e2'),
    "id 1.5": call(id=b'"id":1.5'),
    "id 2^53": call(id=b'"id":9007199254740992'),
    "id 2^64": call(id=b'"id":18446744073709551616'),
    "id -0": call(id=b'"id":-0'),
    "id true": call(id=b'"id":true'),
    "id null": call(id=b'"id":null'),
    "id object": call(id=b'"id":{}'),
    "id array": call(id=b'"id":[60]'),
    "id with a lone surrogate": call(id=b'"id":"\\ud800"'),
    "params null": call(params=b'"params":null'),
    "params array": call(params=b'"params":["echo"]'),
    "a byte order mark": b"\xef\xbb\xbf" + call(),
    "UTF-16": call().decode().encode("utf-16"),
    "a NUL": call(params=b'"params":{"name":"echo\x00"}'),
    "bad UTF-8": call(params=b'"params":{"name":"echo","arguments":{"a":"\xff"}}'),
    "overlong UTF-8": call(params=b'"params":{"name":"\xc1\xa5cho"}'),
    "a surrogate in UTF-8": call(params=b'"params":{"name":"echo","arguments":{"a":"\xed\xa0\x80"}}'),
    "a lone surrogate": call(params=b'"params":{"name":"echo","arguments":{"a":"\\udc00"}}'),
    "NaN": call(params=b'"params":{"name":"echo","arguments":{"a":NaN}}'),
    "Infinity": call(params=b'"params":{"name":"echo","arguments":{"a":-Infinity}}'),
    "a leading zero": call(params=b'"params":{"name":"echo","arguments":{"a":01}}'),
    "a comment": call(id=b'"id":60/* */'),
    "a trailing comma": call()[:-1] + b",}",
    "two values": call() + CALL,
    "two values with a space": call() + b" " + CALL,
    "single quotes": call(id=b"'id':60"),
    "a batch": b"[" + CALL + b"]",
    "an empty batch": b"[]",
    "only a string": b'"tools/call"',
    "depth": call(params=b'"params":{"name":"echo","arguments":{"a":' + b"[" * 1000 + b"]" * 1000
                  + b"}}"),
    "a control character in a string": call(params=b'"params":{"name":"echo","arguments":{"a":"\t"}}'),
    "nothing but text": b"hello",
    "method with an escape": call(method=b'"method":"tools\\u0000/call"'),
}

REFUSED_FROM_SERVER = {
    "two results": b'{"jsonrpc":"2.0","id":%d,"result":{},"result":{"content":[]}}',
    "two ids": b'{"jsonrpc":"2.0","id":0,"id":%d,"result":{}}',
    "Result": b'{"jsonrpc":"2.0","id":%d,"Result":{}}',
    "result with method": b'{"jsonrpc":"2.0","id":%d,"method":"ping","result":{}}',
    "bad UTF-8": b'{"jsonrpc":"2.0","id":%d,"result":{"content":[],"a":"\xff"}}',
    "a raw CR": b'{"jsonrpc":"2.0","id":%d,\r"result":{}}',
    "a raw CR around an object": b'{"jsonrpc":"2.0","id":%d,"result":{"a":\r{"jsonrpc":"2.0",'
                                 b'"id":1,"method":"sampling/createMessage"}\r}}',
    "a byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":%d,"result":{}}',
    "result array": b'{"jsonrpc":"2.0","id":%d,"result":[]}',
    "result null": b'{"jsonrpc":"2.0","id":%d,"result":null}',
    "error without a code": b'{"jsonrpc":"2.0","id":%d,"error":{"message":"x"}}',
    "error as a string": b'{"jsonrpc":"2.0","id":%d,"error":"x"}',
    "a batch": b'[{"jsonrpc":"2.0","id":%d,"result":{}}]',
    "depth": b'{"jsonrpc":"2.0","id":%d,"result":{"a":' + b"[" * 200 + b"]" * 200 + b"}}",
    "two values": b'{"jsonrpc":"2.0","id":%d,"result":{}}{"jsonrpc":"2.0","id":1,"result":{}}',
    "id as a float": b'{"jsonrpc":"2.0","id":%d.0,"result":{}}',
    "id as a string": b'{"jsonrpc":"2.0","id":"%d","result":{}}',
    "id null": b'{"jsonrpc":"2.0","id":null,"result":{}}',
}


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
        direct.text("echo", {})
        self.assertGreater(len((log / "lines").read_bytes().splitlines()),
                           len(REFUSED_FROM_CLIENT))

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

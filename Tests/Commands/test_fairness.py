"""Neither side can keep the other one waiting, and nothing is lost, doubled or put in another order.

The server is a Python program in the cell that writes down what it got and what it sent; the same is
known of the client, so that the two accounts of each direction can be compared.
"""

import json
import os
import random
import selectors
import subprocess
import time

from harness import PATIENCE, Case, command_line, descendants, processes, resident, until

# What both partners do: whole messages in pieces of any size, with pauses.
PARTNER = """\
import json, os, random, select, sys, threading, time

def lines(fd, stalls=None):
    rest = b""
    while data := os.read(fd, 1 << 16):
        parts = (rest + data).split(b"\\n")
        rest = parts.pop()
        yield from (json.loads(part) for part in parts)
        if stalls:
            stalls()

def compact(message):
    return json.dumps(message, separators=(",", ":")).encode() + b"\\n"

def initialize(message):
    return {"jsonrpc": "2.0", "id": message["id"], "result": {
        "protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "logging": {}},
        "serverInfo": {"name": "partner", "version": "1"}}}

def write(data):
    while data:
        data = data[os.write(1, data):]

log = open(sys.argv[1], "a", buffering=1)
"""

# Answers in any order, and says and asks things of its own in between; every line has a number.
MIXED = PARTNER + """\
dice = random.Random(int(sys.argv[2]))
number = 0
def send(message, kind):
    global number
    message = {"jsonrpc": "2.0", **message}
    carrier = message.get("result", message.get("params"))
    carrier["number"] = number
    log.write(f"sent {number} {json.dumps(message.get('id'))} {kind}\\n")
    number += 1
    data = compact(message)
    while data:
        size = len(data) if dice.random() < 0.7 else dice.randrange(1, len(data) + 1)
        write(data[:size])
        data = data[size:]
        if dice.random() < 0.005:
            time.sleep(dice.random() * 0.01)

def stalls():
    if dice.random() < 0.05:
        time.sleep(dice.random() * 0.02)

waiting, asked = [], 0
def answer():
    index = dice.randrange(len(waiting))
    call = waiting.pop(index)
    size = dice.choice([0, 5, 50, 500, 5000])
    send({"id": call, "result": {"content": [{"type": "text", "text": "x" * size}]}}, "answer")

for message in lines(0, stalls):
    method = message.get("method")
    if method == "initialize":
        write(compact(initialize(message)))
    elif method == "ping":
        log.write(f"got {message['id']} ping\\n")
        send({"id": message["id"], "result": {}}, "pong")
    elif method == "tools/call":
        log.write(f"got {message['params']['arguments']['number']} call\\n")
        waiting.append(message["id"])
        if dice.random() < 0.2:
            send({"method": "notifications/message", "params": {"level": "info", "data": 1}}, "note")
        if dice.random() < 0.1:
            asked += 1
            send({"id": f"s{asked}", "method": "ping", "params": {}}, "ask")
    elif method == "notifications/cancelled":
        log.write(f"got {message['params']['requestId']} cancel\\n")
    elif method is None:
        log.write(f"got {message['id']} response\\n")
    if method == "tools/call" and message["params"]["arguments"].get("last"):
        while waiting:
            answer()
        log.write("done\\n")
    while waiting and dice.random() < 0.6:
        answer()
"""

# Sends without end, or does not read until it is told to: what it got is in the log.
ONE_SIDED = PARTNER + """\
stop = threading.Event()
def flood():
    size, number = int(sys.argv[3]), 0
    while not stop.is_set():
        write(compact({"jsonrpc": "2.0", "method": "notifications/message", "params": {
            "level": "info", "data": "x" * size, "number": number}}))
        number += 1
        if sys.argv[2] == "deaf" and number == 40:
            return
for message in lines(0):
    log.write(json.dumps([message.get("method"), message.get(
        "id", message.get("params", {}).get("requestId"))]) + "\\n")
    if message.get("method") == "initialize":
        write(compact(initialize(message)))
        threading.Thread(target=flood, daemon=True).start()
        if sys.argv[2] == "deaf":
            while not os.path.exists(sys.argv[1] + ".go"):
                time.sleep(0.01)
    elif "id" in message and sys.argv[2] != "mute" and message.get("params", {}).get("name") != "never":
        # Lines of up to PIPE_BUF bytes of two threads do not mix.
        write(compact({"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}))
"""


class Fairness(Case):
    def partner(self, text, *arguments, **more):
        """The profile of a partner."""
        self.log = self.shared_directory("log") / "log"
        script = self.shared_directory("script") / "partner.py"
        script.write_text(text)
        return self.profile(
            "/usr/bin/python3", str(script), str(self.log), *map(str, arguments), extends="python",
            read=[script.parent], write=[self.log.parent], features={"logging": "allow"}, **more)

    def said(self):
        """Whole lines that the server wrote down."""
        text = self.log.read_text() if self.log.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def test_ten_thousand_calls_with_any_sizes_and_stalls_stay_whole_and_in_order(self):
        seed = int(os.environ.get("ANCHORHOLD_SEED", random.randrange(1 << 32)))
        with self.subTest(seed=seed):
            self.mixed(random.Random(seed), seed, 10_000)

    def mixed(self, dice, seed, count):
        cell = self.run_cell(self.partner(MIXED, seed))
        cell.initialize()
        sent, expected, cancelled, open_calls = [], [], set(), set()
        received, answers, asked = [], [], []

        def put(message, note):
            data = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"
            expected.append(note)
            while data:
                size = len(data) if dice.random() < 0.7 else dice.randrange(1, len(data) + 1)
                cell.send_raw(data[:size])
                data = data[size:]

        def take(timeout):
            message = json.loads(cell.line(timeout))
            carrier = message.get("result", message.get("params", {}))
            received.append(carrier.get("number", message))
            if message.get("method") == "ping":
                asked.append(message["id"])
                put({"id": message["id"], "result": {}}, f"got {message['id']} response")
            elif "method" not in message:
                answers.append(message["id"])
                open_calls.discard(message["id"])
            return message

        end = time.monotonic() + 6 * PATIENCE
        for number in range(count):
            size = dice.choice([0, 1, 10, 100, 1000, 4000])
            call = dice.choice([number, f"c{number}"])
            put({"id": call, "method": "tools/call", "params": {
                "name": "any", "arguments": {"number": number, "x": "y" * size}}}, f"got {number} call")
            sent.append(call)
            open_calls.add(call)
            if dice.random() < 0.05:
                put({"id": f"p{number}", "method": "ping"}, f"got p{number} ping")
                sent.append(f"p{number}")
            if dice.random() < 0.02:
                call = dice.choice(sorted(open_calls, key=str))
                open_calls.discard(call)
                cancelled.add(call)
                put({"method": "notifications/cancelled", "params": {"requestId": call}},
                    f"got {call} cancel")
            # Never more than may be in flight; else read or not, as it comes.
            while len(open_calls) > 40 or not cell.lines.empty() and dice.random() < 0.7:
                take(end - time.monotonic())
            if dice.random() < 0.002:
                time.sleep(dice.random() * 0.02)
        put({"id": "last", "method": "tools/call", "params": {
            "name": "any", "arguments": {"number": count, "last": True}}}, f"got {count} call")
        sent.append("last")
        self.assertTrue(until(lambda: self.said()[-1:] == ["done"]), self.said()[-3:])
        told = [line.split(" ") for line in self.said() if line.startswith("sent ")]
        numbers = [int(parts[1]) for parts in told]
        self.assertEqual(numbers, list(range(len(numbers))))
        # What is missing is an answer that came after its call was cancelled, and nothing else.
        late = {int(parts[1]) for parts in told if json.loads(parts[2]) in cancelled}
        while not received or set(numbers) - set(received) - late or not cell.quiet(0.2):
            take(end - time.monotonic())
        self.assertEqual(received, [n for n in numbers if n in set(received)], "order or doubles")
        self.assertLessEqual(set(numbers) - set(received), late)
        self.assertEqual(len(answers), len(set(map(repr, answers))))
        self.assertLessEqual(set(sent) - set(answers), cancelled)
        # A cancellation of what was answered meanwhile goes nowhere; all else comes as it was sent.
        def got():
            return [line for line in self.said() if line.startswith("got ")]
        least = sum(" cancel" not in line for line in expected)
        self.assertTrue(until(lambda: sum(" cancel" not in line for line in got()) >= least))
        rest = iter(expected)
        self.assertEqual([line for line in got() if line not in rest], [], "order or doubles")
        self.assertEqual(sum(" cancel" not in line for line in got()), least)
        self.assertGreater(len(asked), count // 20)

    def raw(self, mode, size):
        """A session whose output nobody reads unless the test does."""
        process = subprocess.Popen(
            command_line("run", self.partner(ONE_SIDED, mode, size)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=self.environment, bufsize=0)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        return process

    HELLO = {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"}}}

    def write(self, process, message):
        process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def largest(self, process):
        return max((resident(pid) for pid in [process.pid, *descendants(process.pid)]
                    if processes().get(pid, (0, ""))[1].startswith("anchor")), default=0)

    def test_a_client_that_does_not_read_still_reaches_the_server(self):
        process = self.raw("mute", 3000)
        self.write(process, self.HELLO)
        self.assertTrue(until(lambda: len(self.said()) == 1))
        # By now the server's flood has filled everything on its way to a client that takes nothing.
        time.sleep(0.5)
        wanted = [["initialize", "hello"]]
        for number in range(200):
            self.write(process, {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {
                "name": "any", "arguments": {"x": "y" * 30_000}}})
            self.write(process, {"jsonrpc": "2.0", "method": "notifications/cancelled",
                                 "params": {"requestId": number}})
            wanted += [["tools/call", number], ["notifications/cancelled", number]]
        self.assertTrue(until(lambda: len(self.said()) >= len(wanted)), self.said()[-1:])
        self.assertEqual([json.loads(line) for line in self.said()], wanted)
        self.assertLess(self.largest(process), 16 << 20)

    def test_a_server_that_does_not_read_still_reaches_the_client(self):
        process = self.raw("deaf", 3000)
        self.write(process, self.HELLO)
        # 6 MB of calls: the pipe, the relay's queue and its reads hold less than 1 MB of them.
        calls = b"".join(json.dumps({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {
            "name": "any", "arguments": {"x": "y" * 100_000}}}).encode() + b"\n" for n in range(60))
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        events = selectors.DefaultSelector()
        events.register(process.stdout, selectors.EVENT_READ)
        at, output, full = 0, b"", None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and (output.count(b"\n") < 41 or not full):
            try:
                at += os.write(process.stdin.fileno(), calls[at:at + 65536])
                full = None
            except BlockingIOError:
                full = full or time.monotonic()
            events.select(0.01)
            try:
                output += os.read(process.stdout.fileno(), 1 << 20)
            except BlockingIOError:
                pass
        # All that the server said has come, although nothing goes the other way.
        self.assertEqual(output.count(b"\n"), 41)
        self.assertIsNotNone(full)
        self.assertLess(at, 3 << 20)
        self.assertLess(self.largest(process), 16 << 20)
        # And when it reads at last, nothing was lost.
        (self.log.parent / "log.go").write_text("")
        while time.monotonic() < end and output.count(b"\n") < 41 + 60:
            try:
                at += os.write(process.stdin.fileno(), calls[at:at + 65536]) if at < len(calls) else 0
            except BlockingIOError:
                pass
            events.select(0.01)
            try:
                output += os.read(process.stdout.fileno(), 1 << 20)
            except BlockingIOError:
                pass
        answers = [json.loads(line).get("id") for line in output.splitlines()[41:]]
        self.assertEqual(answers, list(range(60)))

    def test_ping_and_cancellation_pass_through_a_flood_in_their_turn(self):
        cell = self.run_cell(self.partner(ONE_SIDED, "flood", 3000))
        cell.send(self.HELLO)
        wanted = [["initialize", "hello"]]
        notes = []
        for number in range(1, 90, 3):
            for call, name in [(number, "any"), (number + 1, "never")]:
                cell.send({"jsonrpc": "2.0", "id": call, "method": "tools/call", "params": {
                    "name": name, "arguments": {"x": "y" * 3000}}})
            cell.send({"jsonrpc": "2.0", "method": "notifications/cancelled",
                       "params": {"requestId": number + 1}})
            cell.send({"jsonrpc": "2.0", "id": number + 2, "method": "ping"})
            wanted += [["tools/call", number], ["tools/call", number + 1],
                       ["notifications/cancelled", number + 1], ["ping", number + 2]]
            seen = 0
            while True:
                message = cell.receive()
                seen += "method" in message
                if message.get("id") == number + 2:
                    break
            notes.append(seen)
        self.assertEqual([json.loads(line) for line in self.said()], wanted)
        # There was a flood, and what stood before a pong was what pipes and queues hold of it.
        self.assertGreater(sum(notes), 60)
        self.assertLess(max(notes), (4 << 20) // 3000, notes)

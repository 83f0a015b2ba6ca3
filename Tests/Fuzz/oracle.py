"""Reads what the fuzzers tried with Python's json, which shares nothing with our decoder, and says
where the two differ.

What we accept, Python reads as the same values as what we made of it; what Python refuses, we
refuse. We refuse more, for the reasons in STRICTER and no others:

raw-carriage-return  JSON's white space has it; both Python SDKs end a line there
lone-surrogate       JSON's grammar lets `\\ud800` stand alone
depth, oversize      limits of the profile
batch … bad-error    JSON that is no message of JSON-RPC 2.0, or has a key that looks like a known one

Numbers are compared as they are written, strings by their code points, and the order of members
counts as well.
"""

import json
import re

STRICTER = {
    "raw-carriage-return", "lone-surrogate", "depth", "oversize", "look-alike-key", "batch",
    "not-an-object", "jsonrpc-version", "unknown-member", "member-combination", "bad-id",
    "bad-method", "bad-params", "bad-result", "bad-error",
}
MEMBERS = {"jsonrpc", "id", "method", "params", "result", "error"}
# Keys by which servers and clients decide what to do.
KEYS = {"name", "arguments", "uri", "_meta", "cursor", "requestId", "progressToken", "taskId",
        "capabilities", "protocolVersion", "content", "isError", "structuredContent", "tools"}
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
OWN = "anchorhold-" + "a5" * 16
# The profiles of FuzzPolicy.swift: which tools their servers may be asked for.
TOOLS = [re.compile(r"read|list|a|get_[\s\S]*"), re.compile(r"[\s\S]*"), re.compile("read|list|a"),
         re.compile("a|b|ask|slow"), re.compile("look|commit|push"),
         re.compile("a|b|x|commit"), re.compile(r"read|list|a|get_[\s\S]*")]


class Number(str):
    """A number as it was written."""


class Members(tuple):
    """The members of an object in their order."""

    def get(self, wanted):
        return next((value for key, value in self if key == wanted), None)


def members(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("two members of one name")
    return Members(pairs)


def refuse(name):
    raise ValueError(name)


DECODER = json.JSONDecoder(object_pairs_hook=members, parse_int=Number, parse_float=Number,
                           parse_constant=refuse)


def read(data):
    """The value, or ValueError."""
    text = data.decode("utf-8")
    if text.startswith("\ufeff"):
        raise ValueError("a byte order mark")
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("too deep") from None


def same(one, other):
    """Equality that tells types apart."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Members):
        return len(one) == len(other) and all(
            a == b and same(v, w) for (a, v), (b, w) in zip(one, other))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def identifier(value):
    """Whether requests may have this id."""
    if isinstance(value, Number):
        return bool(INTEGER.fullmatch(value)) and value != "-0" and abs(int(value)) < 2 ** 53
    return isinstance(value, str)


def look_alikes(value, known):
    for key, _ in value:
        plain = "".join(c for c in key if ord(c) >= 32)
        if key not in known and plain.casefold() in {name.casefold() for name in known}:
            yield key


def envelope(message):
    """What is wrong with an accepted message, as JSON-RPC and this project's rules have it."""
    if not isinstance(message, Members):
        return "it is no object"
    keys = {key for key, _ in message}
    if keys - MEMBERS or message.get("jsonrpc") != "2.0" or isinstance(
            message.get("jsonrpc"), Number):
        return "it has other members"
    payload = next((message.get(key) for key in ("params", "result", "error") if key in keys), None)
    if payload is not None and not isinstance(payload, Members):
        return "what it carries is no object"
    if payload is not None and any(look_alikes(payload, KEYS)):
        return "a key looks like a known one"
    if "method" in keys:
        if keys & {"result", "error"} or type(message.get("method")) is not str:
            return "method, and something else"
        return None if "id" not in keys or identifier(message.get("id")) else "such an id"
    if "params" in keys or ("result" in keys) == ("error" in keys):
        return "neither request nor answer"
    if message.get("id") is None and "error" in keys:
        return None
    return None if identifier(message.get("id")) else "such an id"


class Conversation:
    """What one input asked and was answered, from the oracle's own reading."""

    def __init__(self):
        self.asked = []

    def step(self, step, source):
        if step["side"] == "client":
            try:
                # Of a line that is refused the id may be told, but is not of use twice.
                message = json.loads(source, parse_int=Number, parse_float=Number)
                if isinstance(message, dict) and isinstance(message.get("id"), str):
                    self.asked.append(type(message["id"]).__name__ + message["id"])
            except (ValueError, RecursionError):
                pass
        for side, line in step["sent"]:
            line = bytes.fromhex(line)
            message = read(line)
            if b"\n" in line or b"\r" in line:
                return "a line with two ends was sent"
            fault = envelope(message)
            if fault:
                return f"what was sent: {fault}"
            if side == "client" and message.get("method") is None and message.get("id") is not None:
                key = type(message.get("id")).__name__ + message.get("id")
                if key not in self.asked:
                    return "an answer to nothing"
                self.asked.remove(key)
            if side == "server" and message.get("method") == "tools/call" and message.get("id"):
                params = message.get("params")
                if not TOOLS[step["profile"]].fullmatch(params.get("name")):
                    return "a hidden tool was called"
        return None


def difference(step, conversation):
    """What is wrong with one step, None if nothing."""
    source = bytes.fromhex(step["in"])
    try:
        value = read(source)
    except ValueError:
        value = None
    refused = value is None and source.strip() != b"null"
    if "reason" in step:
        if step["reason"] not in STRICTER and not refused:
            return f"we refuse ({step['reason']}) what Python reads"
    else:
        if refused:
            return "we accept what Python refuses"
        output = bytes.fromhex(step["out"])
        if not same(value, read(output)):
            return "the values differ"
        if step["kind"] == "message":
            fault = envelope(value)
            if fault:
                return f"accepted: {fault}"
    return conversation.step(step, source)


def check(record):
    """(steps that were read, what is wrong) of one line of a transcript."""
    conversation = Conversation()
    for step in record["steps"]:
        fault = difference(step, conversation)
        if fault:
            return len(record["steps"]), f"{fault}: {bytes.fromhex(step['in'])!r}"
    return len(record["steps"]), None


def sees_differences():
    """Whether steps that are wrong are found to be, and one that is right is not."""
    def record(source, out=None, reason=None, sent=(), side="client"):
        step = {"kind": "message", "in": source.hex(), "side": side, "profile": 0,
                "sent": [[to, line.hex()] for to, line in sent]}
        step |= {"reason": reason} if reason else {"out": (out or source).hex()}
        return check({"steps": [step]})[1]

    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s"}}'
    good, answer = call % b"read", b'{"jsonrpc":"2.0","id":1,"result":{}}'
    wrong = [
        record(good.replace(b"1,", b"1,\"id\":1,")), record(good, good.replace(b"1,", b"1.0,")),
        record(good, good.replace(b"read", b"reed")), record(good.replace(b":1,", b":1.0,")),
        record(good.replace(b"read", b"\xc1\xa5")), record(good, reason="json-syntax"),
        record(good, sent=[("server", call % b"write")]), record(good + b" 1"),
        record(good, sent=[("client", answer), ("client", answer)]),
        record(good, sent=[("client", answer.replace(b":1", b':"1"'))]),
        record(good.replace(b"params", b"param\xc5\xbf")), record(good, sent=[("server", b"{}")]),
    ]
    right = [record(good, sent=[("server", good), ("client", answer)]),
             record(good.replace(b"e", b"\\u0065", 2), b"{" + good[1:]),
             record(good.replace(b"read", b"\\ud800"), reason="lone-surrogate")]
    return all(wrong) and not any(right)

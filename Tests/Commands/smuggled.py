"""Lines that two parsers read in two ways, or that look as if they were."""

import json

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
    "two arguments, one escaped": call(params=b'"params":{"name":"echo","arguments":{},'
                                       b'"argumen\\u0074s":{"a":1}}'),
    "two names, the first escaped": call(
        params=b'"params":{"\\u006eame":"hidden","name":"echo","arguments":{}}'),
    "two names in _meta": call(params=b'"params":{"name":"echo","_meta":{"a":1,"\\u0061":2}}'),
    "METHOD": call(method=b'"METHOD":"tools/call"'),
    "Params beside params": call(params=b'"params":{"name":"echo","arguments":{}},"Params":'
                                 b'{"name":"hidden","arguments":{}}'),
    "NAME beside name": call(params=b'"params":{"name":"echo","NAME":"hidden","arguments":{}}'),
    "Arguments beside arguments": call(
        params=b'"params":{"name":"echo","arguments":{},"Arguments":{"a":1}}'),
    "dotless i in a _meta key": call(params='"params":{"name":"echo","_meta":{"\u0131o.'
                                     'modelcontextprotocol/protocolVersion":"x"}}'.encode()),
    "ID beside id": call(id=b'"id":60,"ID":61'),
    "a raw CR after a comma": call(params=b'"params":{"name":"echo",\r"arguments":{}}'),
    "two calls with a CR between": call() + b"\r" + CALL,
    "two calls with a NUL between": call() + b"\0" + CALL,
    "two calls with a form feed between": call() + b"\x0c" + CALL,
    "two calls with a line separator between": call() + "\u2028".encode() + CALL,
    "two calls with NEL between": call() + "\u0085".encode() + CALL,
    "a call after a bracket": call() + b"]" + CALL,
    "a batch of a batch": b"[[" + CALL + b"]]",
    "a batch of two": b"[" + call() + b"," + CALL + b"]",
    "a batch with a space before": b" [" + CALL + b"]",
    "a call in params": call(method=b'"method":"ping"', params=b'"params":[' + CALL + b"]"),
    "a call as a string": json.dumps(CALL.decode()).encode(),
    "a call in an object": b'{"a":' + CALL + b"}",
    "id of 400 digits": call(id=b'"id":1' + b"0" * 400),
    "id 1e400": call(id=b'"id":1e400'),
    "id -1e-400": call(id=b'"id":-1e-400'),
    "id of 2000 letters": call(id=b'"id":"' + b"a" * 2000 + b'"'),
    "id of white space": call(id=b'"id": \x0b60'),
    "NUL after the message": call() + b"\0",
    "NUL before the message": b"\0" + call(),
    "an overlong quote": call(params=b'"params":{"name":"echo","arguments":{"a":"x\xc0\xa2}}'),
    "an overlong slash": call(method=b'"method":"tools\xc0\xafcall"'),
    "UTF-8 beyond Unicode": call(params=b'"params":{"name":"echo","arguments":{"a":'
                                 b'"\xf4\x90\x80\x80"}}'),
    "UTF-8 cut off": call(params=b'"params":{"name":"echo","arguments":{"a":"\xf0\x9f"}}'),
    "UTF-32": call().decode().encode("utf-32"),
    "UTF-7": call(method=b'"method":"tools+AC8-call\x01"'),
    "a hexadecimal number": call(params=b'"params":{"name":"echo","arguments":{"a":0x10}}'),
    "a number with a plus": call(params=b'"params":{"name":"echo","arguments":{"a":+1}}'),
    "a number with a bare point": call(params=b'"params":{"name":"echo","arguments":{"a":1.}}'),
    "depth of objects": call(params=b'"params":{"name":"echo","arguments":' + b'{"a":' * 1000 + b"1"
                             + b"}" * 1000 + b"}"),
    "a bad escape": call(params=b'"params":{"name":"echo","arguments":{"a":"\\x41"}}'),
    "an escape cut off": call(params=b'"params":{"name":"echo","arguments":{"a":"\\u004"}}'),
    "a call as jsonrpc": b'{"jsonrpc":' + CALL + b',"id":60,"method":"ping"}',
    "a call as the id": call(id=b'"id":' + CALL),
    "a call as the method": call(method=b'"method":' + CALL),
    "the method with a space": call(method=b'"method":"tools/call "'),
    "the method in upper case": call(method=b'"method":"Tools/Call"'),
}

# Lines with one reading, whatever they carry: what is in them stays in them.
CARRIED = {
    "a call in a string": call(params=b'"params":{"name":"echo","arguments":{"m":'
                               + json.dumps(CALL.decode()).encode() + b"}}"),
    "a call between escaped line ends": call(params=b'"params":{"name":"echo","arguments":{"m":"\\n\\r'
                                             + json.dumps(CALL.decode()).encode()[1:-1] + b'\\r\\n"}}'),
    "a call between separators": call(params='"params":{"name":"echo","arguments":{"m":"\u2028\u0085'
                                      '\u2029'.encode() + json.dumps(CALL.decode()).encode()[1:-1]
                                      + '\u2028"}}'.encode()),
    "a call between escaped controls": call(
        params=b'"params":{"name":"echo","arguments":{"m":"\\u000b\\u000c\\u001c\\u0000'
               + json.dumps(CALL.decode()).encode()[1:-1] + b'\\u001e"}}'),
    "a call as an argument": call(params=b'"params":{"name":"echo","arguments":{"m":"","x":' + CALL
                                  + b"}}"),
    "a call in _meta": call(params=b'"params":{"name":"echo","arguments":{},"_meta":{"x":' + CALL
                            + b"}}"),
    "a name among the arguments": call(
        params=b'"params":{"name":"echo","arguments":{"name":"hidden","params":{"name":"hidden"}}}'),
    "params in params": call(params=b'"params":{"name":"echo","arguments":{},"params":'
                             b'{"name":"hidden","arguments":{}}}'),
    "a method in params": call(params=b'"params":{"name":"echo","arguments":{},"method":"tools/call",'
                               b'"id":61}'),
    "large numbers": call(params=b'"params":{"name":"echo","arguments":{"x":[1e400,'
                          + b"1" * 400 + b',-0,1.0,0.1e-7,18446744073709551616]}}'),
    "everything escaped": call(
        method=b'"\\u006d\\u0065thod":"\\u0074ools\\/call"',
        params=b'"p\\u0061rams":{"n\\u0061me":"\\u0065cho","\\u0061rguments":{}}'),
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

"""Runs inside the client's own virtual environment: the `mcp` SDK against one command.

The first argument is JSON: {"command": [...], "mode": "legacy", "calls": [[tool, arguments]...]}, and
in "answers", if it is there, what the person answers to questions, in their order. It prints JSON:
the tools as the SDK saw them, each result or the error that came instead, and the questions.
"""

import json
import sys

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import ElicitResult


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def main(wish):
    server = StdioServerParameters(command=wish["command"][0], args=wish["command"][1:],
                                   env=wish.get("env"), cwd=wish.get("cwd"))
    told = {"results": [], "questions": []}

    async def person(_, params):
        told["questions"].append(params.message)
        return ElicitResult(**wish["answers"][len(told["questions"]) - 1])

    options = {"elicitation_callback": person} if wish.get("answers") else {}
    with anyio.fail_after(60):
        async with Client(server, mode=wish["mode"], read_timeout_seconds=40,
                          **options) as client:
            told["tools"] = [plain(tool) for tool in (await client.list_tools()).tools]
            for tool, arguments in wish["calls"]:
                try:
                    result = plain(await client.call_tool(tool, arguments))
                    told["results"].append({"content": result.get("content"),
                                            "isError": result.get("isError", False),
                                            "structured": result.get("structuredContent")})
                except Exception as error:  # whatever the SDK raises is the result here
                    told["results"].append({"raised": str(error)})
    json.dump(told, sys.stdout)


anyio.run(main, json.loads(sys.argv[1]))

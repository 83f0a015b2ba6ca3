"""A plugin of pytest that connects the client of the SDK's own interaction tests to their server
through Anchorhold: what is the in-memory connection there is a session here.

The server stays in the process of the test. In the cell two copies of cat carry its bytes, by two
FIFOs in a granted directory. ANCHORHOLD_RUN is the command line before the profile, as JSON,
OPEN_PROFILE the profile that allows everything, to which each connection adds what is its own,
PROFILE_NAME its name; its records are below XDG_STATE_HOME, or where root's are.
"""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp_types.version import LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

RUN = json.loads(os.environ["ANCHORHOLD_RUN"])
OPEN_PROFILE = pathlib.Path(os.environ["OPEN_PROFILE"]).read_text()
OWN = """
version: 1
name: {name}
extends: auto
server:
  command: [/bin/sh, -c, "exec 3<&0; cat <&3 >{place}/up & exec cat {place}/down"]
  programs: [cat]
filesystem: {{write: [{place}], protect_defaults: false}}
user: {{owner_of: {place}}}
"""
SERVER = 61234  # who the cell's two copies of cat are, when root runs the tests
GRACE = 5  # seconds for a server to end once nothing more can come


async def serve(server, place, ended):
    try:
        await converse(server, place)
    finally:
        ended.set()


async def converse(server, place):
    lowlevel = server._lowlevel_server if isinstance(server, MCPServer) else server
    up = await anyio.to_thread.run_sync(lambda: open(place / "up", encoding="utf-8"))
    down = await anyio.to_thread.run_sync(lambda: open(place / "down", "w", encoding="utf-8"))
    with up, down:
        async with stdio_server(anyio.wrap_file(up), anyio.wrap_file(down)) as (read, write):
            await lowlevel.run(read, write, lowlevel.create_initialization_options())


@contextlib.asynccontextmanager
async def connect(server, *, spec_version=LATEST_HANDSHAKE_VERSION, **options):
    place = pathlib.Path(tempfile.mkdtemp(prefix="anchorhold-interaction-"))
    owner = SERVER if os.geteuid() == 0 else os.getuid()
    for path in (place, place / "up", place / "down"):
        if path != place:
            os.mkfifo(path, 0o600)
        os.chown(path, owner, -1 if owner == os.getuid() else owner)
    profile = pathlib.Path(tempfile.mkdtemp(prefix="anchorhold-interaction-")) / "open.yaml"
    profile.write_text(OWN.format(place=place, name=os.environ["PROFILE_NAME"]) + OPEN_PROFILE)
    transport = stdio_client(StdioServerParameters(
        command=RUN[0], args=[*RUN[1:], str(profile)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(profile.parent),
             "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}))
    mode = spec_version if spec_version in MODERN_PROTOCOL_VERSIONS else "legacy"
    try:
        async with anyio.create_task_group() as tasks:
            ended = anyio.Event()
            tasks.start_soon(serve, server, place, ended)
            try:
                async with Client(transport, mode=mode, **options) as client:
                    yield client
            finally:
                with anyio.move_on_after(GRACE, shield=True):
                    while not ended.is_set():
                        # Whoever still waits for the other end of a FIFO gets one.
                        for name in ("up", "down"):
                            os.close(os.open(place / name, os.O_RDWR | os.O_NONBLOCK))
                        await anyio.sleep(0.02)
                tasks.cancel_scope.cancel()
    finally:
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(profile.parent, ignore_errors=True)


def pytest_collection_modifyitems(config, items):
    """Only what is connected through the fixture, and only in the place of one transport."""
    from tests.interaction import conftest

    conftest._FACTORIES["in-memory"] = connect
    kept = [item for item in items
            if "connect" in getattr(item, "fixturenames", ())
            and item.callspec.params["connect"][0] == "in-memory"]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(autouse=True)
def blockbuster():
    """Threads and FIFOs of the bridge are not what the SDK's guard against blocking is about."""
    yield

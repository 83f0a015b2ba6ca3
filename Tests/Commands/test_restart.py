"""Servers that fail and are started again, in a new cell of the same session."""

import json
import os
import pathlib
import signal
import time

from harness import (BINARY, GROUPS, PATIENCE, PROBE, ROOT, SLOWNESS, Case, Closed, alive,
                     descendants, need, processes, server_pid, until)


class Restarts(Case):
    def restarting(self, *server, restart="on-failure", **options):
        """A session with a profile that has its server started again."""
        options.setdefault("isolation", "full")
        return self.profile(
            server={"command": list(server) or [PROBE, "serve"], "restart": restart}, **options)

    def opened(self, *server, **options):
        cell = self.run_cell(self.restarting(*server, **options))
        cell.initialize()
        return cell

    def kinds(self, kind):
        return [r for r in self.records() if r["kind"] == kind]

    def test_a_server_that_ends_with_a_status_is_followed_by_another_one(self):
        cell = self.opened()
        first = server_pid(cell.pid)
        below = set(descendants(cell.pid))
        answer = cell.call("exit", {"status": 3})
        self.assertIs(answer["result"]["isError"], True)
        self.assertIn("ended with an error", answer["result"]["content"][0]["text"])
        self.assertEqual(cell.text("echo", {"text": "again"}), '{"text":"again"}')
        second = server_pid(cell.pid)
        self.assertNotEqual(first, second)
        self.assertEqual(cell.finish(), 0)
        print(json.dumps(self.records()[-12:], indent=0)[:6000])
        print(cell.stderr.decode())

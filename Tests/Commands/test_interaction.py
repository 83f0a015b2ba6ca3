"""The SDK's own tests of every interaction, with its client connected through Anchorhold."""

import json
import os
import re
import shutil
import subprocess

import servers
from harness import Case, command_line, need

PLACE = servers.TOP / "Tests/Interaction"


class Interactions(Case):
    def test_all_of_them_pass_in_both_eras_with_a_profile_that_allows_everything(self):
        need(self, servers.ready("interaction"), "no virtual environment from PyPI for interaction")
        # At level container the way to the FIFOs is the machine's own.
        self.directory.chmod(0o755)
        environment = servers.PLACE / "interaction"
        sources = next((environment / "sources").glob("mcp-*/tests/interaction")).parents[1]
        # The tests keep caches beside themselves, and an ordinary user may not write there.
        copy = self.directory / "sources"
        shutil.copytree(sources / "tests", copy / "tests")
        done = subprocess.run(
            [environment / "bin/python", "-m", "pytest", "-c", PLACE / "pytest.ini",
             "-v", "--rootdir", copy, "-p", "no:cacheprovider", "-W", "ignore",
             "tests/interaction/lowlevel", "tests/interaction/mcpserver"],
            cwd=copy, capture_output=True, text=True, timeout=600,
            env={**self.environment, "ANCHORHOLD_RUN": json.dumps(command_line("run")),
                 "OPEN_PROFILE": str(PLACE / "open.yaml"),
                 "PROFILE_NAME": self.name, "PYTHONDONTWRITEBYTECODE": "1",
                 "PYTHONPATH": f"{PLACE}{os.pathsep}{copy}", "TMPDIR": str(self.directory)})
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        passed = re.findall(r"^(.+?) PASSED", done.stdout, re.M)
        # As many as connect through the fixture in that version of the SDK, and each of them.
        self.assertGreaterEqual(len(passed), 228)
        self.assertNotRegex(done.stdout, r"(?m)^.+? (SKIPPED|XFAIL)")
        for era in ("2025-11-25", "2026-07-28"):
            self.assertGreater(sum(f"[in-memory-{era}]" in name for name in passed), 80)
        # Each of them was a session of ours at least, through which something passed.
        sessions = [[json.loads(line) for line in path.read_bytes().splitlines()]
                    for path in self.record_files()]
        through = [s for s in sessions if s[0]["kind"] == "session-start" and s[0]["sealed"]
                   and any(r["kind"] == "response" and r["verdict"] == "pass" for r in s)]
        self.assertGreaterEqual(len(through), len(passed))

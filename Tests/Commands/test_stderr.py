"""Our standard error: nobody has to read it, and what the server wrote never looks like what we say."""

import fcntl
import os
import signal
import subprocess
import time

from harness import BINARY, PATIENCE, Case, until

F_SETPIPE_SZ = 1031
PAGE = 4096

# Writes more lines than a full pipe takes and then ends as it is told to.
NOISY = """
import os, signal, sys
for number in range(60):
    os.write(2, b"%03d " % number + b"y" * int(sys.argv[1]) + b" anchorhold: error: forged\\n")
if sys.argv[2] == "signal":
    os.kill(os.getpid(), signal.SIGXCPU)
sys.exit(1)
"""


class NobodyReads(Case):
    def start(self, length, how, **more):
        """A session whose standard error is a pipe of one page that nobody reads."""
        script = self.directory / "noisy.py"
        script.write_text(NOISY)
        profile = self.profile("/usr/bin/python3", str(script), str(length), how,
                               extends="python", **more)
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, F_SETPIPE_SZ, PAGE)
        process = subprocess.Popen([BINARY, "run", str(profile)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=writing, env=self.environment)
        os.close(writing)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, reading

    def drain(self, reading):
        """What is in the pipe, to its end."""
        text = b""
        while part := os.read(reading, 65536):
            text += part
        return text

    def assertPlain(self, text):
        """Each line is ours or says whose it is."""
        own = f"anchorhold[{self.name}]: ".encode()
        self.assertTrue(text.endswith(b"\n"), text[-200:])
        for line in text.splitlines():
            if not line.startswith(own):
                self.assertRegex(line, rb"^anchorhold: (error|warning|hint): ")
                self.assertNotIn(b"forged", line)
                self.assertNotIn(b"yyy", line)

    def test_a_server_that_is_ended_at_a_limit_while_nobody_reads_what_we_say(self):
        process, reading = self.start(500, "signal")
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGXCPU)
        self.assertEqual(process.stdout.read(), b"")
        text = self.drain(reading)
        self.assertIn(b"yyy", text, "the server's lines came that far")
        self.assertPlain(text)

    def test_a_server_that_is_to_be_started_again_and_a_signal_while_nobody_reads(self):
        process, reading = self.start(500, "status", server={"restart": "on-failure"})
        self.assertTrue(until(lambda: [r for r in self.records() if r["kind"] == "server-end"]))
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        self.assertEqual(process.stdout.read(), b"")
        self.assertEqual(self.records()[-1]["kind"], "session-end")
        self.assertPlain(self.drain(reading))

    def test_lines_stay_whole_whoever_writes_between_them(self):
        for length in [500, 3000, 5000]:
            with self.subTest(length=length):
                process, reading = self.start(length, "signal")
                text = b""
                # Little by little, so that both sides find room again and again.
                while part := os.read(reading, 1000):
                    text += part
                    time.sleep(0.001)
                process.wait(PATIENCE)
                self.assertPlain(text)
                if length == 5000:
                    self.assertIn(b"[cut; ", text)
                for line in text.splitlines(keepends=True):
                    self.assertLessEqual(len(line), PAGE)

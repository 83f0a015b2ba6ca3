"""Real servers with a client that nobody here wrote: the same results with us and without us."""

import json
import os
import shutil
import subprocess

import servers
from harness import LEVEL, ROOT, TOP, Case, command_line, need

MODES = ["legacy", "auto", "2026-07-28"]


class RealServers(Case):
    def setUp(self):
        super().setUp()
        missing = [name for name in ("client", "time", "git", "sqlite") if not servers.ready(name)]
        need(self, not missing, f"no virtual environment from PyPI for {', '.join(missing)}")
        # At level container the way to what is granted is the machine's own.
        self.directory.chmod(0o755)

    def sdk(self, command, mode, calls):
        wish = {"command": [str(c) for c in command], "mode": mode, "calls": calls,
                "env": self.environment}
        done = subprocess.run(
            [servers.PLACE / "client/bin/python", servers.TOP / "Tests/Commands/sdk_client.py",
             json.dumps(wish)],
            capture_output=True, timeout=90, env=self.environment, cwd=self.directory)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        return json.loads(done.stdout)

    def server(self, name):
        return servers.PLACE / name / "bin" / f"mcp-server-{name}"

    def assertSame(self, ours, plain, calls, hidden=()):
        """What the profile shows is as the server gave it; what it hides is refused."""
        visible = [tool for tool in plain["tools"] if tool["name"] not in hidden]
        self.assertEqual(ours["tools"], visible)
        self.assertTrue(visible)
        for (tool, _), got, expected in zip(calls, ours["results"], plain["results"]):
            if tool in hidden:
                self.assertIn("Unknown tool", json.dumps(got))
            else:
                self.assertNotIn("raised", expected)
                self.assertEqual(got, expected, tool)

    def test_time(self):
        calls = [["convert_time", {"source_timezone": "Europe/Zurich", "time": "12:30",
                                   "target_timezone": "Asia/Tokyo"}],
                 ["convert_time", {"source_timezone": "No/Where", "time": "12:30",
                                   "target_timezone": "Asia/Tokyo"}]]
        for mode in MODES:
            with self.subTest(mode):
                plain = self.sdk([self.server("time")], mode, calls)
                self.assertIn("Tokyo", json.dumps(plain["results"][0]))
                ours = self.sdk(command_line("run", "time", "--", self.server("time")), mode, calls)
                self.assertSame(ours, plain, calls)

    def test_git(self):
        repository = self.directory / "repository"
        environment = {**self.environment, "GIT_CONFIG_NOSYSTEM": "1"}

        def git(*arguments):
            subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org",
                            *arguments], check=True, env=environment, capture_output=True,
                           timeout=20)
        git("init", "-q", "-b", "main", str(repository))
        (repository / "a.txt").write_text("one\n")
        git("-C", str(repository), "add", "a.txt")
        git("-C", str(repository), "commit", "-q", "-m", "Add a")
        (repository / "a.txt").write_text("two\n")
        (repository / "new.txt").write_text("new\n")
        where = {"repo_path": str(repository)}
        calls = [["git_status", where], ["git_diff_unstaged", where],
                 ["git_log", {**where, "max_count": 3}],
                 ["git_show", {**where, "revision": "HEAD"}]]
        command = [self.server("git"), "--repository", repository]
        for mode in MODES:
            with self.subTest(mode):
                plain = self.sdk(command, mode, calls)
                self.assertIn("a.txt", json.dumps(plain["results"][0]))
                self.assertFalse(any(r.get("isError", True) for r in plain["results"]), plain)
                ours = self.sdk(command_line("run", "git", "--set", f"repository={repository}", "--",
                                             *command), mode, [*calls, ["git_add", {**where, "files": ["."]}]])
                shown = {tool["name"] for tool in ours["tools"]}
                hidden = {tool["name"] for tool in plain["tools"]} - shown
                self.assertIn("git_commit", hidden)
                self.assertLessEqual({name for name, _ in calls}, shown)
                self.assertSame(ours, plain, calls, hidden)
                self.assertIn("Unknown tool", json.dumps(ours["results"][-1]))
        self.assertIn("new.txt", subprocess.run(
            ["git", "-C", repository, "status", "--porcelain"], capture_output=True, text=True,
            env=environment, timeout=20).stdout)

    def test_sqlite(self):
        place = self.shared_directory("data")
        database = place / "data.db"
        calls = [["create_table", {"query": "CREATE TABLE t (n INTEGER, word TEXT)"}],
                 ["write_query", {"query": "INSERT INTO t VALUES (1, 'one'), (2, 'zwei')"}],
                 ["read_query", {"query": "SELECT * FROM t ORDER BY n"}],
                 ["list_tables", {}], ["describe_table", {"table_name": "t"}]]
        command = [self.server("sqlite"), "--db-path", database]
        profile = "sqlite"
        if LEVEL:
            text = (TOP / "profiles/sqlite.yaml").read_text()
            profile = self.profile(text=text.replace(
                "filesystem:\n", "filesystem:\n  protect_missing: note\n"))
        for mode in MODES[:2]:
            with self.subTest(mode):
                def fresh():
                    shutil.rmtree(place)
                    place.mkdir()
                    place.chmod(0o777)
                    subprocess.run(["/usr/bin/python3", "-c", "import sqlite3, sys; "
                                    "sqlite3.connect(sys.argv[1]).execute('VACUUM')", database],
                                   check=True, timeout=20)
                    if ROOT:
                        os.chmod(database, 0o666)
                fresh()
                plain = self.sdk(command, mode, calls)
                self.assertIn("zwei", json.dumps(plain["results"][2]))
                fresh()
                ours = self.sdk(command_line("run", profile, "--set", f"directory={place}",
                                             "--", *command), mode, calls)
                shown = {tool["name"] for tool in ours["tools"]}
                hidden = {tool["name"] for tool in plain["tools"]} - shown
                self.assertLessEqual({"read_query", "list_tables", "describe_table"}, shown)
                self.assertSame(ours, plain, calls, hidden)

    def test_a_server_of_an_own_profile_finds_its_runtime_by_itself(self):
        profile = self.profile(str(self.server("time")), extends="python")
        calls = [["get_current_time", {"timezone": "UTC"}]]
        ours = self.sdk(command_line("run", profile), "auto", calls)
        self.assertIn("UTC", json.dumps(ours["results"][0]["content"]))
        self.assertFalse(ours["results"][0]["isError"])
        found = self.anchorhold("check", profile)
        self.assertEqual(found.returncode, 0, found)
        self.assertIn(str(servers.PLACE / "time").encode(), found.stdout)

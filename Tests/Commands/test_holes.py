"""Published holes of real servers: each reproduced outside of any cell, and stopped inside.

Every attempt runs in three places: outside, where it gets out; in the cell of a profile of
examples/holes, where it does not, though the server is the same and an ordinary call of the same
tool works; and in that cell with its walls taken down, where it gets out again, so that it was they
that stopped it.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import uuid

import servers
from harness import LEVEL, Case, level_full, need

EXAMPLES = servers.TOP / "examples/holes"
OLD_GIT = servers.PLACE / "git-2025.7.1/bin/mcp-server-git"
SQLITE = servers.PLACE / "sqlite/bin/mcp-server-sqlite"


class Ground:
    """A place that is granted, one beside it that is not, and the secret that lies there."""

    def __init__(self, directory, environment):
        self.environment = {**environment, "GIT_CONFIG_NOSYSTEM": "1"}
        self.granted = directory / "granted"
        self.outside = directory / "outside"
        self.secret = uuid.uuid4().hex
        self.watched = [self.outside]
        for place in (self.granted, self.outside):
            place.mkdir()
        (self.outside / "secret.txt").write_text(f"{self.secret}\n")

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org",
                        *map(str, arguments)], check=True, env=self.environment,
                       capture_output=True, timeout=20)

    def repository(self, place, text):
        """A repository with one commit, of file.txt."""
        self.git("init", "-q", "-b", "main", place)
        (place / "file.txt").write_text(f"{text}\n")
        self.git("-C", place, "add", "file.txt")
        self.git("-C", place, "commit", "-q", "-m", "Add a file")
        return place

    def share(self):
        """Lets the cell's own user write wherever the walls let it, when root starts it."""
        subprocess.run(["chmod", "-R", "a+rwX", self.granted, self.outside], check=True,
                       timeout=20)

    def state(self):
        """What there is in the watched places: names and contents, and where links lead."""
        found = {}
        for top in self.watched:
            for path in [top, *top.rglob("*")]:
                found[str(path)] = (os.readlink(path) if path.is_symlink() else
                                    path.read_bytes() if path.is_file() else None)
        return found


def call(tool, **arguments):
    return tool, {key: [str(v) for v in value] if isinstance(value, list) else str(value)
                  for key, value in arguments.items()}


def grant(path):
    """The change of a profile that takes down the kernel's wall in front of `path`."""
    return "  write:\n", f"  write:\n    - {path}\n"


class Holes(Case):
    def need_server(self, name):
        need(self, shutil.which("git"), "git")
        need(self, servers.ready(name), f"no virtual environment from PyPI for {name}")

    def ground(self, place):
        self.shared_directory(place)
        return Ground(self.directory / place, self.environment)

    def cell(self, example, changes, command, settings):
        """A session in the cell of examples/holes/EXAMPLE.yaml, under this test's name."""
        text = (EXAMPLES / f"{example}.yaml").read_text()
        if LEVEL:
            changes = [*changes, ("filesystem:\n", "filesystem:\n  protect_missing: note\n")]
        for old, new in [(f"name: {example}\n", f"name: {self.name}\n"), *changes]:
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        for path in self.record_files():
            path.unlink()
        profile = self.profile(text=text)
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        done = self.anchorhold("check", profile, *words)
        self.assertEqual(done.returncode, 0, done)
        return self.run_cell(profile, *words, "--", *command)

    def look(self, peer, ground, attempts, ordinary):
        """Runs a whole session; {attempt: whether it brought out the secret, or wrote outside}."""
        outcome = {}
        peer.initialize()
        for name, calls in attempts.items():
            before = ground.state()
            answers = [peer.call(tool, arguments) for tool, arguments in calls]
            outcome[name] = (ground.secret in json.dumps([answers, peer.unclaimed])
                             or ground.state() != before)
            # What is ordinary works beside every attempt: nothing else stood in its way.
            for tool, arguments, expected in ordinary:
                self.assertIn(expected, peer.text(tool, arguments), (name, tool))
        peer.finish()
        return outcome

    def assertOutside(self, ground, command, attempts, ordinary):
        """The hole is there: without a cell every attempt gets out."""
        found = self.look(self.direct(*command), ground, attempts, ordinary)
        self.assertEqual(found, dict.fromkeys(attempts, True))

    def assertStopped(self, cell, ground, attempts, ordinary, hidden=()):
        before = ground.state()
        found = self.look(cell, ground, attempts, ordinary)
        self.assertEqual(found, dict.fromkeys(attempts, False))
        self.assertEqual(ground.state(), before)
        self.assertNotIn(ground.secret.encode(), cell.stderr)
        self.assertDecided(attempts, hidden)

    def assertOpen(self, cell, ground, attempts, ordinary):
        """With these walls taken down every attempt gets out again."""
        found = self.look(cell, ground, attempts, ordinary)
        self.assertEqual(found, dict.fromkeys(attempts, True))
        self.assertDecided(attempts)

    def assertDecided(self, attempts, hidden=()):
        """Every call went to the server, for the kernel to stop, but those of hidden tools."""
        decided = {(r["tool"], r["verdict"]) for r in self.records()
                   if r.get("method") == "tools/call" and r["kind"] in ("request", "refusal")
                   and r.get("reason") != "held"}
        for tool in {tool for calls in attempts.values() for tool, _ in calls}:
            verdicts = {verdict for called, verdict in decided if called == tool}
            self.assertEqual(verdicts, {"refuse" if tool in hidden else "pass"}, tool)


class Git(Holes):
    """mcp-server-git of a version before these were closed."""

    def setUp(self):
        super().setUp()
        self.need_server("git-2025.7.1")

    def git_ground(self, place):
        ground = self.ground(place)
        repository = ground.repository(ground.granted / "repository", "one")
        (repository / "link").symlink_to(ground.outside)
        ground.git("-C", repository, "add", "link")
        ground.git("-C", repository, "commit", "-q", "-m", "Add a link")
        (repository / "file.txt").write_text("changed\n")
        ground.repository(ground.outside / "other", ground.secret)
        (ground.outside / "kept.txt").write_text("kept\n")
        ground.watched += [repository / ".git/hooks", repository / ".git/config"]
        ground.share()
        return ground, repository, [OLD_GIT, "--repository", repository]

    def staged(self, repository, path):
        return [call("git_add", repo_path=repository, files=[path]),
                call("git_diff_staged", repo_path=repository)]

    def ordinary(self, repository):
        return [(*call("git_show", repo_path=repository, revision="HEAD~1"), "+one"),
                (*call("git_add", repo_path=repository, files=["file.txt"]), "successfully"),
                (*call("git_diff_staged", repo_path=repository), "+changed")]

    @level_full("taking away")
    def test_path_traversal(self):
        def prepare(place):
            ground, repository, command = self.git_ground(place)
            up = "../../outside"
            return ground, repository, command, {
                "another repository by its path":
                    [call("git_show", repo_path=ground.outside / "other", revision="HEAD")],
                "another repository by a path with ..":
                    [call("git_show", repo_path=f"{repository}/{up}/other", revision="HEAD")],
                "a file by a path with ..": self.staged(repository, f"{up}/secret.txt"),
                "a repository made elsewhere": [call("git_init", repo_path=ground.outside / "new")],
            }, self.ordinary(repository)

        def cell(changes):
            return self.cell("path-traversal", changes, command, {"repository": repository})
        ground, repository, command, attempts, ordinary = prepare("plain")
        self.assertOutside(ground, command, attempts, ordinary)
        ground, repository, command, attempts, ordinary = prepare("cell")
        self.assertStopped(cell([]), ground, attempts, ordinary, hidden=["git_init"])
        # The kernel's wall by itself (git_init then makes one in the cell's own /tmp), and none.
        allow = ("  allow:\n", "  allow:\n    - git_init\n")
        self.assertStopped(cell([allow]), ground, attempts, ordinary)
        self.assertOpen(cell([allow, grant(ground.outside)]), ground, attempts, ordinary)

    @level_full("taking away")
    def test_symlink_escape(self):
        def prepare(place):
            ground, repository, command = self.git_ground(place)
            return ground, repository, command, {
                "a file behind a link": self.staged(repository, "link/secret.txt"),
                "a repository behind a link":
                    [call("git_show", repo_path=repository / "link/other", revision="HEAD")],
            }, self.ordinary(repository)

        def cell(changes):
            return self.cell("symlink-escape", changes, command, {"repository": repository})
        ground, repository, command, attempts, ordinary = prepare("plain")
        self.assertOutside(ground, command, attempts, ordinary)
        ground, repository, command, attempts, ordinary = prepare("cell")
        self.assertStopped(cell([]), ground, attempts, ordinary)
        self.assertOpen(cell([grant(ground.outside)]), ground, attempts, ordinary)

    def test_argument_injection(self):
        def prepare(place):
            ground, repository, command = self.git_ground(place)
            targets = [ground.outside / "new.txt", ground.outside / "kept.txt",
                       repository / ".git/hooks/pre-commit"]
            attempts = {f"writes {path.name}":
                        [call("git_diff", repo_path=repository, target=f"--output={path}")]
                        for path in targets}
            ordinary = [(*call("git_diff", repo_path=repository, target="HEAD"), "+changed")]
            return ground, repository, command, attempts, ordinary

        def cell(changes):
            return self.cell("argument-injection", changes, command, {"repository": repository})
        ground, repository, command, attempts, ordinary = prepare("plain")
        self.assertOutside(ground, command, attempts, ordinary)
        self.assertIn(b"+changed", (ground.outside / "kept.txt").read_bytes())
        ground, repository, command, attempts, ordinary = prepare("cell")
        self.assertStopped(cell([]), ground, attempts, ordinary)
        self.assertEqual((ground.outside / "kept.txt").read_bytes(), b"kept\n")
        opened = ("filesystem:\n", f"filesystem:\n  write:\n    - {ground.outside}\n"
                  '    - "${repository}/.git"\n')
        self.assertOpen(cell([opened]), ground, attempts, ordinary)


class SQLite(Holes):
    def setUp(self):
        super().setUp()
        self.need_server("sqlite")

    def test_sqlite_attach(self):
        def prepare(place):
            ground = self.ground(place)
            outside = ground.outside
            (outside / "empty.db").touch()
            (ground.granted / "link.db").symlink_to(outside / "linked.db")
            with contextlib.closing(sqlite3.connect(ground.granted / "database.db")) as database:
                database.execute("CREATE TABLE t (word TEXT)")
            ground.share()
            attempts = {name: [call("write_query", query=query)] for name, query in {
                "makes a file": f"ATTACH DATABASE '{outside}/new.db' AS elsewhere",
                "makes a file behind a link":
                    f"ATTACH DATABASE '{ground.granted}/link.db' AS elsewhere",
                "writes a file": f"VACUUM INTO '{outside}/copy.db'",
                "writes into a file": f"VACUUM INTO '{outside}/empty.db'"}.items()}
            ordinary = [
                (*call("write_query", query="INSERT INTO t VALUES ('zwei')"), "affected_rows"),
                (*call("write_query", query="ATTACH DATABASE "
                       f"'{ground.granted}/second.db' AS second"), "[]"),
                (*call("read_query", query="SELECT * FROM t"), "zwei")]
            return ground, [SQLITE, "--db-path", ground.granted / "database.db"], attempts, ordinary

        def cell(changes):
            return self.cell("sqlite-attach", changes, command, {"directory": ground.granted})
        ground, command, attempts, ordinary = prepare("plain")
        self.assertOutside(ground, command, attempts, ordinary)
        self.assertIn(b"zwei", (ground.outside / "empty.db").read_bytes())
        ground, command, attempts, ordinary = prepare("cell")
        self.assertStopped(cell([]), ground, attempts, ordinary)
        self.assertTrue((ground.granted / "second.db").exists())
        self.assertOpen(cell([grant(ground.outside)]), ground, attempts, ordinary)

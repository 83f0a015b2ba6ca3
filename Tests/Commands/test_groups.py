"""The supplementary groups of an ordinary caller, with the real newgidmap and without.

Only root can arrange this: accounts and ranges are files of a mount namespace that ends with the
session, and the machine's own are not touched.
"""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import BINARY, PATIENCE, ROOT, TOP, Case, level_full, need, server_pid, status_of

SKIPPING = os.environ.get("ANCHORHOLD_SKIPPING", str(TOP / ".build/skipping/debug/anchorhold"))
NEWGIDMAP = "/usr/bin/newgidmap"
USER, KEEPERS, OTHERS, FIRST, COUNT = 61234, 61900, 61901, 700000, 65536
SPARE = FIRST + COUNT - 1

# Mounts files over others in a namespace of its own, then becomes the caller.
AS_CALLER = """set -e
while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done
shift
groups=$1
shift
exec setpriv --reuid %d --regid %d $groups "$@"
""" % (USER, USER)

LINE = f"tester:{FIRST}:{COUNT}\n"


@level_full("groups")
class Groups(Case):
    def setUp(self):
        super().setUp()
        if not ROOT:
            self.skipTest("root makes the account, its groups and its range")
        for tool in ["unshare", "setpriv", "mount"]:
            need(self, shutil.which(tool), tool)
        need(self, os.path.exists(NEWGIDMAP), "newgidmap (package uidmap)")
        self.directory.chmod(0o755)
        for place in [self.home, self.state]:
            place.mkdir(exist_ok=True)
            os.chown(place, USER, USER)
        self.secret = self.directory / "secret"
        self.secret.write_text("for the keepers\n")
        os.chown(self.secret, 0, KEEPERS)
        self.secret.chmod(0o640)
        self.covers = {"/etc/passwd": self.account("passwd", f"tester:x:{USER}:{USER}::/:/bin/sh"),
                       "/etc/group": self.account("group", f"keepers:x:{KEEPERS}:tester"),
                       "/etc/subgid": self.file("subgid", LINE)}

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def account(self, name, line):
        return self.file(name, pathlib.Path("/etc", name).read_text() + line + "\n")

    @property
    def audit_directory(self):
        return self.state / "anchorhold/audit" / self.name

    def as_caller(self, *command, groups=(USER, KEEPERS, OTHERS), covers=None):
        """The command line that runs `command` as the caller, in a mount namespace of its own."""
        covers = {**self.covers, **(covers or {})}
        pairs = [str(part) for over, path in covers.items() for part in (path, over)]
        option = "--groups=" + ",".join(map(str, groups)) if groups else "--clear-groups"
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", AS_CALLER, "sh",
                *pairs, "--", option, *map(str, command)]

    def caller(self, *command, **options):
        return subprocess.run(self.as_caller(*command, **options), env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)

    def cell(self, user=None, binary=BINARY, **options):
        more = {"user": user} if user else {}
        profile = self.profile(read=[self.secret], **more)
        peer = self.peer(self.as_caller(binary, "run", profile, **options))
        peer.initialize()
        return peer

    def start(self):
        starts = [r for r in self.records() if r["kind"] == "session-start"]
        record = max(starts, key=lambda r: r["time"])
        self.assertTrue(record["sealed"])
        return record, {check["name"]: check["observed"] for check in record["seal"]}

    def groups_of(self, peer):
        return status_of(server_pid(peer.pid))["Groups"].split()

    def stay(self, peer, because):
        """Holds that the groups are in the cell, open the file, and are on record."""
        self.assertEqual(self.groups_of(peer), [str(g) for g in (USER, KEEPERS, OTHERS)])
        answer = peer.attempt(f"read:{self.secret}")
        self.assertEqual((answer["outcome"], answer["detail"]), ("done", "for the keepers\n"))
        self.assertEqual(peer.finish(), 0)
        record, seal = self.start()
        self.assertEqual(record["remaining_groups"], [USER, KEEPERS, OTHERS])
        self.assertEqual(record["remaining_group_names"], [f"keepers ({KEEPERS})", f"{OTHERS}"])
        self.assertEqual(seal["cell.setgroups"], "deny")
        self.assertEqual(seal["cell.gid_map"], f"1000 {USER} 1")
        note = [n for n in record["notes"] if "supplementary groups" in n]
        self.assertEqual(len(note), 1, record["notes"])
        self.assertIn(f"keepers ({KEEPERS}), {OTHERS}", note[0])
        self.assertIn(because, note[0])

    def go(self, peer):
        """Holds that no group is in the cell, that the file is closed, and that it is on record."""
        self.assertEqual(self.groups_of(peer), [])
        answer = peer.attempt(f"read:{self.secret}")
        self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EACCES"))
        ids = status_of(server_pid(peer.pid))
        self.assertEqual(ids["Gid"].split(), [str(USER)] * 4)
        self.assertEqual(peer.finish(), 0)
        record, seal = self.start()
        self.assertEqual((record["remaining_groups"], record["remaining_group_names"]), ([], []))
        for who in ["server", "init", "executed"]:
            self.assertEqual(seal[f"{who}.groups"], "")
        self.assertEqual(seal["cell.setgroups"], "allow")
        self.assertEqual(seal["cell.gid_map"], f"1000 {USER} 1 1001 {SPARE} 1")
        self.assertNotIn("supplementary", " ".join(record["notes"]))

    def fake(self, body):
        """A newgidmap of the tests' own."""
        source = self.file("fake.c", "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <stdio.h>\n"
                           "#include <unistd.h>\nextern char **environ;\n"
                           "int main(int count, char **words) { (void)count; (void)words;\n"
                           + body + "}\n")
        program = self.directory / "fake"
        subprocess.run(["gcc", "-o", program, source], check=True, timeout=PATIENCE)
        return {NEWGIDMAP: program}


class Sessions(Groups):
    def test_a_group_opens_a_file_in_the_cell_unless_newgidmap_lets_it_be_dropped(self):
        self.stay(self.cell(covers={"/etc/subgid": "/dev/null"}), "/etc/subgid gives tester no groups")
        self.go(self.cell())

    def test_a_profile_may_keep_them_and_may_insist_that_they_go(self):
        self.stay(self.cell({"groups": "keep"}), "the profile's user.groups says so")
        self.go(self.cell({"groups": "drop"}))

    def test_what_insists_is_refused_where_it_cannot_be_and_says_what_mends_it(self):
        profile = self.profile(user={"groups": "drop"})
        nobody = self.file("nobody", "")
        for covers, said, hint in [
                ({"/etc/subgid": nobody}, "/etc/subgid gives tester no groups",
                 "echo tester:100000:65536 | sudo tee -a /etc/subgid"),
                ({NEWGIDMAP: "/dev/null", "/etc/subgid": nobody}, "newgidmap is not used", "apt install"),
                ({"/etc/passwd": "/etc/passwd"}, "newgidmap serves accounts only", "an account")]:
            with self.subTest(said):
                done = self.caller(BINARY, "run", profile, covers=covers)
                self.assertEqual(done.returncode, 125, done)
                self.assertIn(f"{profile}:7:18: cannot drop the caller's supplementary groups",
                              done.stderr.decode())
                self.assertIn(said, done.stderr.decode())
                self.assertRegex(done.stderr.decode(), f"hint: .*{hint.replace('|', '[|]')}")
                check = self.caller(BINARY, "check", profile, covers=covers).stdout.decode()
                self.assertIn(said, check)
                self.assertIn("so it cannot run here", check)
        # The control: nothing is in the way.
        self.assertEqual(self.cell({"groups": "drop"}).finish(), 0)

    def test_ranges_of_others_are_left_alone_and_the_callers_number_counts_as_its_name(self):
        others = self.file("subgid", f"other:100000:65536\n{USER}:{FIRST}:{COUNT}\n")
        self.go(self.cell(covers={"/etc/subgid": others}))
        others.write_text("other:100000:65536\n")
        self.stay(self.cell(covers={"/etc/subgid": others}), "gives tester no groups")
        done = self.caller(BINARY, "check", "--json", self.profile(), covers={"/etc/subgid": others})
        groups = json.loads(done.stdout)["profiles"][0]["cell"]["groups"]
        self.assertEqual(groups["mend"], "echo tester:165536:65536 | sudo tee -a /etc/subgid")

    def test_without_further_groups_newgidmap_is_not_asked(self):
        fails = self.fake('return 1;')
        for groups in [(), (USER,)]:
            with self.subTest(groups):
                cell = self.cell(groups=groups, covers=fails)
                self.assertEqual(self.groups_of(cell), [str(g) for g in groups])
                self.assertEqual(cell.finish(), 0)
                record, seal = self.start()
                self.assertEqual((record["notes"], seal["cell.setgroups"]), ([], "deny"))
        # The control: with them it is.
        self.stay(self.cell(covers=fails), "newgidmap failed")

    def test_the_spare_group_is_nobodys_in_the_cell(self):
        os.chown(self.secret, 0, SPARE)
        # The control: whoever has the group reads the file.
        read = subprocess.run(["cat", self.secret], user=USER, group=USER, extra_groups=[SPARE],
                              capture_output=True, check=False)
        self.assertEqual(read.stdout, b"for the keepers\n")
        cell = self.cell()
        self.assertEqual(cell.attempt(f"read:{self.secret}")["errno"], "EACCES")
        for name in ["setgid-1", "setresgid-0", "setgroups", "setgroups-none"]:
            self.assertEqual(cell.attempt(name)["outcome"], "refused", name)


class Mappers(Groups):
    def test_a_newgidmap_that_fails_is_quoted(self):
        covers = self.fake('fprintf(stderr, "newgidmap: no \\033[1mluck\\nmore\\n"); return 1;')
        self.stay(self.cell(covers=covers), "newgidmap failed: no ?[1mluck")
        profile = self.profile(user={"groups": "drop"})
        for verb in ["run", "verify"]:
            done = self.caller(BINARY, verb, profile, covers=covers)
            self.assertEqual(done.returncode, 125 if verb == "run" else 2, done)
            self.assertIn(b"supplementary groups keepers (61900), 61901: newgidmap failed: no ?[1mluck",
                          done.stderr)

    def test_it_gets_no_environment_and_no_descriptors(self):
        covers = self.fake('int n = 0, all = 0; while (environ[n]) n++;'
                           'for (int fd = 0; fd < 4096; fd++) all += fcntl(fd, F_GETFD) != -1;'
                           'char here[99]; fprintf(stderr, "%d %d %s %s", n, all, words[0], '
                           'getcwd(here, 99)); return 1;')
        self.stay(self.cell(covers=covers), "newgidmap failed: 0 3 newgidmap /")

    def test_one_that_lies_hangs_or_floods_is_not_believed(self):
        for body, said in [('return 0;', "newgidmap did not map the groups"),
                           ('for (int n = 0; n < 100000; n++) fputs("word ", stderr); return 3;',
                            "newgidmap failed: word word"),
                           ('close(2); for (;;) pause();', "did not end within 5 s")]:
            with self.subTest(said):
                self.stay(self.cell(covers=self.fake(body)), said)
        left = subprocess.run(["ps", "-u", str(USER), "-o", "args="], capture_output=True, check=False)
        self.assertNotIn(b"newgidmap", left.stdout)

    def test_one_that_others_could_have_put_there_is_not_run(self):
        covers = self.fake('return 1;')
        program = covers[NEWGIDMAP]
        for owner, mode, said in [(USER, 0o755, "does not belong to root"),
                                  (0, 0o775, "others can write"), (0, 0o757, "others can write")]:
            with self.subTest(said):
                os.chown(program, owner, 0)
                program.chmod(mode)
                self.stay(self.cell(covers=covers), said)
        # Nor one of the caller's PATH.
        program.rename(self.home / "newgidmap")
        self.stay(self.cell(covers={NEWGIDMAP: "/dev/null"}), "it is no file")


class Words(Groups):
    def test_check_points_out_what_is_open_by_a_group_alone(self):
        profile = self.profile(read=[self.secret])
        said = f'only the group keepers ({KEEPERS}) may read "{self.secret}", and the server does not'
        done = self.caller(BINARY, "check", profile)
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stdout.decode(), rf"{profile}:5:\d+: warning: ")
        self.assertIn(said, done.stdout.decode())
        kept = self.caller(BINARY, "check", profile, covers={"/etc/subgid": "/dev/null"})
        self.assertIn(f'only the group keepers ({KEEPERS}), which the server keeps here, lets it read '
                      f'"{self.secret}"', kept.stdout.decode())
        self.assertIn("note         the server keeps the caller's supplementary groups keepers "
                      f"({KEEPERS}), {OTHERS}: /etc/subgid gives tester no groups", kept.stdout.decode())
        answer = json.loads(self.caller(BINARY, "check", "--json", profile).stdout)
        self.assertEqual(answer["profiles"][0]["cell"]["groups"], {
            "fate": "dropped", "because": None, "mend": None,
            "groups": [{"group": KEEPERS, "name": "keepers"}, {"group": OTHERS, "name": None}]})
        # The controls: others may read it, the caller owns it, or its own group may read it.
        for change in [lambda: self.secret.chmod(0o644),
                       lambda: (self.secret.chmod(0o640), os.chown(self.secret, USER, KEEPERS)),
                       lambda: os.chown(self.secret, 0, USER)]:
            change()
            self.assertNotIn(b"only the group", self.caller(BINARY, "check", profile).stdout)

    def test_check_believes_a_trial_and_no_file(self):
        done = self.caller(BINARY, "check", self.profile(), covers=self.fake("return 0;"))
        self.assertIn(b"note         the server keeps the caller's supplementary groups", done.stdout)
        self.assertIn(b"newgidmap did not map the groups", done.stdout)

    def test_verify_shows_whether_they_are_gone(self):
        answer = json.loads(self.caller(BINARY, "verify", "--json", self.profile()).stdout)
        checks = {c["name"]: c for c in answer["checks"]}
        self.assertEqual((answer["held"], checks["no supplementary groups"]["control"]), (True, "done"))
        covers = {"/etc/subgid": "/dev/null"}
        answer = json.loads(self.caller(BINARY, "verify", "--json", self.profile(), covers=covers).stdout)
        self.assertNotIn("no supplementary groups", {c["name"] for c in answer["checks"]})
        notes = [n for n in answer["notes"] if f"keepers ({KEEPERS}), {OTHERS}" in n]
        self.assertEqual(len(notes), 1, answer["notes"])
        self.assertIn("sudo tee -a /etc/subgid", notes[0])


class TheDoctor(Groups):
    def test_it_says_whether_groups_can_be_dropped_and_what_mends_it(self):
        def finding(**options):
            done = self.caller(BINARY, "doctor", "--json", **options)
            return {c["name"]: c for c in json.loads(done.stdout)["controls"]}["group-mapping"]
        can = finding()
        self.assertEqual((can["works"], can["levels"], can["mend"]), (True, [], None))
        self.assertEqual(can["detail"], f"keepers ({KEEPERS}), {OTHERS} can be dropped, by {NEWGIDMAP}")
        cannot = finding(covers={"/etc/subgid": "/dev/null"})
        self.assertEqual(cannot["detail"], f"keepers ({KEEPERS}), {OTHERS} stay: /etc/subgid gives "
                         "tester no groups")
        self.assertEqual(cannot["mend"], "echo tester:100000:65536 | sudo tee -a /etc/subgid")
        lies = finding(covers=self.fake("return 0;"))
        self.assertIn("newgidmap did not map the groups", lies["detail"])
        self.assertEqual(finding(groups=())["detail"], "the caller has none")


class Mutation(Groups):
    def test_groups_that_were_mapped_and_not_dropped_are_noticed(self):
        need(self, os.path.exists(SKIPPING), "the build that can leave out steps: make skipping")
        self.go(self.cell(binary=SKIPPING))
        skip = ["env", "ANCHORHOLD_SKIP_STEP=CALLER_GROUPS", SKIPPING]
        done = self.caller(*skip, "run", self.profile(read=[self.secret]))
        self.assertEqual(done.returncode, 125)
        self.assertIn(b'not as planned: server.groups should be ""', done.stderr)
        done = self.caller(*skip, "verify", "--json", self.profile())
        self.assertEqual(done.returncode, 1)
        broken = {c["name"] for c in json.loads(done.stdout)["checks"]
                  if not c["held"] and c["control"] != "absent"}
        self.assertEqual(broken, {"no supplementary groups"})


if __name__ == "__main__":
    unittest.main()

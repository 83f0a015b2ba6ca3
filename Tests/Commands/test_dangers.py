"""Grants that could open more than they say: refused, or said twice and recorded."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import unittest
import uuid

from harness import LEVEL, PROBE, ROOT, Case, need


class DangerousGrants(Case):
    WHY = "the test looks at it"

    def meant(self, path):
        return {"path": str(path), "dangerous": True, "reason": self.WHY}

    def refused(self, *words, **filesystem):
        """The profile is refused by run and by check, with these words; the hint's is returned."""
        profile = self.profile(filesystem=filesystem)
        ran = self.anchorhold("run", profile)
        checked = self.anchorhold("check", profile)
        self.assertEqual((ran.returncode, checked.returncode), (125, 1), ran.stderr)
        for said in (ran.stderr.decode(), checked.stdout.decode()):
            for word in words:
                self.assertIn(word, said)
        return ran.stderr.decode()

    def granted(self, **filesystem):
        peer = self.run_cell(self.profile(filesystem=filesystem))
        peer.initialize()
        return peer

    def test_the_kernels_interfaces_are_read_only_with_a_reason(self):
        place = "/sys/kernel"
        said = self.refused("it shows the kernel's own interfaces", read=[place])
        self.assertIn('write {path: "/sys/kernel", dangerous: true, reason: WHY}', said)
        cell = self.granted(read=[self.meant(place)])
        self.assertEqual(cell.attempt(f"list:{place}")["outcome"], "done")
        # Nothing there is written, not even where root could.
        outside = self.outside(f"may-write:{place}/uevent_helper", f"list:{place}")
        self.assertEqual(outside[f"list:{place}"]["outcome"], "done")
        self.assertEqual(cell.attempt(f"may-write:{place}/uevent_helper")["outcome"], "refused")
        self.assertEqual(cell.attempt("list:/sys")["outcome"], "refused")
        cell.finish()
        start = next(r for r in self.records() if r["kind"] == "session-start")
        self.assertEqual(start["dangerous"], [{
            "path": place, "access": "read", "why": "it shows the kernel's own interfaces",
            "reason": self.WHY, "line": start["dangerous"][0]["line"]}])
        self.refused("nothing below /sys can be granted for writing", write=[self.meant(place)])

    def test_check_lists_them_with_their_reasons_and_points_out_the_needless(self):
        here = self.shared_directory("plain")
        profile = self.profile(filesystem={"read": [self.meant("/sys/kernel"), self.meant(here)]})
        done = self.anchorhold("check", profile)
        said = done.stdout.decode()
        self.assertEqual(done.returncode, 0, said)
        self.assertRegex(said, r'(?m)^  dangerous    "/sys/kernel" \(read, line \d+\): it shows the '
                               rf"kernel's own interfaces; wanted because: \"{self.WHY}\"$")
        self.assertIn(f'warning: "{here}" is called dangerous and is not', said)
        answer = json.loads(self.anchorhold("check", "--json", profile).stdout)
        self.assertEqual([d["reason"] for d in answer["profiles"][0]["cell"]["dangerous"]],
                         [self.WHY])

    def test_no_reason_opens_what_the_cell_has_of_its_own(self):
        # At level container there is no home of the server's own.
        for path in ["/proc", "/proc/1", "/dev", "/dev/null", "/tmp", *([] if LEVEL else ["/home"])]:
            self.refused("cannot grant", read=[self.meant(path)])
            # The profile lies below /tmp, which is said first.
            self.refused("could write its own profile" if path == "/tmp" else "cannot grant",
                         write=[self.meant(path)])
        self.refused("names the whole file system", read=[self.meant("/")])

    def test_a_reason_and_the_word_stand_together(self):
        self.refused("a dangerous path has no reason",
                     read=[{"path": "/sys/kernel", "dangerous": True}])
        self.refused("a reason stands beside dangerous: true only",
                     read=[{"path": "/sys/kernel", "reason": self.WHY}])

    def test_a_link_and_a_variable_lead_to_the_same_refusal(self):
        link = self.shared_directory("links") / "link"
        link.symlink_to("/sys/kernel")
        self.refused("which leads to /sys/kernel", read=[str(link)])
        profile = self.profile(variables={"place": {"type": "directory", "required": True}},
                               filesystem={"read": ["${place}"]})
        done = self.anchorhold("run", profile, "--set", f"place={link}")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"which leads to /sys/kernel", done.stderr)
        # Said twice, the plan says where it leads.
        checked = self.anchorhold("check", self.profile(filesystem={"read": [self.meant(link)]}))
        self.assertIn(f"note         {link} leads to /sys/kernel", checked.stdout.decode())

    def test_a_link_in_a_grant_is_resolved_and_said_in_check_and_record(self):
        here = self.shared_directory("tree")
        (here / "real").mkdir()
        (here / "real").chmod(0o755)
        (here / "link").symlink_to("real")
        profile = self.profile(read=[here / "link"])
        words = f"{here}/link leads to {here}/real"
        self.assertIn(f"  note         {words}\n", self.anchorhold("check", profile).stdout.decode())
        cell = self.run_cell(profile)
        cell.initialize()
        self.assertEqual(cell.attempt(f"list:{here}/link")["outcome"], "done")
        cell.finish()
        start = next(r for r in self.records() if r["kind"] == "session-start")
        self.assertIn(words, start["notes"])
        self.assertIn(f"{here}/real", [g["path"] for g in start["grants"]])

    def test_what_holds_the_record_is_read_with_a_reason_and_never_written(self):
        if ROOT:
            self.skipTest("an ordinary user, whose record the server's user may read")
        self.state.mkdir()
        self.refused("it would let the server read", read=[str(self.state)])
        cell = self.granted(read=[self.meant(self.state)])
        self.assertEqual(cell.attempt(f"list:{self.audit_directory}")["outcome"], "done")
        record = self.record_files()[0]
        self.assertEqual(self.outside(f"may-write:{record}")[f"may-write:{record}"]["outcome"],
                         "done")
        # Without a mount the name says that its owner may; writing is refused all the same.
        way = "write" if LEVEL else "may-write"
        self.assertEqual(cell.attempt(f"{way}:{record}")["outcome"], "refused")
        self.refused("it would let the server reach", write=[self.meant(self.state)])
        self.refused("could write its own profile", write=[self.meant(self.directory)])

    def test_nothing_grants_writing_where_profiles_are_found(self):
        config = self.home / ".config"
        (config / "anchorhold/profiles").mkdir(parents=True)
        for place in [config, config / "anchorhold/profiles"]:
            said = self.refused("cannot grant", write=[self.meant(place)])
            self.assertIn(f"it would let the server write profiles in {config}", said)
        # What is protected keeps the server from there: .config is, in a home.
        work = self.shared_directory("work")
        (work / "config/anchorhold/profiles").mkdir(parents=True)
        environment = {**self.environment, "XDG_CONFIG_HOME": str(work / "config")}
        open_ = self.profile(filesystem={"write": [str(work)]})
        done = self.anchorhold("check", open_, env=environment)
        self.assertIn(b"it would let the server write profiles in", done.stdout)
        if not LEVEL:
            kept = self.profile(filesystem={"write": [str(work)],
                                            "protect": [str(work / "config")]})
            self.assertEqual(self.anchorhold("check", kept, env=environment).returncode, 0)
        # The control: reading gives no profile away that is not the session's own.
        self.assertEqual(self.anchorhold("check", self.profile(read=[config])).returncode, 0)

    def test_package_caches_are_not_shared_writable_by_accident(self):
        cache = self.home / ".cache/uv"
        cache.mkdir(parents=True)
        for place in [cache, self.home / ".cache"]:
            self.refused("holds packages, and what one server puts there another one runs",
                         write=[str(place)])
            self.assertEqual(self.anchorhold("check", self.profile(read=[place])).returncode, 0)
        if ROOT:
            self.directory.chmod(0o755)
            self.home.chmod(0o755)
            (self.home / ".cache").chmod(0o755)
            cache.chmod(0o777)
        cell = self.granted(write=[self.meant(cache)])
        self.assertEqual(cell.attempt(f"write:{cache}/package")["outcome"], "done")


@unittest.skipUnless(ROOT, "root, who can make something in /run")
class RunOfTheHost(Case):
    def setUp(self):
        super().setUp()
        need(self, os.access("/run", os.W_OK), "a writable /run")
        self.place = pathlib.Path("/run") / f"anchorhold-test-{uuid.uuid4().hex[:10]}"
        self.place.mkdir()
        self.place.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)

    def test_a_part_of_it_is_granted_with_a_reason_and_its_sockets_stay_out_of_reach(self):
        (self.place / "state").write_text("state")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.place / "socket"))
        (self.place / "socket").chmod(0o777)
        listener.listen(4)
        connect = f"connect:unix:{self.place}/socket"
        self.assertEqual(self.outside(connect)[connect]["outcome"], "done")
        done = self.anchorhold("run", self.profile(read=[self.place]))
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"the host keeps its sockets and its running state there", done.stderr)
        # /var/run leads there, or is another such place.
        done = self.anchorhold("run", self.profile(read=[f"/var{self.place}"]))
        self.assertEqual(done.returncode, 125)
        cell = self.run_cell(self.profile(filesystem={"write": [
            {"path": str(self.place), "dangerous": True, "reason": "shared state"}]}))
        cell.initialize()
        self.assertEqual(cell.attempt(f"read:{self.place}/state")["detail"], "state")
        self.assertEqual(cell.attempt(f"stat:{self.place}/socket")["outcome"], "done")
        self.assertEqual(cell.attempt(connect)["outcome"], "refused")
        self.assertEqual(cell.attempt(f"write:{self.place}/new")["outcome"], "done")


class VariablesOfLoaders(Case):
    PLANTED = {
        "LD_DEBUG_OUTPUT": "/nowhere", "LD_BIND_NOW": "", "GLIBC_TUNABLES": "", "PYTHONPATH": "/x",
        "PYTHONSTARTUP": "/x", "NODE_OPTIONS": "--x", "NODE_PATH": "/x", "BASH_ENV": "/x",
        "ENV": "/x", "PERL5OPT": "-x", "PERL5LIB": "/x", "RUBYOPT": "-x", "RUBYLIB": "/x",
        "JAVA_TOOL_OPTIONS": "-x", "GIT_SSH_COMMAND": "x", "GIT_DIR": "/x", "EDITOR": "x",
        "DOTNET_STARTUP_HOOKS": "/x", "LUA_INIT": "x", "PHPRC": "/x", "npm_config_script_shell": "x",
        "TOKEN": "x",
    }

    def names(self, peer):
        return {line.split("=", 1)[0] for line in peer.attempt("env")["detail"].splitlines()}

    def test_none_of_the_callers_reaches_a_server_with_any_preset(self):
        environment = {**self.environment, **self.PLANTED}
        direct = self.peer([PROBE, "serve"], env=environment)
        self.assertLessEqual(set(self.PLANTED), self.names(direct))
        for preset in ["none", "static", "auto"]:
            cell = self.run_cell(self.profile(extends=preset), env=environment)
            cell.initialize()
            self.assertEqual(self.names(cell) & set(self.PLANTED), set(), preset)

    def test_the_profile_may_set_one_and_check_says_so(self):
        profile = self.profile(server={"command": [PROBE, "serve"], "environment": {
            "GIT_CONFIG_NOSYSTEM": "1", "PLAIN": "1"}})
        cell = self.run_cell(profile)
        cell.initialize()
        self.assertLessEqual({"GIT_CONFIG_NOSYSTEM", "PLAIN"}, self.names(cell))
        said = self.anchorhold("check", profile).stdout.decode()
        self.assertRegex(said, r"(?m)^  note         the profile sets GIT_CONFIG_NOSYSTEM \(line \d+\)")
        self.assertNotIn("sets PLAIN", said)

    def test_what_would_be_loaded_from_where_the_server_writes_is_refused(self):
        here = self.shared_directory("written")
        def profile(path):
            return self.profile(write=[here], server={
                "command": [PROBE, "serve"], "environment": {"LD_PRELOAD": str(path)}})
        # Where temporary space will be is not known before at level container.
        for path in [here / "x.so", *([] if LEVEL else ["/tmp/x.so", "/home/server/x.so"])]:
            done = self.anchorhold("run", profile(path))
            self.assertEqual(done.returncode, 125)
            self.assertIn(b"the server can write ", done.stderr)
            self.assertEqual(self.anchorhold("check", profile(path)).returncode, 1)
        self.assertEqual(self.anchorhold("check", profile("/usr/lib/x.so")).returncode, 0)

    def test_a_variable_as_long_as_exec_takes_passes_and_a_longer_one_is_refused(self):
        def profile(length):
            return self.profile(server={
                "command": [PROBE, "serve"], "environment": {"V": "x" * (length - 2)}})
        cell = self.run_cell(profile(131_071))
        cell.initialize()
        done = self.anchorhold("run", profile(131_072))
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"cannot set the variable V: 131072 bytes are more than 131071", done.stderr)
        # The control: so says exec itself.
        with self.assertRaises(OSError):
            subprocess.run(["true"], env={"V": "x" * 131_070})
        subprocess.run(["true"], env={"V": "x" * 131_069}, check=True)


if __name__ == "__main__":
    unittest.main()

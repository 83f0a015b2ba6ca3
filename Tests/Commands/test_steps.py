"""Each step of sealing, left out one at a time: the read-back has to notice (promise P1).

Uses a build of the same sources in which ANCHORHOLD_SKIP_STEP is honoured (`make skipping`).
"""

import os
import re

from harness import GROUPS, PATIENCE, ROOT, TOP, Case, Peer, can_be_had, level_full, need

SKIPPING = os.environ.get("ANCHORHOLD_SKIPPING", str(TOP / ".build/skipping/debug/anchorhold"))

# Steps that cannot be left out, because what follows has nothing to go on with.
ESSENTIAL = {
    "NONE": "not a step",
    "INIT": "without it there is no cell",
    "ROOT": "every later mount hangs on it",
    "LANDLOCK_RULES": "an empty ruleset is stricter, and LANDLOCK is the step that enforces",
    "SERVER": "without it there is no server",
    "WAIT": "it is how the read-back comes before exec",
    "EXECUTE": "without it there is no server",
}
# Steps that do something only for root, or only where the caller has something to lose.
ROOT_ONLY = {"CALLER_GROUPS", "CALLER_IDS", "GROUP_ID", "USER_ID", "PROPAGATION",
             "RELAY_BOUNDING", "RELAY_IDS", "RELAY_CAPABILITIES", "KEEPER_CAPABILITIES"}

# Steps that do something only where the caller has a control group: on the kernel of Tests/Kernels.
GROUP_ONLY = {"CGROUP", "CGROUP_LIMITS"}
# Steps of isolation level container, which test_container.py leaves out.
CONTAINER_ONLY = {"SUBREAPER", "CHILDREN", "SIGNAL_SCOPE"}

# Steps whose effect root gets by another one: a change of ids makes a process non-dumpable, too.
USER_ONLY = {"RELAY_DUMPABLE"}


# Steps that are taken only when the profile asks for them.
ASKED_FOR = {"WRITE_EXECUTE": {"hardening": {"write_execute": "deny"}},
             "SPECULATION": {"hardening": {"speculation": "mitigate"}}}


def steps():
    header = (TOP / "Sources/CLinux/include/cl_cell.h").read_text()
    return re.findall(r"^  STEP\((\w+),", header, re.M)


@level_full("steps")
class SkippedSteps(Case):
    def setUp(self):
        super().setUp()
        need(self, os.path.exists(SKIPPING), "the build that can leave out steps: make skipping")

    def start(self, step, skip=True):
        """A session without `step`, arranged so that the step would have had something to do."""
        environment = {**self.environment, "ANCHORHOLD_SKIP_STEP": step if skip else "NONE"}
        asked = dict(ASKED_FOR.get(step, {}))
        if step.startswith("KEEPER_"):
            # Places of protected names that are not there: these a keeper keeps at every level.
            asked["write"] = [self.shared_directory(f"tree-{step}-{skip}")]
        command = [SKIPPING, "run", str(self.profile(**asked))]
        options = {}
        if step == "CALLER_GROUPS":
            options["extra_groups"] = [27]
        if step == "RELAY_CAPABILITIES":
            # The only set that a change of ids leaves as the caller had it.
            command = ["setpriv", "--inh-caps", "+chown", *command]
        if step == "PROPAGATION":
            command = ["unshare", "--mount", "--propagation", "shared", *command]
        if step in ("GROUP_ID", "USER_ID"):
            # An ordinary user whose real ids are root's, as in a set-id program.
            self.directory.chmod(0o755)
            os.chown(self.home, 4321, 4321)
            environment["XDG_STATE_HOME"] = str(self.home)

            def become():
                os.setgroups([])
                os.setresgid(0, 4321, 4321)
                os.setresuid(0, 4321, 4321)
            options["preexec_fn"] = become
        peer = Peer(command, env=environment, **options)
        self.addCleanup(peer.end)
        return peer

    def test_the_same_build_seals_a_cell_when_nothing_is_left_out(self):
        peer = self.start("NONE")
        self.assertIn("probe", peer.initialize()["serverInfo"]["name"])
        self.assertEqual(peer.finish(), 0)

    def test_each_step_is_missed_when_it_is_left_out(self):
        for step in steps():
            if step in ESSENTIAL or step in CONTAINER_ONLY:
                continue
            if step in (USER_ONLY if ROOT else ROOT_ONLY) or step in GROUP_ONLY and not GROUPS:
                continue
            if not can_be_had(step):
                continue  # nothing to leave out here
            with self.subTest(step=step):
                # The control: the same arrangement with the step in its place.
                if step in ROOT_ONLY | set(ASKED_FOR) or step.startswith("KEEPER_"):
                    control = self.start(step, skip=False)
                    self.assertIn("serverInfo", control.initialize())
                    control.end()
                peer = self.start(step)
                try:
                    peer.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
                except BrokenPipeError:
                    pass
                status = peer.wait()
                for reader in peer.readers:
                    reader.join(PATIENCE)
                self.assertEqual(status, 125, peer.stderr)
                self.assertRegex(
                    peer.stderr.decode(), "error: (the cell is not as planned: relay[.]|cannot confine)"
                    if step.startswith("RELAY_")
                    else "error: (the cell is not as planned: places_keeper[.]|cannot keep )"
                    if step.startswith("KEEPER_")
                    else "error: (the cell is not as planned|cannot )")
                # Not a byte of the server reached the client.
                self.assertIsNone(peer.lines.get(timeout=PATIENCE))

    def test_the_list_of_essential_steps_is_not_a_way_out(self):
        self.assertLessEqual(set(ESSENTIAL), set(steps()))
        # None is named twice, and what nothing can be left out of is the few that it was.
        self.assertEqual(len(steps()), len(set(steps())))
        self.assertLess(len(ESSENTIAL) * 4, len(steps()))

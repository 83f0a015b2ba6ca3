"""What `doctor` says where something is missing: each wall is taken away once."""

import json
import shutil
import subprocess
import unittest

from harness import BINARY, PATIENCE, Case, need

UNSHARE = shutil.which("unshare")


def trial(*wrapper):
    """The doctor's findings under `wrapper`, by name, and its exit status."""
    done = subprocess.run([*wrapper, BINARY, "doctor", "--json"], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)
    answer = json.loads(done.stdout)
    return {control["name"]: control for control in answer["controls"]}, answer, done.returncode


ORDINARY = [UNSHARE, "-U", "--map-user=1000", "--map-group=1000", "--keep-caps"]


def works_here():
    if UNSHARE is None:
        return False
    return subprocess.run([*ORDINARY, "true"],
                          capture_output=True).returncode == 0


class Doctor(Case):
    def setUp(self):
        super().setUp()
        need(self, works_here(), "unshare and user namespaces")

    def test_all_is_well_here(self):
        found, answer, status = trial()
        missing = [name for name, control in found.items()
                   if control["required"] and not control["works"]]
        need(self, not missing, f"this machine allows {missing}")
        self.assertEqual((status, answer["full"]), (0, True))
        inside, _, status = trial(*ORDINARY)
        self.assertEqual((status, inside["mount-in-namespace"]["works"]), (0, True))
        self.assertTrue(all(c["mend"] is None for c in found.values() if c["works"]))

    def test_no_user_namespaces(self):
        shell = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"'
        found, answer, status = trial(*ORDINARY, "sh", "-c", shell)
        self.assertEqual((status, answer["full"]), (1, False))
        broken = found["user-namespace"]
        self.assertFalse(broken["works"])
        # ENOSPC: the limit, and not a namespace that could not be made anyway.
        self.assertEqual(broken["detail"], "cannot make the namespace: No space left on device")
        self.assertIn("user.max_user_namespaces", broken["mend"])
        # What has nothing to do with it still works.
        self.assertTrue(found["seccomp"]["works"])

    def test_a_covered_proc(self):
        shell = 'mount -t tmpfs none /proc/scsi 2>/dev/null || mount -t tmpfs none /proc/tty; ' \
                'exec "$0" "$@"'
        found, _, status = trial(*ORDINARY, "-m", "sh", "-c", shell)
        self.assertEqual(status, 1)
        self.assertFalse(found["proc-mount"]["works"])
        self.assertIn("/proc", found["proc-mount"]["mend"])
        self.assertTrue(found["user-namespace"]["works"])


if __name__ == "__main__":
    unittest.main()

"""Names that lead somewhere else from one moment to the next, exchanged by a second process."""

import json
import re
import subprocess
import unittest

from harness import LEVEL, PATIENCE, PROBE, Case, level_full


class Races(Case):
    def counts(self, answer):
        """{"inside": …, "beyond": …, "failed": …} of a race that took place."""
        counts = {word: int(number) for number, word in
                  re.findall(r"(\d+) (\w+)", answer["detail"])}
        self.assertGreater(sum(counts.values()), 100, answer)
        return counts

    def test_a_link_that_takes_the_place_of_a_directory_leads_nowhere(self):
        here, beyond = self.shared_directory("granted"), self.shared_directory("beyond")
        (beyond / "file").write_text("secret")
        def prepare(name):
            # The server's user has to be able to exchange them: where nobody's bit says no.
            place = here / name
            place.mkdir()
            (place / "one").mkdir()
            (place / "one/file").write_text("inside")
            (place / "other").symlink_to(beyond)
            place.chmod(0o777)
            (place / "one").chmod(0o777)
            return f"race:{place}/one:{place}/other:file"
        name = prepare("outside")
        outside = self.outside(name)[name]
        self.assertEqual(outside["outcome"], "done")
        counts = self.counts(outside)
        self.assertGreater(min(counts["inside"], counts["beyond"]), 0, outside)
        cell = self.session(write=[here])
        answer = cell.attempt(prepare("inside"))
        self.assertEqual(answer["outcome"], "refused", answer)
        counts = self.counts(answer)
        self.assertEqual(counts["beyond"], 0)
        # The race took place: now the directory, now the link, which leads nowhere in the cell.
        self.assertGreater(min(counts["inside"], counts["failed"]), 0, answer)

    def test_a_link_of_its_own_cannot_win_either(self):
        beyond = self.shared_directory("beyond")
        (beyond / "file").write_text("secret")
        name = f"race-link:{beyond}/file"
        self.assertEqual(self.outside_in(name)["outcome"], "done")
        # At level container a server without a workdir starts in its temporary space.
        answer = self.session(server={} if LEVEL else {"workdir": "/tmp"}).attempt(name)
        self.assertEqual((answer["outcome"], self.counts(answer)["beyond"]), ("refused", 0), answer)

    def outside_in(self, name):
        """The attempt in a directory of this test's own."""
        done = subprocess.run([PROBE, "try", name], cwd=self.shared_directory("own"),
                              capture_output=True, check=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    @level_full("taking away")
    def test_what_is_hidden_cannot_be_exchanged_into_sight(self):
        here = self.shared_directory("granted")
        for name, text in [("hidden", "secret"), ("other", "inside")]:
            (here / name).mkdir()
            (here / name).chmod(0o777)
            (here / name / "file").write_text(text)
        name = f"race:{here}/hidden:{here}/other:file"
        outside = self.outside(name)[name]
        self.assertEqual(outside["outcome"], "done", outside)
        # Put back what the exchange may have left the wrong way round.
        (here / "hidden/file").write_text("secret")
        (here / "other/file").write_text("inside")
        cell = self.session(write=[here], hide=[here / "hidden"])
        answer = cell.attempt(name)
        counts = self.counts(answer)
        self.assertEqual((answer["outcome"], counts["beyond"]), ("refused", 0), answer)
        self.assertGreater(min(counts["inside"], counts["failed"]), 50, answer)
        # Neither name was moved.
        self.assertEqual((here / "hidden/file").read_text(), "secret")

    @level_full("taking away")
    def test_what_is_protected_cannot_be_exchanged_away(self):
        here = self.shared_directory("granted")
        for name in ["kept", "other"]:
            (here / "sub" / name).mkdir(parents=True)
            (here / "sub" / name / "file").write_text("inside" if name == "kept" else "planted")
        for path in [here / "sub", *here.glob("sub/*")]:
            path.chmod(0o777)
        name = f"race:{here}/sub/kept:{here}/sub/other:file"
        self.assertEqual(self.outside(name)[name]["outcome"], "done")
        kept = (here / "sub/kept/file").read_text()
        cell = self.session(write=[here], filesystem={
            "write": [str(here)], "protect": [str(here / "sub/kept")]})
        for one, other in [("sub/kept", "sub/other"), ("sub", "loose")]:
            (here / "loose/kept").mkdir(parents=True, exist_ok=True)
            (here / "loose").chmod(0o777)
            cell.attempt(f"race:{here}/{one}:{here}/{other}:file")
            self.assertEqual((here / "sub/kept/file").read_text(), kept)


if __name__ == "__main__":
    unittest.main()

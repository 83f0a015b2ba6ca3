"""Names that lead somewhere else from one moment to the next, exchanged by a second process."""

import json
import re
import shutil
import subprocess
import unittest

from harness import LEVEL, PATIENCE, PROBE, Case, level_full, until


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
        races = [("sub/kept", "sub/other", "file"), ("sub", "loose", "kept/file")]

        def prepare():
            for name in ["sub", "loose"]:
                shutil.rmtree(here / name, ignore_errors=True)
            for name, text in [("sub/kept", "inside"), ("sub/other", "planted"),
                               ("loose/kept", "planted")]:
                (here / name).mkdir(parents=True)
                (here / name).chmod(0o777)
                (here / name).parent.chmod(0o777)
                (here / name / "file").write_text(text)

        def attempt(one, other, file):
            return f"race:{here}/{one}:{here}/{other}:{file}"

        # The control: outside either exchange takes what is protected away, whichever was last.
        for race in races:
            def is_exchanged():
                prepare()
                self.counts(self.outside(attempt(*race))[attempt(*race)])
                return (here / "sub/kept/file").read_text() == "planted"
            self.assertTrue(until(is_exchanged), race)
        prepare()
        cell = self.session(write=[here], filesystem={
            "write": [str(here)], "protect": [str(here / "sub/kept")]})
        for race in races:
            for _ in range(4):
                # The first name never shows what the other one has, and the second always does.
                counts = self.counts(cell.attempt(attempt(*race)))
                self.assertEqual(counts["failed"], 0, counts)
                self.assertLessEqual(abs(counts["inside"] - counts["beyond"]), 1, counts)
                self.assertEqual((here / "sub/kept/file").read_text(), "inside")


if __name__ == "__main__":
    unittest.main()

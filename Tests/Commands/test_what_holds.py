"""docs/what-holds.md is what Tests/what-holds makes of the results that are kept beside it."""

import collections
import importlib.machinery
import importlib.util
import json
import re
import subprocess

from harness import PATIENCE, SLOWLY, TOP, Case
from test_verify import CLASSES


def script():
    loader = importlib.machinery.SourceFileLoader("what_holds", str(TOP / "Tests/what-holds"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("what_holds", loader))
    loader.exec_module(module)
    return module


class WhatHoldsWhere(Case):
    def test_the_page_is_made_of_the_results(self):
        module = script()
        self.assertEqual(module.PAGE.read_text(), module.page(module.load()))

    def test_each_environment_has_both_levels_and_nothing_is_open(self):
        module = script()
        results = {(r["environment"], r["level"]): r for r in module.load()}
        for name in module.environments():
            for level in module.LEVELS:
                self.assertIn((name, level), results)
        for key, result in results.items():
            self.assertTrue(result["kernel"] and result["who"], key)
            if result["refused"]:
                continue
            self.assertEqual(set(result["classes"]), CLASSES, key)
            for name, row in [*result["classes"].items(), ("seal", result["seal"])]:
                self.assertEqual(row["open"], 0, (key, name))
        for name in module.environments():
            self.assertIsNone(results[name, "container"]["refused"], name)
            self.assertEqual(results[name, "full"]["refused"] is not None,
                             name.startswith("podman"), name)

    def test_the_results_are_of_the_checks_that_there_are(self):
        # Those that are the same for every profile, by class: results of fewer are older than they.
        table = (TOP / "Sources/CProbe/checks.c").read_text()
        listed = collections.Counter(re.findall(r'^  \{"([^"]+)", "', table, re.M))
        self.assertEqual(sum(listed.values()), len(re.findall(r"^  \{\"", table, re.M)))
        done = self.anchorhold("verify", "--json", *SLOWLY, self.profile(), timeout=6 * PATIENCE)
        fresh = collections.Counter(c["class"] for c in json.loads(done.stdout)["checks"])
        self.assertEqual(set(fresh), CLASSES)
        for result in script().load():
            if result["refused"] or result["level"] != "full":
                continue
            for name, row in result["classes"].items():
                # Of what follows from the plan a machine may have less than this one.
                self.assertGreaterEqual(sum(row.values()), listed[name], (result["environment"], name))
                self.assertGreaterEqual(fresh[name], listed[name], name)

    def test_a_result_from_elsewhere_becomes_a_column(self):
        module = script()
        check = {"name": "n", "class": "mounts", "control": "done", "promised": True, "held": True,
                 "detail": ""}
        more = [
            {"environment": "elsewhere", "level": "full", "kernel": "6.1.0", "who": "root",
             "refused": None, "verify": {"checks": [check, {**check, "held": False}],
                                         "seal": {"comparisons": 3, "broken": ["x"]}}},
            {"environment": "elsewhere", "level": "container", "kernel": "6.1.0", "who": "root",
             "refused": "needs Landlock version 3", "verify": None},
        ]
        paths = []
        for number, result in enumerate(more):
            paths.append(self.directory / f"{number}.json")
            paths[-1].write_text(json.dumps(result))
        results = module.keep(module.load(), [json.loads(p.read_text()) for p in paths])
        text = module.page(results)
        self.assertIn("refused, status 125 of `run`: needs Landlock version 3", text)
        self.assertIn("**1 of 2**", text)
        self.assertIn("**does not hold**", text)
        again = module.keep(results, more)
        self.assertEqual(again, results)

    def test_an_unknown_environment_is_an_error(self):
        done = subprocess.run([TOP / "Tests/what-holds", "nowhere"], capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no such environment: nowhere", done.stderr)

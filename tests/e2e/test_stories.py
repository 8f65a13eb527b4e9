#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do stories of tests/scenario come out on real processes too? A fixed share of them; `./dev stories --on processes`
plays every one that real processes can do."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIO = os.path.join(HERE, "..", "scenario")
BUILD = os.environ.get("GJ_BUILD_DIR", os.path.join(HERE, "..", "..", "build"))
SHARE = ("coordinator_dies_with_its_commit", "interrupted_and_asked_again",
         "missing_witness", "participant_dies_half_prepared", "participant_dies_unacknowledged",
         "resolved_by_hand_and_right", "reversal_overtakes_its_settlement", "restored_from_yesterdays_backup",
         "two_clients_and_no_cash", "unbind_during_a_draw")


def stories(*arguments):
    return subprocess.run([sys.executable, os.path.join(SCENARIO, "stories.py"), "--on", "processes", "--bin",
                           os.path.join(BUILD, "bin"), "--work", os.path.join(BUILD, "stories"), *arguments],
                          capture_output=True, text=True, timeout=500)


class Stories(unittest.TestCase):
    def test_a_share_of_them(self):
        done = stories(*SHARE)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("%d stories came out on processes, 0 did not, 0 are" % len(SHARE), done.stdout)

    def test_a_wrong_expectation_fails_here_too(self):
        done = stories(os.path.join(SCENARIO, "broken", "wrong_amount.story"))
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("wang has 430.00, after", done.stdout)

    def test_what_they_cannot_do_is_said(self):
        done = stories("lost_commit")
        self.assertIn("only the simulator can: lost_commit: line 7: lose next commit from care to east", done.stdout)


if __name__ == "__main__":
    unittest.main()

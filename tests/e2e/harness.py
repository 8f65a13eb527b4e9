# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: three real nodes, and the end conditions that every story must meet.

The nodes, keys and people are those of the trial (tests/trial); all people are generated."""
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trial"))

import rehearsal  # noqa: E402
from check import compare_books  # noqa: E402
from report import Report  # noqa: E402
from story import Story  # noqa: E402
from province import wait_until  # noqa: E402

BUILD = os.environ.get("GJ_BUILD_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build"))


class ThreeNodes(unittest.TestCase):
    """Each test has its own three provinces in its own folder."""

    def setUp(self):
        folder = os.path.join(BUILD, "e2e", self.id().split(".")[-1])
        self.provinces = self.prepare(folder)
        self.by_name = {province.name: province for province in self.provinces}
        self.zj, self.jx, self.he = (self.by_name[name] for name in ("330000", "360000", "130000"))
        self.addCleanup(self.stop_all)
        rehearsal.start(self.provinces)
        self.report = Report(quiet=True)
        self.story = Story(self.by_name, self.report)
        self.story.cast()

    def prepare(self, folder):
        return rehearsal.prepare(os.path.join(BUILD, "bin"), folder)

    def stop_all(self):
        """No node may have ended but by our hand, nor may a sanitizer have spoken."""
        for province in self.provinces:
            province.stop()
        for province in self.provinces:
            self.assertIn(province.process.returncode, (0, -signal.SIGKILL), province.path("node.log"))
            with open(province.path("node.log"), encoding="utf-8") as log:
                self.assertNotRegex(log.read(), "Sanitizer|runtime error:", province.path("node.log"))

    def bind_cast(self):
        """Patient in Zhejiang, payers in Jiangxi and Zhejiang, as in the trial."""
        for payer, relation in ((self.story.payer_jx, "parent"), (self.story.payer_zj, "sibling")):
            answer = self.story.bind(self.zj, payer, self.story.patient, relation)
            self.assertEqual(200, answer.status, answer.body)

    def bill(self, amount, **extra):
        """A bill of the patient in Hebei that agrees to pay at most all of it in cash."""
        return self.story.bill(self.he, "130200", self.story.patient, amount, expected_psn_cash_pay="%.2f" % amount,
                               **extra)

    def final_answer(self, province, path, body, seconds=60):
        """Sends the same message until its outcome is final, as a hospital's system does after a time-out.

        A 503 may be either: nothing was taken (busy, starting), or refused for good because a home could not be
        reached. The request's own record says which."""
        record = "/v1/requests/%s/%s" % (body["sender"], body["msgid"])

        def ask():
            try:
                answer = province.api.post(path, body)
                if answer.status == 202:
                    return None
                if answer.status < 500 or province.api.get(record).body.get("state") == "refused":
                    return answer
            except OSError:
                pass
            return None
        return wait_until(ask, seconds, "%s has a final answer" % body["msgid"])

    def assert_all_is_well(self):
        """Everything decided, every book balanced, both ends of every leg equal."""
        def all_is_decided():
            for province in self.provinces:
                if province.api.transactions("PREPARED") or province.api.transactions("BEGUN"):
                    return False
                if province.api.transactions("COMMITTED") and any(
                        line["role"] == "coordinator" for line in province.api.transactions("COMMITTED")):
                    return False
            return True
        wait_until(all_is_decided, 90, "every transaction is decided and acknowledged")
        compare_books(self.provinces, self.report)
        self.assertEqual([], [row for row in self.report.rows if not row["ok"]])

    def metric(self, province, name):
        """Sum of a counter over its labels."""
        total = 0
        for line in province.api.get("/metrics").body["text"].splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                total += float(line.rsplit(" ", 1)[1])
        return total

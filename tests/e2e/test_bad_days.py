#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad days on real nodes: a province that is down, one that hangs with a backlog, a wrong clock, a store put back
from a copy, a stop in the middle of work, a configuration with a mistake."""
import glob
import os
import re
import shutil
import signal
import subprocess
import threading
import unittest
from decimal import Decimal

from harness import ThreeNodes, wait_until

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)


def preload(program, library):
    """What LD_PRELOAD takes so that |program| runs with |library|: a sanitizer's runtime must stand first."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return " ".join(re.findall(r"\S+ => (/\S*/lib[at]san\.so\S*)", linked) + [library])


class BadDays(ThreeNodes):
    def settle(self, amount, **extra):
        return self.he.api.post("/v1/settlements", self.bill(Decimal(amount), **extra))

    def test_a_province_is_down_for_a_while(self):
        self.bind_cast()
        self.jx.kill()
        own = Decimal(self.story.patient["prior"])
        degraded = self.settle(own + 30)
        self.assertEqual(200, degraded.status, degraded.body)
        results = {line["result"] for line in degraded.body["explain"]}
        self.assertIn("unreachable", results)
        self.zj.kill()
        refused = self.settle("20.00")
        self.assertEqual((503, "HOME_UNREACHABLE"), (refused.status, refused.body["code"]))
        for province in (self.zj, self.jx):
            province.start()
        for province in (self.zj, self.jx):
            province.wait_open()
        wait_until(lambda: self.settle("7.00").ok, 20, "settlements work again")
        self.assert_all_is_well()

    def test_a_province_hangs_and_a_backlog_builds_up(self):
        """Every client gets an answer; nothing is paid twice when the backlog is worked off."""
        self.bind_cast()
        bills = [self.bill(Decimal("1.00")) for _ in range(60)]
        answers = {}

        def client(bill):
            answers[bill["msgid"]] = self.he.api.post("/v1/settlements", bill)
        self.zj.freeze()
        threads = [threading.Thread(target=client, args=(bill,)) for bill in bills]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.zj.thaw()
        self.assertEqual({503}, {answer.status for answer in answers.values()})
        self.assertEqual({"HOME_UNREACHABLE"}, {answer.body["code"] for answer in answers.values()})
        wait_until(lambda: self.settle("2.00").ok, 20, "settlements work again")
        self.assert_all_is_well()

    @unittest.skipUnless(FAKETIME, "libfaketime is not installed")
    def test_a_clock_an_hour_ahead_is_refused_and_shown(self):
        self.jx.stop()
        node = os.path.join(self.jx.programs, "gongjid")
        self.jx.start({"LD_PRELOAD": preload(node, FAKETIME), "FAKETIME": "+1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

        def skew_is_shown():
            peers = self.he.api.get("/v1/node").body["peers"]
            skew = next(peer["clock_skew_ms"] for peer in peers if peer["node"] == "360000")
            return 3500000 < skew < 3700000
        wait_until(skew_is_shown, 20, "Hebei shows the skew")
        answer = self.story.bind(self.zj, self.story.payer_jx, self.story.patient, "parent")
        self.assertEqual(503, answer.status, answer.body)
        self.jx.stop()
        self.jx.start()
        # Epochs only grow, so the next one is still after the wrong hour; the peers hear it all the same.
        self.jx.wait_open()
        self.bind_cast()
        self.assertTrue(self.settle("3.00").ok)
        self.assert_all_is_well()

    def copy_store(self, province):
        province.stop()
        shutil.copy(province.path("gongji.db"), province.path("yesterday.db"))
        province.start()
        province.wait_open()

    def put_back(self, province):
        province.kill()
        for name in glob.glob(province.path("gongji.db*")):
            if not name.endswith(".lock"):
                os.remove(name)
        shutil.copy(province.path("yesterday.db"), province.path("gongji.db"))

    def wait_healed(self, province):
        """It has found its loss by itself, has it back, and works again."""
        def is_healed():
            with open(province.path("node.log"), encoding="utf-8") as log:
                return "resync_done" in log.read()
        wait_until(is_healed, 30, "it has healed")
        province.wait_open()

    def test_a_payers_store_put_back_from_a_copy_heals(self):
        """At once, so that it may take the epoch again that its lost life had: it leaves that by itself."""
        self.bind_cast()
        self.copy_store(self.jx)
        own = Decimal(self.story.patient["prior"])
        self.assertTrue(self.settle(own + 25).ok)
        self.put_back(self.jx)
        self.jx.start()
        self.wait_healed(self.jx)
        wait_until(lambda: self.settle("7.00").ok, 20, "settlements work again")
        self.assert_all_is_well()

    def test_the_place_of_care_forgets_a_day_and_its_client_asks_again(self):
        self.bind_cast()
        self.copy_store(self.he)
        bill = self.bill(Decimal(self.story.patient["prior"]) + 25)
        first = self.he.api.post("/v1/settlements", bill)
        self.assertTrue(first.ok, first.body)
        self.put_back(self.he)
        self.assertIn("marked", self.he.gongji("restored", "--config", self.he.path("node.yaml"))[1])
        self.he.start()
        self.wait_healed(self.he)
        again = self.he.api.post("/v1/settlements", bill)
        self.assertTrue(again.ok, again.body)
        for field in ("setl_id", "acct_pay", "acct_mulaid_pay", "psn_cash_pay"):
            self.assertEqual(first.body[field], again.body[field])
        wait_until(lambda: self.settle("7.00").ok, 20, "settlements work again")
        self.assert_all_is_well()
        self.assertIn("came back", self.he.gongji("resync", "status", "--config", self.he.path("node.yaml"))[1])

    def test_sigterm_drains(self):
        """What was begun is decided; new work hears DRAINING; the process ends with 0."""
        self.bind_cast()
        self.zj.freeze()
        box = {}
        thread = threading.Thread(target=lambda: box.update(answer=self.settle("4.00")))
        thread.start()
        wait_until(lambda: self.he.api.get("/v1/node").ok, 5, "the request is under way")
        self.zj.thaw()
        thread.join()
        self.assertTrue(box["answer"].ok or box["answer"].status == 503, box["answer"].body)
        self.he.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.he.process.wait(timeout=20))
        self.he.start()
        self.he.wait_open()
        self.assert_all_is_well()

    def test_a_mistake_in_the_configuration_is_named(self):
        path = self.he.path("broken.yaml")
        with open(self.he.path("node.yaml"), encoding="utf-8") as file:
            text = file.read().replace("  port: ", "  port: 7")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        number = next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith("  port:"))
        done = subprocess.run([os.path.join(self.he.programs, "gongjid"), "--config", path, "--check-config"],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(2, done.returncode)
        self.assertIn("broken.yaml:%d" % number, done.stderr)
        self.assertIn("port", done.stderr)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do settlements and refunds survive kill -9 of any node at any moment?

Clients settle and refund without pause while a random node is killed and started again; each message is repeated
until its outcome is final. Afterwards every message has one outcome, the accounts show exactly the money that the
answers named, and all books agree. GJ_KILLS sets the number of kills, GJ_SEED the order."""
import os
import random
import threading
import unittest
from decimal import Decimal

from harness import ThreeNodes

KILLS = int(os.environ.get("GJ_KILLS", "12"))
SEED = int(os.environ.get("GJ_SEED", "1"))
CLIENTS = 4


class Kills(ThreeNodes):
    def settle_and_refund(self, stop, outcomes, errors, seed):
        chance = random.Random(seed)
        try:
            while not stop.is_set():
                amount = Decimal(chance.randint(1, 900)) / 100
                with self.lock:
                    bill = self.bill(amount)
                answer = self.final_answer(self.he, "/v1/settlements", bill)
                refund = None
                if answer.ok and Decimal(answer.body["acct_pay"]) > 0 and chance.random() < 0.5:
                    with self.lock:
                        body = {"sender": bill["sender"], "msgid": self.story.msgid(), "amount": answer.body["acct_pay"]}
                    path = "/v1/settlements/%s/refunds" % answer.body["setl_id"]
                    refund = self.final_answer(self.he, path, body)
                outcomes.append((bill, answer, refund))
        except BaseException as failure:  # pylint: disable=broad-except
            errors.append(failure)

    def test_random_kills_under_load(self):
        self.lock = threading.Lock()
        self.bind_cast()
        chance = random.Random(SEED)
        stop, outcomes, errors = threading.Event(), [], []
        clients = [threading.Thread(target=self.settle_and_refund, args=(stop, outcomes, errors, SEED * 100 + i))
                   for i in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(KILLS):
            victim = chance.choice(self.provinces)
            stop.wait(chance.uniform(0.05, 0.8))
            victim.kill()
            stop.wait(chance.uniform(0.0, 0.5))
            victim.start()
            victim.wait_open()
        stop.set()
        for client in clients:
            client.join()
        self.assertEqual([], errors)
        print("kills %d, settlements %d, refunds %d" % (
            KILLS, sum(1 for _, answer, _ in outcomes if answer.ok),
            sum(1 for _, _, refund in outcomes if refund is not None and refund.ok)))
        self.assertGreater(len(outcomes), KILLS)
        self.assert_all_is_well()
        self.assert_same_answers(outcomes)
        self.assert_money(outcomes)

    def assert_same_answers(self, outcomes):
        """Asked again after everything, each message gets the very same answer."""
        for bill, answer, _ in outcomes:
            again = self.he.api.post("/v1/settlements", bill)
            self.assertEqual((answer.status, answer.body), (again.status, again.body))

    def assert_money(self, outcomes):
        """Hebei's institution is owed what the answers say was paid less what was returned, to the fen."""
        expected = Decimal(0)
        for _, answer, refund in outcomes:
            if answer.ok:
                expected += Decimal(answer.body["acct_pay"])
            if refund is not None and refund.ok:
                expected -= Decimal(refund.body["amount"])
        import json
        _, out, _ = self.he.gongji("books", "--config", self.he.path("node.yaml"), "--json")
        self.assertEqual(expected, Decimal(json.loads(out)["institutions"]))


if __name__ == "__main__":
    unittest.main()

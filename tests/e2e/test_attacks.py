#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A caller with a good token, and a careless operator, against real nodes: one plan settled many times, a message
under a reversal's key, one hospital's token used for another, what files and answers tell about people."""
import glob
import os
import subprocess
import threading
import unittest
from decimal import Decimal

import harness
from api import Api
from harness import ThreeNodes


def at_once(*calls):
    """The results of all calls, made at the same time."""
    results = [None] * len(calls)

    def run(index):
        results[index] = calls[index]()
    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def reversal_key(sender, msgid):
    """The message under which a node refunds what it reverses: anybody can compute it."""
    text = b"reversal" + sender.encode() + b"\0" + msgid.encode() + b"\0"
    digest = subprocess.run(["openssl", "dgst", "-sm3", "-binary"], input=text, capture_output=True, check=True)
    return "rev:" + digest.stdout[:16].hex()


class Attacks(ThreeNodes):
    def settle(self, bill):
        return self.he.api.post("/v1/settlements", bill)

    def test_one_plan_is_paid_once(self):
        """A hospital's system that heard nothing sends the same plan again and again, each time a new message."""
        self.bind_cast()
        amount = Decimal(self.story.patient["prior"]) + 9
        bill = self.story.bill(self.he, "130200", self.story.patient, amount)
        plan = self.he.api.post("/v1/plans", bill)
        self.assertEqual(200, plan.status, plan.body)

        def again(number):
            return lambda: self.settle(dict(bill, msgid="AGAIN%d" % number, plan_id=plan.body["plan_id"]))
        answers = at_once(*(again(number) for number in range(8)))
        self.assertEqual(1, sum(answer.ok for answer in answers), [answer.body for answer in answers])
        self.assertLessEqual({answer.reason for answer in answers if not answer.ok}, {"BUSY", "PLAN_UNKNOWN"})
        self.assert_all_is_well()

    def test_a_message_cannot_take_a_reversals_key(self):
        """Two transactions under one key ended the node: first a message that waits, then the reversal."""
        patient = self.story.pick(self.he, "130200", prior=(100, 2000))
        bill = self.story.bill(self.he, "130200", patient, Decimal(3), expected_psn_cash_pay="3.00")
        self.assertEqual(200, self.settle(bill).status)
        far = self.story.pick(self.jx, "360800", prior=(100, 2000))
        slow = self.story.bill(self.he, "130200", far, Decimal(4), expected_psn_cash_pay="4.00")
        slow["msgid"] = reversal_key(bill["sender"], bill["msgid"])
        self.jx.freeze()
        reverse = {"sender": bill["sender"], "omsgid": bill["msgid"]}
        answers = at_once(lambda: self.settle(slow), lambda: self.he.api.post("/v1/reversals", reverse))
        self.jx.thaw()
        self.assertEqual((400, "BAD_FIELD"), (answers[0].status, answers[0].body.get("code")))
        self.assertEqual("reversed", self.he.api.post("/v1/reversals", reverse).body["state"])
        self.assertIsNone(self.he.process.poll())
        self.assert_all_is_well()

    def test_one_hospitals_token_is_no_other_hospitals(self):
        first, second = self.he.institution("130200"), self.he.institution("130100")
        tokens = {}
        self.he.stop()
        with open(self.he.path("node.yaml"), "a", encoding="utf-8") as config:
            for name in (first, second):
                tokens[name] = os.urandom(24).hex()
                with open(os.open(self.he.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
                    file.write(tokens[name] + "\n")
                config.write("  - {name: %s, token_file: %s, senders: %s}\n" % (name, name, name))
        self.he.start()
        self.he.wait_open()
        mine, other = (Api(self.he.http_port, tokens[name]) for name in (first, second))
        self.bind_cast()
        patient = self.story.patient
        bill = self.story.bill(self.he, "130200", patient, Decimal(patient["prior"]) + 5)
        plan = mine.post("/v1/plans", bill)
        settled = mine.post("/v1/settlements", dict(bill, msgid="S-1", plan_id=plan.body["plan_id"]))
        self.assertEqual(200, settled.status, settled.body)
        plan = mine.post("/v1/plans", bill)
        setl_id = settled.body["setl_id"]
        binding = settled.body["payers"][1]["binding_id"]
        refund = {"msgid": "R-1", "amount": "1.00"}
        refunds = "/v1/settlements/%s/refunds" % setl_id
        for method, path, body, status in (
                ("GET", "/v1/settlements/" + setl_id, None, 404),
                ("GET", "/v1/plans/" + plan.body["plan_id"], None, 404),
                ("GET", "/v1/requests/%s/S-1" % first, None, 403),
                ("GET", "/v1/transactions", None, 403),
                ("GET", "/v1/bindings/" + binding, None, 404),
                ("POST", refunds, dict(refund, sender=first), 403),
                ("POST", refunds, dict(refund, sender=second), 404),
                ("POST", "/v1/reversals", {"sender": first, "omsgid": "S-1"}, 403),
                ("POST", "/v1/settlements", dict(bill, msgid="S-2", plan_id=plan.body["plan_id"]), 403),
                ("POST", "/v1/settlements", dict(bill, msgid="S-2", sender=second, plan_id=plan.body["plan_id"]), 400),
                ("POST", "/v1/bindings/%s:unbind" % binding,
                 {"sender": "130000/app", "msgid": "U", "by": "payer"}, 403)):
            answer = other.call(method, path, body)
            self.assertEqual(status, answer.status, (method, path, answer.body))
        self.assertEqual(200, mine.get("/v1/settlements/" + setl_id).status)
        self.assertEqual(401, Api(self.he.http_port, self.zj.token).get("/v1/node").status)
        # Under its own name it may reverse only its own messages: this one is not known, and nothing is undone.
        self.assertEqual("reversed", other.post("/v1/reversals", {"sender": second, "omsgid": "S-1"}).body["state"])
        self.assertEqual("settled", mine.get("/v1/settlements/" + setl_id).body["state"])
        # A patient's hospital is shown a binding's id in the plan; ending it is not its business.
        zj_hospital = self.zj.institution("330200")
        answer = self.zj.api.post("/v1/bindings/%s:unbind" % binding,
                                  {"sender": zj_hospital, "msgid": "U", "by": "recipient"})
        self.assertEqual((403, "UNAUTHORIZED"), (answer.status, answer.body["code"]))
        answer = self.zj.api.post("/v1/bindings:order", {"sender": zj_hospital, "msgid": "O",
                                                         "bindings": [{"binding_id": binding}],
                                                         "recipient": self.story.party(patient)})
        self.assertEqual((403, "UNAUTHORIZED"), (answer.status, answer.body["code"]))
        self.assert_all_is_well()

    def test_no_file_or_answer_tells_who_somebody_is(self):
        """Stores, logs, metrics and answers hold tokens, masks and sealed bytes; never a number, a name, a token."""
        self.bind_cast()
        self.story.verify()
        bill = self.bill(Decimal(self.story.patient["prior"]) + 5)
        settled = self.settle(bill)
        self.assertEqual(200, settled.status, settled.body)
        answers = [settled.body, self.settle(dict(bill, certno=bill["certno"][:-1] + "?")).body,
                   self.settle(dict(bill, msgid="X-1", psn_name=bill["psn_name"] + "x")).body]
        answers = [str(answer).encode() for answer in answers]
        for province in self.provinces:
            answers += [str(province.api.get(path).body).encode()
                        for path in ("/metrics", "/v1/node", "/v1/transactions")]
        for province in self.provinces:
            province.stop()
        secrets = set()
        for province in self.provinces:
            secrets.add(province.token.encode())
            secrets.update(person[key].encode() for person in province.people for key in ("certno", "psn_name", "card_no"))
        self.assertGreater(len(secrets), 3000)
        files = []
        for province in self.provinces:
            files += [path for pattern in ("gongji.*", "node.log") for path in glob.glob(province.path(pattern))]
        self.assertGreaterEqual(len(files), 3 * 3)
        for path in files:
            with open(path, "rb") as file:
                answers.append(path.encode() + b"\n" + file.read())
        for content in answers:
            found = [secret for secret in secrets if secret in content]
            self.assertEqual([], found[:3], content[:80])

    def test_careless_files_do_not_start(self):
        self.he.stop()
        with open(self.he.path("node.yaml"), encoding="utf-8") as file:
            good = file.read()

        def refused(text, why, change=None, undo=None):
            with open(self.he.path("node.yaml"), "w", encoding="utf-8") as file:
                file.write(text)
            if change:
                change()
            done = subprocess.run([os.path.join(harness.BUILD, "bin", "gongjid"), "--check-config", "--config",
                                   self.he.path("node.yaml")], capture_output=True, text=True, timeout=20)
            if undo:
                undo()
            self.assertEqual(2, done.returncode, done.stdout + done.stderr)
            self.assertIn(why, done.stdout + done.stderr)

        def token(text):
            with open(self.he.path("token"), "w", encoding="utf-8") as file:
                file.write(text)
        refused(good + "  - {name: two, token_file: token, senders: H13010000001}\n",
                "trial and two have the same token")
        refused(good.replace("witness: gongji.witness", "witness: ./gongji.db"), "witness: must be a file of its own")
        refused(good, "must hold one token of 16", lambda: token("short\n"))
        refused(good, "must hold one token of 16", lambda: token("a" * 20 + "\n" + "b" * 20 + "\n"))
        token(self.he.token + "\n")
        for path in ("token", "keys/sign.pem", "keys/curve.key", "keys/data.key"):
            file = self.he.path(path)
            refused(good, path, lambda: os.chmod(file, 0o640), lambda: os.chmod(file, 0o600))
        self.he.start()
        self.he.wait_open()


if __name__ == "__main__":
    unittest.main()

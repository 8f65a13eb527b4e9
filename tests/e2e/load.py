# SPDX-License-Identifier: Apache-2.0
"""Clients that never stop: hospitals that settle, refund and reverse, bureaus that bind and unbind. Each repeats a
message until it knows the outcome, as a real system must, and keeps books of its own by what it was told."""
import random
import threading
import time
from collections import defaultdict
from decimal import Decimal
from urllib.parse import quote

from api import Api

PAUSE = 0.03  # between two tries of one message


def fen(yuan):
    return int(Decimal(yuan) * 100)


def account(person):
    return "P/%s/prior" % person["psn_no"]


class Client(threading.Thread):
    """One hospital with one patient of its own; the payers may be others' payers too."""

    def __init__(self, number, at, region, patient, story, seed):
        super().__init__(daemon=True)
        self.at, self.region, self.patient, self.story = at, region, patient, story
        self.sender = at.institution(region)
        self.number = number
        self.chance = random.Random(seed)
        self.counter = 0
        self.payers = {}  # binding id -> person
        self.pair = None  # (node, payer, recipient, relation) to be bound and unbound
        self.final = []  # (api of, path, body, answer): what we were told for good
        self.moved = defaultdict(int)  # account -> fen, by what we were told
        self.counts = defaultdict(int)
        self.stop = threading.Event()
        self.may_work = threading.Event()  # cleared for a while, nodes become idle
        self.may_work.set()
        self.failure = None
        self.last = ""  # what it does, for people

    # --- asking ------------------------------------------------------------------------------------------
    def msgid(self):
        self.counter += 1
        return "K%02d-%06d" % (self.number, self.counter)

    def ask(self, at, path, body):
        """Until the outcome is known. A 503 may be either: nothing was taken, or refused for good; its record says."""
        record = "/v1/requests/%s/%s" % (quote(body["sender"], safe=""), body["msgid"])
        while True:
            try:
                answer = at.api.post(path, body)
                if answer.status < 500 and answer.status != 202:
                    break
                if answer.status == 503 and at.api.get(record).body.get("state") == "refused":
                    break
                if answer.status not in (202, 503):
                    raise AssertionError("%s %s: %d %s" % (path, body["msgid"], answer.status, answer.body))
                self.counts["in progress" if answer.status == 202 else "not taken"] += 1
                self.last = "%s %s: %d %s" % (path, body["msgid"], answer.status, answer.body)
            except OSError:
                self.counts["unheard"] += 1
            time.sleep(PAUSE)
        self.final.append((at, path, body, answer))
        return answer

    def reverse(self, msgid):
        body = {"sender": self.sender, "omsgid": msgid}
        while True:
            try:
                answer = self.at.api.post("/v1/reversals", body)
                if answer.ok and answer.body["state"] == "reversed":
                    self.counts["reversed"] += 1
                    return
                self.last = "reversal of %s: %d %s" % (msgid, answer.status, answer.body)
                if answer.status not in (200, 202, 503):
                    raise AssertionError("reversal of %s: %d %s" % (msgid, answer.status, answer.body))
            except OSError:
                self.counts["unheard"] += 1
            time.sleep(PAUSE)

    # --- what it does --------------------------------------------------------------------------------------
    def book(self, lines, sign):
        total = 0
        for line in lines:
            person = self.patient if line["payer"] == "self" else self.payers[line["binding_id"]]
            self.moved[account(person)] -= sign * fen(line["amount"])
            total += fen(line["amount"])
        self.moved["I/" + self.sender] += sign * total

    def settle(self):
        amount = Decimal(self.chance.randint(1, 900)) / 100
        bill = self.story.bill(self.at, self.region, self.patient, amount, expected_psn_cash_pay="%.2f" % amount,
                               msgid=self.msgid())
        if self.chance.random() < 0.12:
            self.settle_unheard(bill)
            return
        answer = self.ask(self.at, "/v1/settlements", bill)
        self.counts["settled" if answer.ok else "refused"] += 1
        if not answer.ok or Decimal(answer.body["acct_pay"]) == 0:
            return
        draw = self.chance.random()
        if draw < 0.15:
            self.reverse(bill["msgid"])
            return
        self.book(answer.body["payers"], 1)
        if draw < 0.55:
            self.refund(answer.body)

    def settle_unheard(self, bill):
        """Nobody waits for the answer, and it is reversed at once: whichever came first, nothing stays paid."""
        impatient = Api(self.at.http_port, self.at.token, timeout=self.chance.uniform(0.002, 0.1), host=self.at.host)
        try:
            impatient.post("/v1/settlements", bill)
        except OSError:
            pass
        self.reverse(bill["msgid"])
        self.counts["reversed unheard"] += 1

    def refund(self, settlement):
        whole = fen(settlement["acct_pay"])
        part = whole if self.chance.random() < 0.5 else self.chance.randint(1, whole)
        path = "/v1/settlements/%s/refunds" % settlement["setl_id"]
        for amount in (part, whole - part):
            if amount == 0:
                continue
            body = {"sender": self.sender, "msgid": self.msgid(), "amount": "%d.%02d" % divmod(amount, 100)}
            answer = self.ask(self.at, path, body)
            self.counts["refunded" if answer.ok else "refused"] += 1
            if answer.ok:
                self.book(answer.body["payees"], -1)

    def bind_and_unbind(self):
        at, payer, recipient, relation = self.pair
        sender = at.name + "/app"
        body = {"sender": sender, "msgid": self.msgid(), "consent_ref": "kills", "relation": relation,
                "payer": self.story.party(payer), "recipient": self.story.party(recipient)}
        answer = self.ask(at, "/v1/bindings", body)
        self.counts["bound" if answer.ok else "refused"] += 1
        if not answer.ok:
            return
        body = {"sender": sender, "msgid": self.msgid(), "by": "recipient"}
        answer = self.ask(at, "/v1/bindings/%s:unbind" % answer.body["binding_id"], body)
        self.counts["unbound" if answer.ok else "refused"] += 1

    def run(self):
        try:
            while not self.stop.is_set():
                self.may_work.wait()
                if self.chance.random() < 0.12:
                    self.bind_and_unbind()
                else:
                    self.settle()
                self.counts["done"] += 1
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure

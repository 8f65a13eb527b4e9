# SPDX-License-Identifier: Apache-2.0
"""The pilot: what hospitals and bureaus of three provinces do in one morning, and two crashes.

Every person is generated. Each step appends one row to the result; an unexpected answer is a difference."""
import threading
from decimal import Decimal

from province import wait_until

TODAY_FIELDS = ("medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "acct_payable_amt")


def yuan(value):
    return "%.2f" % Decimal(value)


class Story:
    def __init__(self, provinces, report):
        self.zj = provinces["330000"]
        self.jx = provinces["360000"]
        self.he = provinces["130000"]
        self.provinces = provinces
        self.report = report
        self.counter = 0
        self.taken = set()

    # --- small things ------------------------------------------------------------------------------------
    def msgid(self):
        self.counter += 1
        return "TRIAL%08d" % self.counter

    def pick(self, province, region, **wanted):
        person = province.pick(region, taken=self.taken, **wanted)
        self.taken.add(person["psn_no"])
        return person

    @staticmethod
    def party(person):
        return {key: person[key] for key in ("insuplc_admdvs", "psn_cert_type", "certno", "psn_name")}

    def bind(self, at, payer, recipient, relation):
        body = {"sender": at.name + "/app", "msgid": self.msgid(), "consent_ref": "trial-consent",
                "relation": relation, "payer": self.party(payer), "recipient": self.party(recipient)}
        return at.api.post("/v1/bindings", body)

    def bill(self, at, region, patient, amount, **extra):
        amount = yuan(amount)
        body = {"fixmedins_code": at.institution(region), "sender": at.institution(region), "msgid": self.msgid(),
                "mdtrtarea_admvs": region, "mdtrt_cert_type": "02", "mdtrt_cert_no": patient["certno"],
                "med_type": "11", "fund_pay_sumamt": "0.00"}
        body.update(self.party(patient))
        body.update({key: amount for key in TODAY_FIELDS if key != "fund_pay_sumamt"})
        body.update(extra)
        return body

    def plan_and_settle(self, at, region, patient, amount):
        """As a hospital does: plan, show the patient, settle what was shown."""
        bill = self.bill(at, region, patient, amount)
        plan = at.api.post("/v1/plans", bill)
        if not plan.ok:
            return plan, None
        return plan, at.api.post("/v1/settlements", dict(bill, msgid=self.msgid(), plan_id=plan.body["plan_id"]))

    @staticmethod
    def who_paid(answer):
        """'self 31.20 + spouse(360800) 150.00', in the order of payment."""
        parts = []
        for line in answer.body.get("payers", answer.body.get("payees", [])):
            who = "self" if line["payer"] == "self" else line.get("relation", "relative")
            parts.append("%s(%s) %s" % (who, line["region"], line["amount"]))
        return " + ".join(parts) or "-"

    @staticmethod
    def why(answer):
        return "; ".join("%s %s" % (line["source"], line["rule"]) for line in answer.body.get("explain", [])
                         if line.get("rule"))

    # --- the pilot -----------------------------------------------------------------------------------------
    def run(self):
        self.cast()
        self.verify()
        self.bindings()
        self.three_provinces()
        self.shortened()
        self.refunds()
        self.refusals()
        self.same_again()
        self.coordinator_dies()
        self.participant_dies()

    def cast(self):
        """Patient in Zhejiang with a little of her own; one payer in Jiangxi, one in Zhejiang; care in Hebei."""
        self.patient = self.pick(self.zj, "330200", prior=(20, 400))
        self.payer_jx = self.pick(self.jx, "360800", prior=(300, 2500))
        self.payer_zj = self.pick(self.zj, "330100", prior=(2500, 20000))
        self.resident = self.pick(self.jx, "360100", insutype="390")
        self.rich_he = self.pick(self.he, "130100", prior=(4000, 50000))

    def verify(self):
        person = self.payer_jx
        body = {"sender": "330000/app", "msgid": self.msgid(), "purpose": "binding", "consent_ref": "trial-consent"}
        body.update(self.party(person))
        answer = self.zj.api.post("/v1/enrolments:verify", body)
        self.report.row("verify", "330000 asks 360000: is the relative enrolled?",
                        "yes, insutype %s" % answer.body.get("insutype") if answer.body.get("enrolled") else "no",
                        answer, expect=answer.ok and answer.body.get("enrolled") is True)

    def bindings(self):
        for at, payer, recipient, relation in (
                (self.zj, self.payer_jx, self.patient, "parent"),
                (self.zj, self.payer_zj, self.patient, "sibling"),
                (self.jx, self.rich_he, self.resident, "child")):
            answer = self.bind(at, payer, recipient, relation)
            self.report.row("bind", "%s pays for %s, %s" % (payer["insuplc_admdvs"], recipient["insuplc_admdvs"], relation),
                            answer.body.get("state", answer.reason), answer,
                            expect=answer.ok and answer.body.get("state") == "active")

    def three_provinces(self):
        """Own account first, then two payers in cascade, the last one only in part."""
        own, first = Decimal(self.patient["prior"]), Decimal(self.payer_jx["prior"])
        amount = own + first + Decimal("88.00")
        plan, settled = self.plan_and_settle(self.he, "130200", self.patient, amount)
        self.report.row("plan", "bill %s in Hebei, patient of Zhejiang" % yuan(amount), self.who_paid(plan), plan,
                        expect=plan.ok and plan.body["psn_cash_pay"] == "0.00")
        self.first = settled
        expected = [("self", yuan(own)), ("relative", yuan(first)), ("relative", "88.00")]
        got = [(line["payer"], line["amount"]) for line in settled.body.get("payers", [])] if settled else []
        self.report.settled("settle", "the same bill, by the plan", self.who_paid(settled), settled,
                            expect=settled.ok and got == expected)

    def shortened(self):
        """Hebei's pack caps what one payer gives in one settlement; the rest is cash."""
        plan, settled = self.plan_and_settle(self.zj, "330100", self.resident, Decimal("3000.00"))
        rules = [line.get("rule") for line in settled.body.get("explain", [])] if settled else []
        self.report.settled("settle", "bill 3000.00 in Zhejiang, payer of Hebei has a cap",
                            "%s, cash %s [%s]" % (self.who_paid(settled), settled.body.get("psn_cash_pay"), self.why(settled)),
                            settled, expect=settled.ok and "R51" in rules and settled.body["psn_cash_pay"] != "0.00")

    def refund(self, amount):
        body = {"sender": self.he.institution("130200"), "msgid": self.msgid(), "amount": yuan(amount)}
        return self.he.api.post("/v1/settlements/%s/refunds" % self.first.body["setl_id"], body)

    def refunds(self):
        """In two parts: the last source drawn gets its money back first."""
        total = Decimal(self.first.body["acct_pay"])
        for amount in (Decimal("100.00"), total - Decimal("100.00")):
            answer = self.refund(amount)
            self.report.refunded("refund", "%s of the first settlement" % yuan(amount),
                                 "%s, %s left" % (self.who_paid(answer), answer.body.get("remaining", "?")), answer,
                                 expect=answer.ok)

    def refusals(self):
        resident_payer = self.pick(self.jx, "360800", insutype="390")
        answer = self.bind(self.zj, resident_payer, self.patient, "parent")
        self.report.refused("bind", "the payer is not an employee", answer, "R1")
        answer = self.bind(self.zj, self.rich_he, self.patient, "spouse_parent")
        self.report.refused("bind", "the patient is the payer's spouse's parent", answer, "R12")
        bill = self.bill(self.he, "130200", self.patient, "100.00", use="fitness", expected_psn_cash_pay="100.00")
        self.report.refused("settle", "for a fitness course", self.he.api.post("/v1/settlements", bill), "R74")
        self.report.refused("refund", "above the original", self.refund("0.01"), "EXCEEDS_ORIGINAL")

    def same_again(self):
        """A hospital that lost the answer sends the same message again and hears the same words."""
        bill = self.bill(self.he, "130200", self.resident, "60.00", expected_psn_cash_pay="60.00")
        first = self.he.api.post("/v1/settlements", bill)
        again = self.he.api.post("/v1/settlements", bill)
        self.report.settled("settle", "sent twice with one msgid", "one settlement, " + self.who_paid(first), again,
                            expect=first.ok and again.ok and first.body == again.body)
        other = self.zj.api.post("/v1/settlements", dict(bill, msgid=self.msgid()))
        self.report.row("settle", "Hebei's hospital asks Zhejiang's node", "sent on to %s" % other.body.get("node"), other,
                        expect=other.status == 421 and other.body.get("node") == "130000")

    # --- crashes ---------------------------------------------------------------------------------------------
    def half_prepared(self, amount):
        """Starts a settlement in Hebei whose home hangs: Jiangxi has voted, the decision is still out.
        Returns (the bill, its txid, a function that waits for the client's answer)."""
        bill = self.bill(self.he, "130200", self.patient, amount)
        plan = self.he.api.post("/v1/plans", bill)
        bill = dict(bill, msgid=self.msgid(), plan_id=plan.body["plan_id"])
        box = {}

        def client():
            try:
                box["answer"] = self.he.api.post("/v1/settlements", bill)
            except OSError as gone:
                box["error"] = gone

        before = {line["txid"] for line in self.jx.api.transactions("PREPARED")}
        self.zj.freeze()
        thread = threading.Thread(target=client)
        thread.start()

        def new_vote():
            return [line["txid"] for line in self.jx.api.transactions("PREPARED") if line["txid"] not in before]
        txid = wait_until(new_vote, 10, "Jiangxi has voted")[0]

        def answer():
            thread.join()
            return box.get("answer")
        return bill, txid, answer

    def states(self, txid):
        """The state of one transaction at each node that knows it."""
        found = {}
        for name, province in sorted(self.provinces.items()):
            line = province.api.transaction(txid)
            found[name] = line["state"] if line else "-"
        return found

    def until_decided(self, txid):
        def decided():
            states = self.states(txid)
            return states if not set(states.values()) & {"BEGUN", "PREPARED", "PREPARING"} else None
        return wait_until(decided, 60, "%s is decided everywhere" % txid)

    def coordinator_dies(self):
        bill, txid, answer = self.half_prepared(Decimal(self.patient["prior"]) + 50)
        self.he.kill()
        self.zj.thaw()
        answer()
        self.he.start()
        self.he.wait_open()
        states = self.until_decided(txid)
        agreed = set(states.values()) <= {"ABORTED", "REFUSED", "-"} and states["130000"] == "ABORTED"
        self.report.crash("kill -9", "coordinator, between prepare and decision", states, agreed)
        again = self.he.api.post("/v1/settlements", bill)
        self.report.settled("settle", "the hospital sends the same message again", self.who_paid(again), again,
                            expect=again.ok and again.body.get("txid") != txid)

    def participant_dies(self):
        # The settlement above emptied the patient's own account, so this one is the payer's alone.
        bill, txid, answer = self.half_prepared(Decimal("40.00"))
        self.jx.kill()
        self.zj.thaw()
        settled = answer()
        self.report.settled("settle", "the client hears done although a payer's node is down", self.who_paid(settled),
                            settled, expect=settled is not None and settled.ok)
        self.jx.start()
        self.jx.wait_open()
        states = self.until_decided(txid)
        self.report.crash("kill -9", "participant, after its vote", states,
                          set(states.values()) <= {"COMMITTED", "ENDED"})

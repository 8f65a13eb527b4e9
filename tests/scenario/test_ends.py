#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the end conditions of stories find what is wrong? Records that agree, then one thing at a time changed."""
import copy
import unittest

from ends import differences, undecided

TX, LEG = "450000/1/2/1", "R/330100/450100"


def posting(entry, line, account, amount_fen, txid=TX):
    return {"entry": entry, "line": line, "account": account, "amount_fen": amount_fen, "txid": txid}


def account(name, balance_fen, held_fen=0):
    return {"account": name, "balance_fen": balance_fen, "held_fen": held_fen}


def world():
    """A settlement of 70.00 that east paid at care."""
    care = {"coord": [{"txid": TX, "state": "ENDED", "sender": "H1", "msgid": "m"}],
            "request": [{"sender": "H1", "msgid": "m", "kind": "settle", "state": "DONE"}],
            "posting": [posting("c", 0, "I/H1", 7000), posting("c", 1, LEG, -7000)],
            "account": [account("I/H1", 7000), account(LEG, -7000)]}
    east = {"part": [{"txid": TX, "state": "COMMITTED", "sender": "H1", "msgid": "m"}],
            "posting": [posting("o", 0, "P/1/prior", 50000, ""), posting("o", 1, "X/opening", -50000, ""),
                        posting("e", 0, "P/1/prior", -7000), posting("e", 1, LEG, 7000)],
            "account": [account("P/1/prior", 43000), account("X/opening", -50000), account(LEG, 7000)],
            "binding": [{"binding_id": "b", "side": "payer", "state": "active"}]}
    home = {"binding": [{"binding_id": "b", "side": "recipient", "state": "active"}]}
    return {"care": care, "home": home, "east": east}


class Rows:
    def __init__(self, records):
        self.records = records
        self.nodes = list(records)
        self.regions = {"330100", "450100", "360100"}

    def __call__(self, node, table):
        return self.records[node].get(table, [])


class Ends(unittest.TestCase):
    def broken(self, change):
        records = copy.deepcopy(world())
        change(records)
        return Rows(records)

    def expect(self, words, change):
        self.assertIn(words, "; ".join(differences(self.broken(change))))

    def expect_open(self, words, change):
        self.assertIn(words, undecided(self.broken(change)))

    def test_what_agrees_passes(self):
        self.assertEqual([], list(differences(Rows(world()))))
        self.assertEqual("", undecided(Rows(world())))

    def test_two_outcomes(self):
        self.expect("has two outcomes", lambda w: w["east"]["part"][0].update(state="ABORTED"))

    def test_two_committed_attempts(self):
        self.expect("was committed 2 times", lambda w: w["care"]["coord"].append(dict(w["care"]["coord"][0], txid="450000/1/3/2")))

    def test_done_and_nothing_committed(self):
        self.expect("is DONE at care, and 0 attempts", lambda w: w["care"].update(coord=[]))

    def test_refused_and_committed(self):
        self.expect("is REFUSED at care, and 1 attempts", lambda w: w["care"]["request"][0].update(state="REFUSED"))

    def test_an_entry_that_does_not_sum_to_zero(self):
        self.expect("the lines of entry e at east sum to -1 fen", lambda w: w["east"]["posting"][2].update(amount_fen=-7001))

    def test_a_balance_that_its_postings_do_not_give(self):
        self.expect("P/1/prior at east: 43001 fen", lambda w: w["east"]["account"][0].update(balance_fen=43001))

    def test_money_that_is_held(self):
        self.expect("70 fen are held", lambda w: w["east"]["account"][0].update(held_fen=70))

    def test_an_overdrawn_account(self):
        def change(w):
            w["east"]["posting"][0]["amount_fen"], w["east"]["posting"][1]["amount_fen"] = 6999, -6999
            w["east"]["account"][0]["balance_fen"], w["east"]["account"][1]["balance_fen"] = -1, -6999
        self.expect("P/1/prior at east is overdrawn", change)

    def test_two_ends_that_differ(self):
        def change(w):
            w["care"].update(posting=[], account=[])
        self.expect("the two ends of R/330100/450100 differ by 7000 fen", change)

    def test_the_end_of_a_region_that_is_not_there_is_left_out(self):
        rows = self.broken(lambda w: w["care"].update(posting=[], account=[]))
        rows.regions = {"330100"}
        self.assertEqual([], list(differences(rows)))

    def test_two_sides_of_a_binding(self):
        self.expect("binding b: the payer's side is active, the recipient's side is ended",
                    lambda w: w["home"]["binding"][0].update(state="ended"))

    def test_what_is_undecided(self):
        for node, table, state in (("east", "part", "PREPARED"), ("care", "coord", "BEGUN"), ("care", "coord", "COMMITTED")):
            self.expect_open(state, lambda w, node=node, table=table, state=state: w[node][table][0].update(state=state))
        self.expect_open("reversing", lambda w: w["care"].update(settlement=[{"state": "reversing"}]))
        self.expect_open("a hold of", lambda w: w["east"].update(hold=[{"txid": TX}]))
        self.expect_open("a notice of b", lambda w: w["east"].update(notice=[{"binding_id": "b"}]))

    def test_what_is_excused(self):
        rows = self.broken(lambda w: w["care"]["coord"][0].update(state="COMMITTED"))
        self.assertEqual("", undecided(rows, {TX}))


if __name__ == "__main__":
    unittest.main()

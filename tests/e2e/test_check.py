#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does gongji-check find what is wrong in the stores of three real nodes?

The pilot runs once; its stores must pass. Then one thing at a time is changed in a copy, and the checker must name
the invariant that it breaks. A change that passes is a hole of the checker."""
import glob
import os
import shutil
import sqlite3
import subprocess
import unittest

import harness
from harness import ThreeNodes

# A settlement that a payer of Jiangxi paid for; the last account with an opening; the first settlement of a node.
LEG = "(SELECT min(txid) FROM paid WHERE from_region LIKE '3608%' AND refunded_fen = 0)"
LAST = "(SELECT max(account) FROM posting WHERE kind = 'opening' AND account LIKE 'P/%')"
FIRST = "(SELECT min(txid) FROM part WHERE state = 'COMMITTED' AND kind = 'settle')"

# (what is done, to whose store, the statements, the invariants of which one must be named)
CORRUPTIONS = (
    ("a balance is off by a fen", "360000",
     ["UPDATE account SET balance_fen = balance_fen + 1 WHERE account = (SELECT max(account) FROM account)"], "I7"),
    ("a fen goes from the opening to a person, in the balances only", "360000",
     ["UPDATE account SET balance_fen = balance_fen + 1 WHERE account = (SELECT min(account) FROM account WHERE "
      "account LIKE 'P/%')", "UPDATE account SET balance_fen = balance_fen - 1 WHERE account = 'X/opening'"], "I7"),
    ("a line of the journal is a fen short", "360000",
     ["UPDATE posting SET amount_fen = amount_fen - 1 WHERE kind = 'settle' AND line = 0"], "I7"),
    ("one line of a leg is removed", "360000", ["DELETE FROM posting WHERE line = 1 AND txid = %s" % LEG], "I7"),
    ("a leg is removed whole, and the balances follow", "360000",
     ["UPDATE account SET balance_fen = balance_fen - (SELECT sum(amount_fen) FROM posting p WHERE p.account = "
      "account.account AND txid = %s) WHERE account IN (SELECT account FROM posting WHERE txid = %s)" % (LEG, LEG),
      "DELETE FROM posting WHERE txid = %s" % LEG], "I7"),
    ("a leg is booked for the wrong person, and the balances follow", "360000",
     ["UPDATE account SET balance_fen = balance_fen + (SELECT amount_fen FROM paid WHERE txid = %s) WHERE account = "
      "(SELECT account FROM paid WHERE txid = %s)" % (LEG, LEG),
      "UPDATE account SET balance_fen = balance_fen - (SELECT amount_fen FROM paid WHERE txid = %s) WHERE account = "
      "(SELECT max(account) FROM account WHERE account LIKE 'P/%%')" % LEG,
      "UPDATE posting SET account = (SELECT max(account) FROM account WHERE account LIKE 'P/%%') WHERE line = 0 AND "
      "txid = %s" % LEG], "I7"),
    ("the payment's record is removed", "360000", ["DELETE FROM paid WHERE txid = %s" % LEG], "I7"),
    ("a refund is forgotten at the payer's node", "360000",
     ["UPDATE paid SET refunded_fen = 0 WHERE refunded_fen > 0"], "I7"),
    ("more is refunded than was paid", "360000",
     ["UPDATE paid SET refunded_fen = amount_fen + 1 WHERE refunded_fen > 0"], "I10"),
    ("a year's use is off by a fen", "360000", ["UPDATE usage SET used_fen = used_fen + 1 WHERE used_fen > 0"], "I8"),
    ("a hold is left", "360000",
     ["INSERT INTO hold SELECT txid, leg, 'draw', account, amount_fen, person_ref, binding_ref, 2026 FROM paid WHERE "
      "txid = %s" % LEG, "UPDATE account SET held_fen = (SELECT amount_fen FROM paid WHERE txid = %s) WHERE account = "
      "(SELECT account FROM paid WHERE txid = %s)" % (LEG, LEG)], "I8"),
    ("a hold is counted and not there", "360000",
     ["UPDATE account SET held_fen = 1 WHERE account = (SELECT max(account) FROM account)"], "I8"),
    ("an account is overdrawn", "360000",
     ["UPDATE account SET balance_fen = -1 WHERE account = %s" % LAST,
      "UPDATE posting SET amount_fen = -1 WHERE kind = 'opening' AND account = %s" % LAST], "I8"),
    ("a participant's decision is flipped", "360000",
     ["UPDATE part SET state = 'ABORTED', biz_live = '' WHERE txid = %s" % FIRST], "I1"),
    ("a participant is still in doubt", "360000", ["UPDATE part SET state = 'PREPARED' WHERE txid = %s" % FIRST], "I1"),
    ("a coordinator's decision is flipped", "130000",
     ["UPDATE coord SET state = 'ABORTED' WHERE txid = (SELECT min(txid) FROM coord WHERE state = 'ENDED')"], "I1"),
    ("an abort becomes a commit", "130000", ["UPDATE coord SET state = 'ENDED' WHERE state = 'ABORTED'"], "I1"),
    ("one person alone decided by hand", "360000",
     ["UPDATE part SET state = 'RESOLVED' WHERE txid = %s" % FIRST,
      "INSERT INTO resolution VALUES (%s, 'commit', 'r', 'e', 'li', 1, 'li', 2, '')" % FIRST], "I17"),
    ("a participant's record is removed", "360000", ["DELETE FROM part WHERE txid = %s" % FIRST], "I1"),
    ("a coordinator's record is removed", "130000",
     ["DELETE FROM coord WHERE txid = (SELECT min(txid) FROM coord WHERE state = 'ENDED')"], "I1"),
    ("a vote is removed", "130000",
     ["DELETE FROM vote WHERE txid = (SELECT min(txid) FROM coord WHERE state = 'ENDED') AND node = '360000'"], "I2"),
    ("a vote is a NO", "130000",
     ["UPDATE vote SET vote = 'NO' WHERE txid = (SELECT min(txid) FROM coord WHERE state = 'ENDED')"], "I2 I5"),
    ("a vote's signature is another one", "130000", ["UPDATE vote SET evidence = flip(evidence) WHERE vote = 'YES'"], "I16"),
    ("one vote stands in for another", "130000",
     ["UPDATE vote SET evidence = (SELECT evidence FROM vote v WHERE v.txid = vote.txid AND v.node = '330000') WHERE "
      "node = '360000' AND txid = (SELECT min(txid) FROM coord WHERE state = 'ENDED')"], "I16"),
    ("a certificate has a byte changed", "360000",
     ["UPDATE part SET proof = flip(proof) WHERE txid = %s" % FIRST], "I16"),
    ("a certificate is another transaction's", "360000",
     ["UPDATE part SET proof = (SELECT proof FROM part WHERE state = 'COMMITTED' ORDER BY txid DESC LIMIT 1) WHERE "
      "txid = %s" % FIRST], "I16"),
    ("an abort rests on a commit", "360000",
     ["UPDATE part SET proof = (SELECT proof FROM part WHERE state = 'COMMITTED' LIMIT 1) WHERE state = 'ABORTED'"],
     "I17"),
    ("a core has a byte changed", "130000",
     ["UPDATE coord SET core = flip(core) WHERE txid = (SELECT min(txid) FROM coord)"], "I13"),
    ("the core that was prepared has a byte changed", "360000",
     ["UPDATE part SET core_evidence = flip(core_evidence) WHERE txid = %s" % FIRST], "I16"),
    ("two records of one biz key", "130000",
     ["UPDATE coord SET msgid = (SELECT max(msgid) FROM coord WHERE state = 'ENDED') WHERE txid = (SELECT min(txid) "
      "FROM coord)"], "I6"),
    ("a client was told no, and it was done", "130000",
     ["UPDATE request SET state = 'REFUSED', code = 'BUSY' WHERE state = 'DONE' AND kind = 'settle'"], "I6"),
    ("a client was told done, and it was aborted", "130000",
     ["UPDATE request SET txid = (SELECT txid FROM coord WHERE state = 'ABORTED') WHERE state = 'DONE' AND msgid = "
      "(SELECT msgid FROM coord WHERE state = 'ABORTED')"], "I6"),
    ("a settlement is off by a fen", "130000", ["UPDATE settlement SET acct_pay = acct_pay + 1"], "I7"),
    ("a settlement's leg is removed", "130000", ["DELETE FROM settlement_leg WHERE leg = 1"], "I7"),
    ("a refund's record is removed", "130000", ["DELETE FROM refund WHERE remaining = 0"], "I7"),
    ("the home forgets what was consumed", "330000", ["DELETE FROM consumption WHERE refunded_fen = 0"], "I7"),
    ("a binding ended on one side only", "360000",
     ["UPDATE binding SET state = 'ended', end_date = 20991231, ended_by = 'payer' WHERE side = 'payer'"], "end"),
    ("one side of a binding is removed", "360000", ["DELETE FROM binding WHERE side = 'payer'"], "I7 end I21"),
    ("a relative paid who may not", "360000",
     ["UPDATE person SET insutype = '390' WHERE person_ref = (SELECT person_ref FROM paid WHERE txid = %s)" % LEG], "I21"),
    ("a relative paid before he was bound", "360000",
     ["UPDATE binding SET begin_date = 20991231 WHERE side = 'payer'"], "I21"),
    ("a payer's cap of a settlement is overrun", "130000",
     ["UPDATE paid SET amount_fen = 50001 WHERE amount_fen = 50000"], "I21"),
    ("a payer's cap of a year is overrun", "130000",
     ["UPDATE paid SET refunded_fen = -2000000 WHERE amount_fen = 50000"], "I21"),
    ("a notice was never acknowledged", "360000",
     ["INSERT INTO notice VALUES ('B0', '330000', 'payer', 'unbind', 20261101, 1)"], "end"),
)


PACKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "packs")


def flip(value):
    """The same bytes but for one bit."""
    return value[:-60] + bytes([value[-60] ^ 4]) + value[-59:]


class Check(ThreeNodes):
    def check(self, folder, *arguments):
        """(exit status, output) of gongji-check over the stores below |folder|."""
        stores = [os.path.join(folder, province.name, "gongji.db") for province in self.provinces]
        done = subprocess.run([os.path.join(harness.BUILD, "bin", "gongji-check"), "--registry",
                               os.path.join(folder, "registry.yaml"), "--packs", PACKS, *arguments, *stores],
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def copy(self, source, name):
        folder = os.path.join(os.path.dirname(source), name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder, ignore=lambda path, names: [one for one in names if one.endswith(".csv")])
        return folder

    def test_each_corruption_is_found(self):
        source = os.path.dirname(self.he.folder)
        self.story.run()
        self.assertEqual([], [row for row in self.report.rows if not row["ok"]])
        code, out = self.check(source, "--running")
        self.assertEqual(0, code, out)
        self.assert_all_is_well()
        self.jx.kill()  # its log stays beside its store
        for province in self.provinces:
            province.stop()
        self.assertTrue(glob.glob(self.jx.path("gongji.db-wal")))
        code, out = self.check(source)
        self.assertEqual(0, code, out)
        self.assertRegex(out, r"3 nodes, .* (1\d|[2-9]\d) committed \([2-9]\d* refunds, [3-9]\d* bindings\), [1-9]\d* "
                              r"aborted; .* [1-9]\d* payments under a cap; [1-9]\d* certificates and [1-9]\d* votes verified; 0 differences")
        print(out.strip())
        for what, node, statements, wanted in CORRUPTIONS:
            with self.subTest(what):
                self.assert_found(source, what, node, statements, wanted)
        self.assert_refused(source)
        print("%d corruptions, each was found" % len(CORRUPTIONS))

    def assert_found(self, source, what, node, statements, wanted):
        folder = self.copy(source, "corrupt")
        store = sqlite3.connect(os.path.join(folder, node, "gongji.db"))
        store.execute("PRAGMA ignore_check_constraints = 1")
        store.create_function("flip", 1, flip)
        changed = [store.execute(statement).rowcount for statement in statements]
        store.commit()
        store.close()
        self.assertNotIn(0, changed, what)
        code, out = self.check(folder)
        self.assertEqual(1, code, out)
        named = {line.split()[1] for line in out.splitlines() if line.startswith("difference: ")}
        self.assertTrue(named & set(wanted.split()), "%s: %s" % (what, out))

    def assert_refused(self, source):
        """What was not looked at is never called well."""
        folder = self.copy(source, "corrupt")
        os.remove(os.path.join(folder, "360000", "gongji.db"))
        self.assertEqual(2, self.check(folder)[0])
        shutil.copy(os.path.join(folder, "330000", "gongji.db"), os.path.join(folder, "360000", "gongji.db"))
        self.assertEqual(2, self.check(folder)[0])
        folder = self.copy(source, "corrupt")
        with open(os.path.join(folder, "330000", "gongji.db"), "r+b") as file:
            file.write(b"no store at all " * 1000)
        self.assertEqual(2, self.check(folder)[0])
        folder = self.copy(source, "corrupt")
        with open(os.path.join(folder, "registry.yaml"), encoding="utf-8") as file:
            text = file.read()
        keys = [line for line in text.splitlines() if "- public:" in line]
        with open(os.path.join(folder, "registry.yaml"), "w", encoding="utf-8") as file:
            file.write(text.replace(keys[0], "\0").replace(keys[1], keys[0]).replace("\0", keys[1]))
        code, out = self.check(folder)
        self.assertEqual(1, code, out)
        self.assertIn("difference: I16", out)


if __name__ == "__main__":
    unittest.main()

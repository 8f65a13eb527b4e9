# SPDX-License-Identifier: Apache-2.0
"""What must hold when a story is over, on every back end, told from the records of all nodes alone: everything is
decided, nothing is held, money is conserved, both ends of each leg say the same, one outcome per transaction and at
most one committed attempt per request. Shares no code with the nodes."""
from collections import defaultdict

OPEN = (("part", ("PREPARED", "PREPARING")), ("coord", ("BEGUN", "COMMITTED")), ("settlement", ("reversing",)),
        ("bound", ("reversing",)))
COMMITTED = {"COMMITTED", "ENDED"}


def undecided(rows, excused=()):
    """The first thing that is not finished, in words; "" if all is. |excused|: transactions that may stay so."""
    for node in rows.nodes:
        for table, states in OPEN:
            for row in rows(node, table):
                if row["state"] in states and row.get("txid") not in excused:
                    return "%s: %s %s" % (node, row.get("txid", ""), row["state"])
        for table in ("hold", "notice"):
            for row in rows(node, table):
                return "%s: a %s of %s is left" % (node, table, row.get("txid", row.get("binding_id")))
    return ""


def differences(rows):
    """Everything that is wrong, one sentence each."""
    wrong = []
    for check in (one_outcome, one_attempt, ledgers, both_ends, bindings):
        wrong.extend(check(rows))
    return wrong


def one_outcome(rows):
    states = defaultdict(dict)
    for node in rows.nodes:
        for table in ("part", "coord"):
            for row in rows(node, table):
                states[row["txid"]][node] = row["state"]
    for txid, at in sorted(states.items()):
        outcomes = {state in COMMITTED for state in at.values() if state != "RESOLVED"}
        if len(outcomes) > 1:
            yield "%s has two outcomes: %s" % (txid, ", ".join("%s at %s" % (at[node], node) for node in sorted(at)))


def one_attempt(rows):
    for node in rows.nodes:
        done = defaultdict(list)
        for row in rows(node, "coord"):
            if row["state"] in COMMITTED:
                done[(row["sender"], row["msgid"])].append(row["txid"])
        for key, txids in sorted(done.items()):
            if len(txids) > 1:
                yield "%s %s was committed %d times at %s" % (*key, len(txids), node)
        for row in rows(node, "request"):
            key = (row["sender"], row["msgid"])
            if row["kind"] in ("settle", "refund", "bind") and (row["state"] == "DONE") != (key in done):
                yield "%s %s is %s at %s, and %d attempts were committed" % (*key, row["state"], node, len(done[key]))


def ledgers(rows):
    for node in rows.nodes:
        sums, entries = defaultdict(int), defaultdict(int)
        for row in rows(node, "posting"):
            sums[row["account"]] += row["amount_fen"]
            entries[row["entry"]] += row["amount_fen"]
        for entry, fen in sorted(entries.items()):
            if fen != 0:
                yield "the lines of entry %s at %s sum to %d fen" % (entry, node, fen)
        for row in rows(node, "account"):
            if row["balance_fen"] != sums[row["account"]]:
                yield "%s at %s: %d fen, its postings sum to %d" % (row["account"], node, row["balance_fen"], sums[row["account"]])
            if row["held_fen"] != 0:
                yield "%s at %s: %d fen are held" % (row["account"], node, row["held_fen"])
            if row["account"].startswith("P/") and row["balance_fen"] < 0:
                yield "%s at %s is overdrawn" % (row["account"], node)


def both_ends(rows):
    """What a region's node says it owes another for a transaction is what the other's node says it is owed. Regions of
    a node that is not there are left out."""
    ends = defaultdict(int)
    for node in rows.nodes:
        for row in rows(node, "posting"):
            if row["account"].startswith("R/") and set(row["account"].split("/")[1:]) <= rows.regions:
                ends[(row.get("txid", ""), row["account"])] += row["amount_fen"]
    for (txid, account), fen in sorted(ends.items()):
        if fen != 0:
            yield "%s: the two ends of %s differ by %d fen" % (txid, account, fen)


def bindings(rows):
    states = defaultdict(dict)
    for node in rows.nodes:
        for row in rows(node, "binding"):
            states[row["binding_id"]][row["side"]] = row["state"]
    for name, sides in sorted(states.items()):
        if len(set(sides.values())) > 1:
            yield "binding %s: %s" % (name, ", ".join("the %s's side is %s" % pair for pair in sorted(sides.items())))

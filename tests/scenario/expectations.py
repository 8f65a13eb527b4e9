# SPDX-License-Identifier: Apache-2.0
"""What a step can expect: see_VERB says in words what is not yet so, "" if it is. It only looks; who is looked at (the
cast, the requests, the back end) belongs to the Play that these are a part of (actions.py)."""
from backend import Answer, Lost
from ends import COMMITTED, undecided
from language import StoryError


def yuan(amount_fen):
    return "%d.%02d" % divmod(amount_fen, 100)


class Rows:
    """The records of the nodes that a check looks at, read once."""

    def __init__(self, backend, nodes):
        self.backend = backend
        self.nodes = [node.name for node in nodes]
        self.regions = {region for node in nodes for region in node.regions}
        self.by_name = {node.name: node for node in nodes}
        self.kept = {}

    def __call__(self, name, table):
        key = (name, table)
        if key not in self.kept:
            self.kept[key] = self.backend.rows(self.by_name[name], table)
        return self.kept[key]


class Expectations:
    def __init__(self, backend):
        self.backend = backend
        self.differing, self.alarms = set(), set()

    # --- expectations: answers -----------------------------------------------------------------------------
    def heard(self, name):
        handle = self.actions[name].handle
        if handle is None:
            raise StoryError("%s was never sent" % name)
        return self.backend.poll(handle)

    @staticmethod
    def told(answer):
        if answer is None:
            return "no answer yet"
        if answer is Lost:
            return "the line broke before an answer"
        if answer.status == 200:
            return "done"
        return "%d %s" % (answer.status, " ".join(str(answer.body.get(key, "")) for key in ("code", "rule", "detail")).strip())

    def see_done(self, action):
        answer = self.heard(action)
        return "" if isinstance(answer, Answer) and answer.status == 200 else "%s: %s" % (action, self.told(answer))

    def see_refused(self, action, code):
        answer = self.heard(action)
        if isinstance(answer, Answer) and answer.status not in (200, 202) and code in (answer.body.get("code"), answer.body.get("rule")):
            return ""
        return "%s: %s" % (action, self.told(answer))

    def see_progress(self, action):
        answer = self.heard(action)
        return "" if isinstance(answer, Answer) and answer.status == 202 else "%s: %s" % (action, self.told(answer))

    def see_unheard(self, action):
        answer = self.heard(action)
        return "" if answer is Lost else "%s: %s" % (action, self.told(answer))

    def see_waiting(self, action):
        answer = self.heard(action)
        return "" if answer is None else "%s: %s" % (action, self.told(answer))

    def see_same(self, action):
        before = [answer for answer in self.actions[action].answers if isinstance(answer, Answer)]
        answer = self.heard(action)
        if not before:
            raise StoryError("%s had no answer before" % action)
        return "" if answer == before[-1] else "%s: %s, before: %s" % (action, self.told(answer), self.told(before[-1]))

    def see_says(self, action, word, value):
        answer = self.heard(action)
        said = self.see_done(action)
        if said:
            return said
        found = answer.body.get(word)
        found = str(found).lower() if isinstance(found, bool) else str(found)
        return "" if found == value else "%s says %s %s" % (action, word, found)

    def see_paid(self, action, payers):
        said = self.see_done(action)
        if said:
            return said
        wanted = sorted((self.cast.person(one.split()[0]).node.region, one.split()[1]) for one in payers.split(", "))
        found = sorted((line["region"], line["amount"]) for line in self.heard(action).body.get("payers", []))
        return "" if wanted == found else "%s is paid by %s" % (action, ", ".join("%s %s" % pair for pair in found) or "nobody")

    def see_explains(self, action, word):
        said = self.see_done(action)
        if said:
            return said
        results = [line["result"] for line in self.heard(action).body.get("explain", [])]
        return "" if word in results else "%s explains %s" % (action, ", ".join(results))

    def see_one(self, actions):
        told = [self.told(self.heard(name)) for name in actions.split(", ")]
        if any(word in ("no answer yet", "the line broke before an answer") or word.startswith("202") for word in told):
            return ", ".join(told)
        return "" if told.count("done") == 1 else ", ".join(told)

    # --- expectations: records -----------------------------------------------------------------------------
    def all_rows(self, table, nodes=None):
        return [(node, row) for node in (nodes or self.cast.nodes) for row in self.backend.rows(node, table)]

    def txids(self, name):
        """The attempts of a request, in their order."""
        sender, msgid = self.actions[name].record
        found = {row["txid"] for table in ("coord", "part") for _, row in self.all_rows(table)
                 if row.get("sender") == sender and row.get("msgid") == msgid}
        return sorted(found, key=lambda txid: [int(part) for part in txid.split("/")[1:]])

    def state_at(self, txid, node):
        for table in ("coord", "part"):
            for row in self.backend.rows(self.node(node), table):
                if row["txid"] == txid:
                    return row["state"]
        return ""

    def compare_state(self, txids, which, state, node):
        found = self.state_at(txids[which], node) if txids else ""
        same = found == state or (state == "COMMITTED" and found in COMMITTED)
        return "" if same else "it is %s there" % (found or "unknown")

    def see_state(self, action, state, node):
        return self.compare_state(self.txids(action), -1, state, node)

    def see_not(self, action, state, node):
        txids = self.txids(action)
        found = self.state_at(txids[-1], node) if txids else ""
        return "it is %s there" % state if found == state else ""

    def see_first(self, action, state, node):
        return self.compare_state(self.txids(action), 0, state, node)

    def see_nothing(self, action, node):
        txids = self.txids(action)
        found = [self.state_at(txid, node) for txid in txids]
        return "it is %s there" % ", ".join(filter(None, found)) if any(found) else ""

    def record_of(self, name):
        sender, msgid = self.actions[name].record
        for row in self.backend.rows(self.actions[name].node, "request"):
            if (row["sender"], row["msgid"]) == (sender, msgid):
                return row
        return {"state": "unknown"}

    def see_request(self, action, word):
        found = self.record_of(action)["state"].lower()
        return "" if found == word else "its record says %s" % found

    def see_reversal(self, action, word):
        found = self.record_of(action).get("reversal", "") or "none"
        return "" if found == word else "its record says %s" % found

    def account(self, person, sub):
        who = self.cast.person(person)
        for row in self.backend.rows(who.node, "account"):
            if row["account"] == who.account(sub):
                return row["balance_fen"], row["held_fen"]
        return 0, 0

    def see_has(self, person, money):
        found = yuan(self.account(person, "prior")[0])
        return "" if found == money else "%s has %s" % (person, found)

    def see_suspense(self, person, money):
        found = yuan(self.account(person, "suspense")[0])
        return "" if found == money else "%s has %s there" % (person, found)

    def see_spend(self, person, money):
        balance, held = self.account(person, "prior")
        return "" if yuan(balance - held) == money else "%s can spend %s" % (person, yuan(balance - held))

    def see_holds(self, node, money):
        found = yuan(sum(row["held_fen"] for row in self.backend.rows(self.node(node), "account")))
        return "" if found == money else "%s holds %s" % (node, found)

    def see_binding(self, action, word, node):
        name = self.answer_of(action).body["binding_id"]
        found = sorted({row["state"] for row in self.backend.rows(self.node(node), "binding") if row["binding_id"] == name})
        return "" if found == [word] else "it is %s there" % (", ".join(found) or "unknown")

    # --- expectations: nodes -------------------------------------------------------------------------------
    def ask_node(self, node):
        """What the node says of itself; None if it says nothing."""
        if not self.backend.is_up(node):
            return None
        handle = self.backend.call(node, "GET", "/v1/node", None)
        answer, tries = None, 0
        while answer is None and tries < 50:
            self.backend.advance(0.001 if tries < 10 else 0.02)
            answer, tries = self.backend.poll(handle), tries + 1
        return answer.body if isinstance(answer, Answer) and answer.status == 200 else None

    def see_heard(self, node):
        about = self.ask_node(node)
        if about is None:
            return "%s does not answer" % node.name
        deaf = [peer["node"] for peer in about["peers"] if not peer["heard"]]
        return "%s has not heard %s" % (node.name, ", ".join(deaf)) if deaf else ""

    def see_life(self, node, life):
        at = self.node(node)
        if life in ("up", "down"):
            is_up = self.backend.is_up(at)
            return "" if is_up == (life == "up") else "%s is %s" % (node, "up" if is_up else "down")
        about = self.ask_node(at)
        found = "silent" if about is None else about["state"]
        return "" if found == life else "%s is %s" % (node, found)

    def see_case(self, word, node):
        found = sorted({row["what"] for row in self.backend.rows(self.node(node), "case_file")})
        return "" if word in found else "cases there: %s" % (", ".join(found) or "none")

    def see_alarm(self, word, node):
        self.alarms.add((word, node))
        alarms = self.backend.events(self.node(node))[1]
        return "" if alarms.get(word) else "no such alarm; there are: %s" % (", ".join(sorted(alarms)) or "none")

    def see_event(self, word, node):
        events = self.backend.events(self.node(node))[0]
        return "" if events.get(word) else "no such event; there are: %s" % (", ".join(sorted(events)) or "none")

    def see_quiet(self, node):
        alarms = self.backend.events(self.node(node))[1]
        return "alarms: %s" % ", ".join(sorted(alarms)) if alarms else ""

    def see_decided(self):
        excused = {txid for name in self.differing for txid in self.txids(name)}
        return undecided(Rows(self.backend, self.present()), excused)

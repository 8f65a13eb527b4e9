# SPDX-License-Identifier: Apache-2.0
"""What each statement does. One Play is one story on one back end: do_VERB for a step that does something; what a step
expects is in expectations.py."""
from urllib.parse import quote

from cast import Cast, Node
from ends import differences
from expectations import Expectations, Rows, yuan
from language import StoryError, fen, seconds

ABILITY = {"lose": "messages", "duplicate": "messages", "hold": "messages", "delay": "messages", "record": "messages",
           "release": "messages", "replay": "messages", "let_pass": "messages", "crash_writing": "flushes",
           "crash_sending": "flushes", "store_full": "disk", "store_low": "disk", "store_well": "disk", "revoke_key": "keys",
           "lie_abort": "lies", "lie_flawed": "lies", "lie_no": "lies", "lie_commit": "lies", "clock_is": "dates", "clock": "clocks"}
COORDINATOR_STATES = ("BEGUN", "ENDED")
WAIT_EVERYWHERE_S = 20


def ability_of(step):
    """What a step needs beyond the plain abilities; "" for nothing."""
    if step.verb == "wait" and seconds(step.values["time"]) > WAIT_EVERYWHERE_S:
        return "hours"
    if (step.limit_s or 0) > 90 or (step.hold_s or 0) > WAIT_EVERYWHERE_S:
        return "hours"
    return ABILITY.get(step.verb, "")


class Action:
    """A client's request, as often as it is sent."""

    def __init__(self, node, path, body, record):
        self.node = node
        self.path = path
        self.body = body
        self.record = record  # (sender, msgid) of its record
        self.handle = None
        self.answers = []     # earlier ones


class Play(Expectations):
    def __init__(self, backend, story):
        super().__init__(backend)
        self.story = story
        self.cast = Cast()
        self.actions = {}
        self.is_open = False
        self.absent = set()

    # --- running -------------------------------------------------------------------------------------------
    def run(self):
        for step in self.story.steps:
            try:
                self.run_step(step)
            except StoryError as problem:
                raise StoryError("%s:%d: %s\n    %s" % (self.story.path, step.line, step.text, problem)) from None
        self.end()

    def run_step(self, step):
        if step.verb.startswith("expect"):
            self.open()
            self.expect(step)
            return
        if step.verb not in ("provinces", "person", "rule", "clock_is"):
            self.open()
        getattr(self, "do_" + step.verb)(**step.values)

    def open(self):
        """Starts the nodes once, when the first step needs them; waits until all have heard each other."""
        if self.is_open:
            return
        self.is_open = True
        self.backend.open(self.cast)
        for node in self.cast.nodes:
            self.wait(lambda node=node: self.see_heard(node), 30)

    def wait(self, see, limit_s):
        """Until |see| has nothing to say; StoryError with the last it said."""
        begin_s, said = self.backend.now_s(), see()
        while said:
            waited_s = self.backend.now_s() - begin_s
            if waited_s >= limit_s:
                raise StoryError("%s, after %g s" % (said, limit_s))
            self.backend.advance(max(0.001, min(self.backend.pause_s(waited_s), limit_s - waited_s)))
            said = see()

    def expect(self, step):
        def see():
            return getattr(self, "see_" + step.verb[7:])(**step.values)
        limit_s = step.limit_s if step.limit_s is not None else self.backend.patience_s
        self.wait(see, 0 if step.verb == "expect_quiet" else limit_s)
        if step.hold_s is None:
            return
        until_s = self.backend.now_s() + step.hold_s
        while self.backend.now_s() < until_s:
            self.backend.advance(0.5)
            said = see()
            if said:
                raise StoryError("not for long: " + said)

    # --- who there is --------------------------------------------------------------------------------------
    def do_provinces(self, nodes):
        self.cast.nodes = [Node(index, name) for index, name in enumerate(nodes.split(", "))]

    def do_person(self, name, node, money):
        if self.is_open:
            raise StoryError("people must be there before anything happens: move this line up")
        self.cast.add_person(name, self.node(node), fen(money))

    def do_rule(self, rule, value):
        if self.is_open or rule not in self.cast.pack:
            raise StoryError("before anything happens, one of: " + ", ".join(self.cast.pack))
        self.cast.pack[rule] = value if value.isalpha() else '"%s"' % value

    def do_clock_is(self, at):
        self.cast.begin_at(at)

    def do_pays(self, person, to_person):
        name = "%s_%s" % (person, to_person)
        self.do_bind(name, person, to_person, self.cast.nodes[0].name)
        self.wait(lambda: self.see_done(name), self.backend.patience_s)
        self.wait(self.see_decided, self.backend.patience_s)

    def node(self, name):
        return self.cast.node(name)

    # --- requests ------------------------------------------------------------------------------------------
    def add(self, name, node, path, body, is_sent=True):
        self.actions[name] = Action(node, path, body, (body["sender"], body.get("msgid", "")))
        if is_sent:
            self.do_send(name)

    def do_send(self, action):
        sent = self.actions[action]
        if sent.handle is not None:
            raise StoryError('%s was sent: "send %s again" does it once more' % (action, action))
        sent.handle = self.backend.call(sent.node, "POST", sent.path, sent.body)

    def do_again(self, action, money=None):
        sent = self.actions[action]
        sent.answers.append(self.backend.poll(sent.handle))
        body = dict(sent.body)
        if money is not None:
            body.update(self.amounts(fen(money)))
        sent.handle = self.backend.call(sent.node, "POST", sent.path, body)

    @staticmethod
    def amounts(amount_fen):
        amount = yuan(amount_fen)
        return {"medfee_sumamt": amount, "fund_pay_sumamt": "0.00", "psn_part_amt": amount, "acct_payable_amt": amount}

    def bill(self, name, node, person, money):
        who, at = self.cast.person(person), self.node(node)
        body = {"fixmedins_code": at.institution, "sender": at.institution, "msgid": "STORY-" + name,
                "mdtrtarea_admvs": at.region, "mdtrt_cert_type": "02", "mdtrt_cert_no": who.certno, "med_type": "11"}
        body.update(who.party())
        body.update(self.amounts(fen(money)))
        return at, body

    def do_plan(self, new, money, person, node):
        at, body = self.bill(new, node, person, money)
        self.add(new, at, "/v1/plans", body)

    def do_settle(self, new, money, person, node, action=None, cash=None, to=None, is_sent=True):
        at, body = self.bill(new, node, person, money)
        if action is not None:
            body["plan_id"] = self.answer_of(action).body["plan_id"]
        else:
            body["expected_psn_cash_pay"] = cash if cash is not None else money
        self.add(new, self.node(to) if to else at, "/v1/settlements", body, is_sent)

    def do_draft(self, new, money, person, node):
        self.do_settle(new, money, person, node, is_sent=False)

    def do_refund(self, new, money, action):
        of = self.actions[action]
        body = {"sender": of.body["sender"], "msgid": "STORY-" + new, "amount": money}
        self.add(new, of.node, "/v1/settlements/%s/refunds" % quote(self.answer_of(action).body["setl_id"], safe=""), body)

    def do_reverse(self, action, new):
        of = self.actions[action]
        self.add(new, of.node, "/v1/reversals", {"sender": of.body["sender"], "omsgid": of.body["msgid"]})

    def do_bind(self, new, person, to_person, node):
        at = self.node(node)
        body = {"sender": at.number + "/app", "msgid": "STORY-" + new.replace("_", "-"), "consent_ref": "consent",
                "relation": "child", "payer": self.cast.person(person).party(),
                "recipient": self.cast.person(to_person).party()}
        self.add(new, at, "/v1/bindings", body)
        self.actions[new].payer, self.actions[new].recipient = self.cast.person(person), self.cast.person(to_person)

    def do_unbind(self, new, action, role):
        of = self.actions[action]
        at = (of.payer if role == "payer" else of.recipient).node
        body = {"sender": at.number + "/app", "msgid": "STORY-" + new, "by": role}
        self.add(new, at, "/v1/bindings/%s:unbind" % quote(self.answer_of(action).body["binding_id"], safe=""), body)

    def decide(self, word, operator, outcome, action, node, new):
        at = self.node(node)
        txids = self.txids(action)
        if not txids:
            raise StoryError("no transaction of %s is known anywhere" % action)
        target = "/v1/transactions/%s:%s" % (quote(txids[-1], safe=""), word)
        body = {"outcome": outcome, "reason": "its coordinator does not speak", "evidence": "letter 17"}
        self.actions[new] = Action(at, target, body, ("", ""))
        self.actions[new].handle = self.backend.call(at, "POST", target, body, operator)

    def do_propose(self, **values):
        self.decide("propose", **values)

    def do_confirm(self, **values):
        self.decide("confirm", **values)

    def answer_of(self, name):
        """The answer that a later request builds on."""
        if self.actions[name].handle is None:
            raise StoryError('%s was not sent: "send %s" first' % (name, name))
        self.wait(lambda: self.see_done(name), self.backend.patience_s)
        return self.backend.poll(self.actions[name].handle)

    # --- time and faults -----------------------------------------------------------------------------------
    def do_wait(self, time):
        self.backend.advance(seconds(time))

    def do_crash(self, node):
        self.backend.crash(self.node(node))

    def do_crash_writing(self, node, order, state, side=None):
        by_coordinator = state in COORDINATOR_STATES if side is None else side == "as coordinator"
        self.backend.crash_writing(self.node(node), order, "coord" if by_coordinator else "part", state)

    def do_crash_sending(self, node, kind):
        self.backend.crash_sending(self.node(node), kind)

    def do_restart(self, node, clock="+0s"):
        self.backend.restart(self.node(node), int(seconds(clock)), True)

    def do_restart_doubtful(self, node):
        self.backend.restart(self.node(node), 0, False)

    def do_clock(self, node, clock):
        self.backend.set_clock(self.node(node), int(seconds(clock)))

    def do_freeze(self, node):
        self.backend.freeze(self.node(node), True)

    def do_thaw(self, node):
        self.backend.freeze(self.node(node), False)

    def do_cut_way(self, **ways):
        self.backend.cut(self.node(ways["from"]), self.node(ways["to"]), True)

    def do_cut(self, **ways):
        for origin, target in ((ways["from"], ways["to"]), (ways["to"], ways["from"])):
            self.backend.cut(self.node(origin), self.node(target), True)

    def do_heal(self, **ways):
        for origin, target in ((ways["from"], ways["to"]), (ways["to"], ways["from"])):
            self.backend.cut(self.node(origin), self.node(target), False)

    def trap(self, act, values, label="", delay_s=0):
        times = -1 if values.get("how_many") == "every" else 1
        self.backend.trap(act, values["kind"], self.node(values["from"]), self.node(values["to"]), times, label, delay_s)

    def do_lose(self, **values):
        self.trap("lose", values)

    def do_duplicate(self, **values):
        self.trap("duplicate", values)

    def do_hold(self, label, **values):
        self.trap("hold", values, label)

    def do_record(self, label, **values):
        self.trap("record", values, label)

    def do_delay(self, time, **values):
        self.trap("delay", values, "", seconds(time))

    def do_let_pass(self, kind, **ways):
        if self.backend.untrap(kind, self.node(ways["from"]), self.node(ways["to"])) == 0:
            raise StoryError("no %s went that way since it was trapped: the story did not test what it says" % kind)

    def do_release(self, label):
        if self.backend.release(label, False) == 0:
            raise StoryError("nothing is held as %s" % label)

    def do_replay(self, label):
        if self.backend.release(label, True) == 0:
            raise StoryError("nothing was recorded as %s" % label)

    def do_store_full(self, node):
        self.backend.store_room(self.node(node), True, True)

    def do_store_low(self, node):
        self.backend.store_room(self.node(node), False, True)

    def do_store_well(self, node):
        self.backend.store_room(self.node(node), False, False)

    def do_backup(self, node):
        self.backend.backup(self.node(node))

    def do_restore(self, node):
        self.backend.restore(self.node(node))

    def do_revoke_key(self, node):
        self.backend.revoke_key(self.node(node))

    def lie(self, what, action, ways, without="", flaw=""):
        self.backend.lie(self.node(ways["from"]), self.node(ways["to"]), what, self.txids(action)[-1], without, flaw)

    def do_lie_abort(self, action, **ways):
        self.lie("abort", action, ways)

    def do_lie_flawed(self, action, flaw, **ways):
        self.lie("abort", action, ways, "", flaw)

    def do_lie_no(self, action, **ways):
        self.lie("no", action, ways)

    def do_lie_commit(self, action, node, **ways):
        self.lie("commit", action, ways, self.node(node).number)

    def do_end_without(self, node):
        self.absent.add(node)

    def do_end_differs(self, action):
        self.differing.add(action)

    def present(self):
        return [node for node in self.cast.nodes if node.name not in self.absent]

    # --- the end -------------------------------------------------------------------------------------------
    def end(self):
        try:
            self.check_end()
        except StoryError as problem:
            raise StoryError("%s: at the end: %s" % (self.story.path, problem)) from None

    def check_end(self):
        down = [node.name for node in self.present() if not self.backend.is_up(node)]
        if down:
            raise StoryError('%s is down: restart it, or say "end without %s"' % (down[0], down[0]))
        idle = self.backend.idle_traps()
        if idle:
            raise StoryError("this never happened: %s" % "; ".join(idle))
        self.wait(lambda: self.see_decided() or ("" if self.absent or self.differing else self.backend.judge(False)[1]), self.backend.end_s)
        wrong = differences(Rows(self.backend, self.present()))
        excused = {txid for name in self.differing for txid in self.txids(name)}
        strange = [one for one in wrong if not any(txid in one for txid in excused)]
        if strange:
            raise StoryError("; ".join(strange))
        if self.differing and not wrong:
            raise StoryError("nothing differs, and the story says that something does")
        failure = "" if self.absent or self.differing else self.backend.judge(True)[0]
        if failure:
            raise StoryError("the checker: " + failure)
        for node in self.present():
            unexpected = {word for word in self.backend.events(node)[1] if (word, node.name) not in self.alarms}
            if unexpected:
                raise StoryError("%s has an alarm that the story does not expect: %s" % (node.name, ", ".join(sorted(unexpected))))

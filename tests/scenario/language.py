# SPDX-License-Identifier: Apache-2.0
"""The story language: lines of a file into steps, with errors that say file, line and what to do.

A statement is a template such as "settle {new} {money} of {person} at {node}[ by plan {action}]": words stand for
themselves, [..] may be left out, {..} is a value of a type. What a step does is actions.py's; this file only reads."""
import difflib
import re
from collections import namedtuple

Step = namedtuple("Step", "line text verb values limit_s hold_s")
Story = namedtuple("Story", "name path title about steps")


class StoryError(Exception):
    """A story that cannot be read, or a step that cannot be done: the message is for people."""


KINDS = ("hello", "welcome", "verify", "verified", "plan", "plan_answer", "cover", "cover_answer", "core", "legs", "vote",
         "vote_facts", "commit", "abort", "ack", "inquire", "status", "revoke", "revoked", "error", "replay_ask", "replay", "message")
STATES = ("BEGUN", "COMMITTED", "ABORTED", "ENDED", "PREPARED", "REFUSED", "RESOLVED")
LIVES = ("up", "down", "open", "gate", "resync", "draining")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

TYPES = {
    "node": r"[a-z]+", "nodes": r"[a-z]+(?:, [a-z]+)*", "new": r"[a-z][a-z0-9]*", "action": r"[a-z][a-z0-9_]*",
    "actions": r"[a-z][a-z0-9]*(?:, [a-z][a-z0-9]*)+", "person": r"[a-z]+", "to_person": r"[a-z]+",
    "name": r"[a-z]+", "money": r"[0-9]+\.[0-9]{2}", "cash": r"[0-9]+\.[0-9]{2}", "kind": "|".join(KINDS),
    "state": "|".join(STATES), "time": r"[0-9]+(?:ms|s|m|h|d)", "clock": r"[+-][0-9]+(?:s|m|h)",
    "at": r"[0-2][0-9]:[0-5][0-9]:[0-5][0-9]", "from": r"[a-z]+", "to": r"[a-z]+", "word": r"[a-z_]+", "code": r"[A-Z][A-Z0-9_]+",
    "value": r"\S+", "label": r"[a-z][a-z0-9]*", "payers": r"[a-z]+ [0-9]+\.[0-9]{2}(?:, [a-z]+ [0-9]+\.[0-9]{2})*",
    "rule": r"[a-z_]+", "side": "as coordinator|as participant", "how_many": "next|every", "order": "before|after",
    "outcome": "commit|abort", "flaw": "signature|path", "operator": "zhao|qian",
    "life": "|".join(LIVES), "role": "recipient|payer"}

# verb, template. A name in {node}, {from}, {to}, {person}, {action} must have been introduced above it.
STATEMENTS = (
    ("provinces", "given provinces {nodes}"),
    ("person", "given {name} of {node} with {money}"),
    ("pays", "given {person} pays for {to_person}"),
    ("rule", "given rule {rule} {value}"),
    ("clock_is", "given time {at}"),
    ("plan", "plan {new} {money} of {person} at {node}"),
    ("settle", "settle {new} {money} of {person} at {node}[ by plan {action}][ agreeing to {cash} cash][ asked at {to}]"),
    ("draft", "draft {new} {money} of {person} at {node}"),
    ("refund", "refund {new} {money} of {action}"),
    ("reverse", "reverse {action} as {new}"),
    ("bind", "bind {new} {person} pays for {to_person} at {node}"),
    ("unbind", "unbind {new} of {action} by the {role}"),
    ("propose", "{operator} proposes {outcome} of {action} at {node} as {new}"),
    ("confirm", "{operator} confirms {outcome} of {action} at {node} as {new}"),
    ("send", "send {action}"),
    ("again", "send {action} again[ with {money}]"),
    ("wait", "wait {time}"),
    ("crash", "crash {node}"),
    ("crash_writing", "crash {node} {order} writing {state}[ {side}]"),
    ("crash_sending", "crash {node} after sending {kind}"),
    ("restart", "restart {node}[ with clock {clock}]"),
    ("restart_doubtful", "restart {node} without witness"),
    ("clock", "the clock of {node} is {clock} off"),
    ("freeze", "freeze {node}"),
    ("thaw", "thaw {node}"),
    ("cut", "cut {from} from {to}"),
    ("cut_way", "cut words of {from} to {to}"),
    ("heal", "heal {from} and {to}"),
    ("lose", "lose {how_many} {kind} from {from} to {to}"),
    ("duplicate", "duplicate {how_many} {kind} from {from} to {to}"),
    ("hold", "hold {how_many} {kind} from {from} to {to} as {label}"),
    ("delay", "delay {how_many} {kind} from {from} to {to} by {time}"),
    ("record", "record next {kind} from {from} to {to} as {label}"),
    ("release", "release {label}"),
    ("replay", "replay {label}"),
    ("let_pass", "let {kind} pass from {from} to {to}"),
    ("store_full", "the store of {node} is full"),
    ("store_low", "the store of {node} is low"),
    ("store_well", "the store of {node} has room"),
    ("backup", "back up {node}"),
    ("restore", "restore {node}"),
    ("revoke_key", "revoke the key of {node}"),
    ("lie_abort", "lie: {from} tells {to} ABORT of {action}"),
    ("lie_flawed", "lie: {from} tells {to} ABORT of {action} with a broken {flaw}"),
    ("lie_no", "lie: {from} tells {to} NO of {action}"),
    ("lie_commit", "lie: {from} tells {to} COMMIT of {action} without the vote of {node}"),
    ("end_without", "end without {node}"),
    ("end_differs", "end with a difference about {action}"),
    ("expect_done", "expect {action} done"),
    ("expect_refused", "expect {action} refused {code}"),
    ("expect_progress", "expect {action} in progress"),
    ("expect_unheard", "expect {action} unheard"),
    ("expect_waiting", "expect {action} waiting"),
    ("expect_same", "expect {action} answered as before"),
    ("expect_says", "expect {action} says {word} {value}"),
    ("expect_paid", "expect {action} paid by {payers}"),
    ("expect_explains", "expect {action} explains {word}"),
    ("expect_one", "expect one of {actions} done"),
    ("expect_state", "expect {action} {state} at {node}"),
    ("expect_not", "expect {action} not {state} at {node}"),
    ("expect_first", "expect first try of {action} {state} at {node}"),
    ("expect_nothing", "expect nothing of {action} at {node}"),
    ("expect_request", "expect request {action} {word}"),
    ("expect_reversal", "expect reversal of {action} {word}"),
    ("expect_has", "expect {person} has {money}"),
    ("expect_spend", "expect {person} can spend {money}"),
    ("expect_holds", "expect {node} holds {money}"),
    ("expect_suspense", "expect {person} has {money} in suspense"),
    ("expect_binding", "expect binding {action} {word} at {node}"),
    ("expect_case", "expect a case {word} at {node}"),
    ("expect_life", "expect {node} is {life}"),
    ("expect_alarm", "expect alarm {word} at {node}"),
    ("expect_event", "expect event {word} at {node}"),
    ("expect_quiet", "expect no alarm at {node}"),
    ("expect_decided", "expect everything decided"),
)


def pattern_of(template):
    """A template as a regular expression with one named group per value."""
    parts = re.split(r"(\{[a-z_]+\}|\[|\])", template)
    made = []
    for part in parts:
        if part == "[":
            made.append("(?:")
        elif part == "]":
            made.append(")?")
        elif part.startswith("{"):
            name = part[1:-1]
            made.append("(?P<%s>%s)" % (name, TYPES[name]))
        else:
            made.append(re.escape(part).replace(r"\ ", " +"))
    return re.compile("".join(made) + r"\Z")


PATTERNS = tuple((verb, pattern_of(template), template) for verb, template in STATEMENTS)
TEMPLATE_OF = dict(STATEMENTS)


def seconds(text):
    """'5s', '2m', '+1h' in seconds."""
    number, unit = re.fullmatch(r"([+-]?[0-9]+)([a-z]+)", text).groups()
    return int(number) * UNITS[unit]


def fen(text):
    return int(text.replace(".", ""))


class Reader:
    """Reads one file; remembers which names the lines above have introduced."""

    def __init__(self, path, name):
        self.path = path
        self.name = name
        self.nodes, self.people, self.actions, self.labels = [], [], [], []
        self.title, self.about, self.steps = "", [], []

    def fail(self, line, problem, advice):
        raise StoryError("%s:%d: %s\n    %s" % (self.path, line, problem, advice))

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            for number, raw in enumerate(file, 1):
                text = raw.split("#", 1)[0].strip()
                if text:
                    self.read_line(number, text)
        if not self.title:
            self.fail(1, "a story has no title", 'begin it with "story: what it shows, in one sentence"')
        if not any(step.verb.startswith("expect") for step in self.steps):
            self.fail(1, "a story expects nothing", 'add at least one line that begins with "expect"')
        return Story(self.name, self.path, self.title, self.about, self.steps)

    def read_line(self, number, text):
        head = re.match(r"(story|about): *(.+)", text)
        if head and head.group(1) == "story":
            self.title = head.group(2)
        elif head:
            self.about.append(head.group(2))
        else:
            self.steps.append(self.read_step(number, text))

    def read_step(self, number, text):
        bare, limit_s, hold_s = text, None, None
        within = re.fullmatch(r"(expect .+) within ([0-9]+(?:ms|s|m|h))", bare)
        if within:
            bare, limit_s = within.group(1), seconds(within.group(2))
        throughout = re.fullmatch(r"for ([0-9]+(?:ms|s|m|h)) (expect .+)", bare)
        if throughout:
            hold_s, bare = seconds(throughout.group(1)), throughout.group(2)
        matches = []
        for verb, pattern, _ in PATTERNS:
            match = pattern.match(bare)
            if match:
                matches.append((verb, {key: value for key, value in match.groupdict().items() if value is not None}))
        if not matches:
            self.unknown(number, bare)
        verb, values = matches[0]
        self.check_names(number, verb, values)
        return Step(number, text, verb, values, limit_s, hold_s)

    def unknown(self, number, text):
        first = text.split()[0] if text.split() else ""
        same = [template for _, template in STATEMENTS if template.split()[0] == first]
        near = difflib.get_close_matches(text, [template for _, template in STATEMENTS], 3, 0.2)
        shown = same if same else near
        self.fail(number, "no statement reads like this: %s" % text,
                  "statements that begin so: " + "; ".join(shown) if same else "the nearest: " + "; ".join(shown))

    def known(self, number, what, name, names, how):
        if name not in names:
            self.fail(number, "no %s is called %s" % (what, name),
                      "%s; known here: %s" % (how, ", ".join(names) if names else "none"))

    def check_names(self, number, verb, values):
        if verb == "provinces":
            self.nodes = values["nodes"].split(", ")
            if not 2 <= len(self.nodes) <= 4:
                self.fail(number, "%d provinces" % len(self.nodes), "name two to four of them")
            return
        if not self.nodes:
            if verb in ("rule", "clock_is"):
                return
            self.fail(number, "no provinces yet", 'put "given provinces care, home, east" above it')
        for key in ("node", "from", "to"):
            if key in values:
                self.known(number, "province", values[key], self.nodes, 'name it in "given provinces ..."')
        for key in ("person", "to_person"):
            if key in values:
                self.known(number, "person", values[key], self.people, 'introduce him: "given NAME of PROVINCE with 30.00"')
        for name in values.get("actions", values.get("action", "")).replace(",", " ").split():
            self.known(number, "request", name, self.actions, "it must have been made above")
        if verb in ("release", "replay"):
            self.known(number, "held or recorded message", values["label"], self.labels, 'hold it first: "hold next ... as NAME"')
        self.introduce(number, verb, values)

    def introduce(self, number, verb, values):
        for key, names, what in (("new", self.actions, "request"), ("name", self.people, "person")):
            if key in values:
                if values[key] in names:
                    self.fail(number, "a second %s is called %s" % (what, values[key]), "give each a name of its own")
                names.append(values[key])
        if verb in ("hold", "record"):
            self.labels.append(values["label"])
        if verb == "pays":
            self.actions.append("%s_%s" % (values["person"], values["to_person"]))


def read_story(path):
    name = re.sub(r"\.story\Z", "", path.rsplit("/", 1)[-1])
    return Reader(path, name).read()

# SPDX-License-Identifier: Apache-2.0
"""What happened, as a table for people or as JSON for programs."""
import json
import unicodedata


def width(text):
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def pad(text, columns):
    return text + " " * max(0, columns - width(text))


class Report:
    def __init__(self, quiet):
        self.quiet = quiet
        self.rows = []
        self.counts = {"settled": 0, "refunded": 0, "refused": 0, "crashes": 0, "differences": 0}

    def say(self, text):
        if not self.quiet:
            print(text, flush=True)

    def row(self, step, what, result, answer, expect=True):
        entry = {"step": step, "what": what, "result": result, "ok": bool(expect)}
        if answer is not None:
            entry["status"] = answer.status
            entry["ms"] = round(answer.ms, 1)
        self.rows.append(entry)
        ms = "%7.0f ms" % answer.ms if answer is not None else " " * 10
        self.say("%s %s %s  %s%s" % (pad(step, 8), pad(what, 58), ms, result, "" if expect else "   <-- NOT AS EXPECTED"))
        if not expect:
            self.counts["differences"] += 1
            if answer is not None:
                self.say("         the node said %d: %s" % (answer.status, json.dumps(answer.body, ensure_ascii=False)))

    def settled(self, step, what, result, answer, expect):
        self.counts["settled"] += 1 if answer is not None and answer.ok else 0
        self.row(step, what, result, answer, expect)

    def refunded(self, step, what, result, answer, expect):
        self.counts["refunded"] += 1 if answer.ok else 0
        self.row(step, what, result, answer, expect)

    def refused(self, step, what, answer, reason):
        """A refusal that must come, with this rule or code, in both languages."""
        said = answer.reason
        self.counts["refused"] += 1
        text = answer.body.get("message_zh", "")
        self.row(step, what, "refused, %s %s" % (said, text), answer,
                 expect=400 <= answer.status < 500 and said == reason and bool(text))

    def crash(self, step, what, states, agreed):
        self.counts["crashes"] += 1
        self.row(step, what, ", ".join("%s %s" % pair for pair in sorted(states.items())), None, expect=agreed)

    def difference(self, text):
        self.counts["differences"] += 1
        self.rows.append({"step": "check", "what": text, "ok": False})
        self.say("difference: " + text)

    def line(self):
        return "trial: %(settled)d settled, %(refunded)d refunded, %(refused)d refused, %(crashes)d crashes, " \
               "%(differences)d differences" % self.counts

    def as_json(self, extra):
        return json.dumps({"steps": self.rows, "counts": self.counts, "line": self.line(), **extra}, ensure_ascii=False,
                          indent=2)

# SPDX-License-Identifier: Apache-2.0
"""Who is on the stage: provinces, invented people, and the one rule pack of a story."""
import os
from datetime import datetime, timedelta, timezone

PLACES = (("450000", ("450100", "450200")), ("360000", ("360100", "360800")), ("330000", ("330100", "330200")),
          ("130000", ("130100", "130200")))
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
PACK = {"relations": "[spouse, parent, child]", "reach": "national", "draw": "CASCADE", "own_order": "[prior]",
        "min_retention": '"0.00"', "per_settlement_cap": '"0.00"', "annual_cap": '"0.00"',
        "uses": "[outpatient, inpatient, chronic, pharmacy]", "on_unreachable": "SKIP", "refund_after_exit": "suspense",
        "bind": "INSTANT"}


class Node:
    """A province: its name in the story, its number in the registry, its first region and hospital."""

    def __init__(self, index, name):
        self.index = index
        self.name = name
        self.number, self.regions = PLACES[index]
        self.region = self.regions[0]
        self.institution = "H%s00001" % self.region


class Person:
    def __init__(self, number, name, node, prior_fen):
        self.name = name
        self.node = node
        self.prior_fen = prior_fen
        self.ref = "P%06d" % number
        first = "36080019800101%03d" % number
        check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS)) % 11]
        self.certno = first + check
        self.psn_name = "测试" + name

    def party(self):
        return {"insuplc_admdvs": self.node.region, "psn_cert_type": "01", "certno": self.certno, "psn_name": self.psn_name}

    def account(self, sub):
        return "P/%s/%s" % (self.ref, sub)


class Cast:
    def __init__(self):
        self.nodes, self.people = [], []
        self.pack = dict(PACK)
        self.wall_ms = 0

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)

    def person(self, name):
        return next(person for person in self.people if person.name == name)

    def add_person(self, name, node, prior_fen):
        self.people.append(Person(len(self.people) + 1, name, node, prior_fen))

    def begin_at(self, text):
        """The business day begins at midnight in UTC+08:00."""
        hour, minute, second = (int(part) for part in text.split(":"))
        day = datetime(2026, 11, 18, tzinfo=timezone(timedelta(hours=8)))
        self.wall_ms = int((day + timedelta(hours=hour, minutes=minute, seconds=second)).timestamp() * 1000)

    def people_rows(self):
        return [dict(person.party(), psn_no=person.ref, node=person.node.index, prior_fen=person.prior_fen)
                for person in self.people]

    def write_packs(self, folder):
        """A folder with the story's one pack."""
        packs = os.path.join(os.path.abspath(folder), "packs")
        os.makedirs(packs, exist_ok=True)
        lines = ["# The pack of a story.", "id: story", 'region: "000000"', "scope: local", "version: 1", "source: a story",
                 "valid_from: 2020-01-01"]
        lines += ["%s: %s" % pair for pair in self.pack.items()]
        with open(os.path.join(packs, "story.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return packs

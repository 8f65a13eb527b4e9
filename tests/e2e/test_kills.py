#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does every message have one outcome, and every fen its place, when nodes are killed all the time on a bad network?

Hospitals settle, refund and reverse, bureaus bind and unbind without pause, while every few hundred milliseconds a
random node is killed with SIGKILL: at work, in its start and recovery, at the closing of its store, while its pages
go back into the main file, while it is stopped, all nodes at once. Each node has a network namespace of its own;
packets are lost, late, out of order, doubled, and cut off in one direction or both, by the seed. Then the faults
stop, and everything must come to its end by itself. Afterwards all stores go through the simulator's checker
(gongji-check), every account has what the clients were told, and every answer is given again word for word.

The stop of a process cannot lose what the kernel has: a power cut (writes that never reached the disk, a torn page)
and the witness file that goes with it are the simulator's and tests/store's."""
import argparse
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
import unittest
from decimal import Decimal

import harness
import rehearsal
from harness import ThreeNodes
from load import Client, account
from network import DIES_WITH_US, Link, Network

KILLS = int(os.environ.get("GJ_KILLS", "300"))
SEED = int(os.environ.get("GJ_SEED", "1"))
WORK_MIN = 20  # settlements or bindings of each client
STUCK_SECONDS = 180  # without any progress at all, so long: longer than the longest timer of the protocol
NEVER = "equivocation|violation|bad_certificate|resync_needed|case_opened|assertion"
# What is open in a store: each must count to nothing.
OPEN = ("FROM part WHERE state IN ('PREPARED', 'PREPARING')", "FROM coord WHERE state IN ('BEGUN', 'COMMITTED')",
        "FROM hold", "FROM notice", "FROM request WHERE state = 'OPEN' OR reversal = 'reversing'",
        "FROM settlement WHERE state = 'reversing'", "FROM binding WHERE state = 'pending'",
        "FROM bound WHERE state = 'reversing'")
# (place of care, its region, region of the patient, payers' regions and what the patient is to them)
CAST = (("130000", "130200", "330200", (("360800", "parent"), ("130100", "child"))),
        ("130000", "130100", "360100", (("330100", "parent"),)),
        ("330000", "330100", "360800", (("130100", "child"), ("330200", "spouse"))),
        ("330000", "330200", "130200", (("360800", "child"),)),
        ("360000", "360800", "130100", (("330100", "parent"), ("130200", "parent"))),
        ("360000", "360100", "330100", (("130200", "child"), ("360100", "parent"))))


class Kills(ThreeNodes):
    network = None

    def prepare(self, folder):
        try:
            self.network = Network(len(rehearsal.PROVINCES), SEED)
            self.addCleanup(self.network.close)
            print("network: a namespace for each node, loss, delay, reordering, doubling, one-way cuts; seed %d" % SEED)
        except OSError as why:
            print("network: loopback, WITHOUT network faults, because namespaces or TUN devices are not permitted: %s" % why)
        return rehearsal.prepare(os.path.join(harness.BUILD, "bin"), folder,
                                 networks=self.network.networks() if self.network
                                 else [("127.0.0.1", DIES_WITH_US)] * len(rehearsal.PROVINCES))

    # --- people and clients --------------------------------------------------------------------------------
    def province_of(self, region):
        return next(province for province in self.provinces if region in province.regions)

    def pick(self, region, prior):
        return self.story.pick(self.province_of(region), region, prior=prior)

    def make_clients(self):
        payers = {}
        clients = []
        for number, (at, region, patient_region, paid_by) in enumerate(CAST):
            patient = self.pick(patient_region, (5, 400))
            client = Client(number, self.by_name[at], region, patient, self.story, SEED * 100 + number)
            home = self.province_of(patient_region)
            for payer_region, relation in paid_by:
                if payer_region not in payers:  # hot: several patients draw on one payer
                    payers[payer_region] = self.pick(payer_region, (1500, 50000))
                payer = payers[payer_region]
                answer = self.story.bind(home, payer, patient, relation)
                self.assertEqual(200, answer.status, answer.body)
                client.payers[answer.body["binding_id"]] = payer
            other = next(payer for payer_region, payer in payers.items() if payer_region[:2] != patient_region[:2])
            client.pair = (home, other, self.pick(patient_region, (5, 400)), "parent")
            clients.append(client)
        return clients

    # --- the network ---------------------------------------------------------------------------------------
    def worsen(self, chance):
        """Other faults for the next while, in each direction by itself."""
        if self.network is None:
            return
        links = {}
        bad = chance.random() < 0.75
        for a in range(1, 4):
            for b in range(1, 4):
                if a == b or not bad:
                    continue
                links[(a, b)] = Link(loss=chance.choice((0, 0, 0.01, 0.05, 0.15)), doubled=chance.choice((0, 0, 0.05)),
                                     delay_ms=chance.choice((0, 0, 2, 10, 40)), spread_ms=chance.choice((0, 1, 5, 30)),
                                     is_cut=chance.random() < 0.08)
        self.network.set_links(links)

    # --- deaths --------------------------------------------------------------------------------------------
    def strike(self, victim):
        victim.kill()
        self.kills += 1

    def at_work(self, chance):
        victim = chance.choice(self.provinces)
        time.sleep(chance.uniform(0.02, 0.45))
        self.strike(victim)
        time.sleep(chance.choice((0, 0, chance.uniform(0, 0.3))))
        self.start(victim, chance)

    def in_recovery(self, chance):
        victim = chance.choice(self.provinces)
        self.strike(victim)
        for _ in range(chance.randint(1, 3)):
            victim.start()
            time.sleep(chance.uniform(0, 0.08))
            self.strike(victim)
        self.start(victim, chance)
        time.sleep(chance.uniform(0.1, 0.5))

    def at_closing(self, chance):
        """A draining node closes its store and makes a checkpoint."""
        victim = chance.choice(self.provinces)
        victim.process.send_signal(signal.SIGTERM)
        time.sleep(chance.uniform(0, 0.12))
        if victim.process.poll() is None and chance.random() < 0.5:
            victim.process.send_signal(signal.SIGTERM)  # the second one ends it without a drain
            time.sleep(chance.uniform(0, 0.02))
        self.strike(victim)
        self.start(victim, chance)

    def at_checkpoint(self, chance):
        """A node without work makes a checkpoint after a second."""
        for client in self.clients:
            client.may_work.clear()
        time.sleep(chance.uniform(0.98, 1.12))
        victim = chance.choice(self.provinces)
        self.strike(victim)
        for client in self.clients:
            client.may_work.set()
        self.start(victim, chance)

    def while_stopped(self, chance):
        """A long pause, and for some of them there is no waking up."""
        victim = chance.choice(self.provinces)
        victim.freeze()
        self.pauses += 1
        time.sleep(chance.uniform(0.1, 0.9))
        if chance.random() < 0.5:
            self.strike(victim)
            self.start(victim, chance)
        else:
            victim.thaw()

    def several(self, chance):
        time.sleep(chance.uniform(0.1, 0.4))
        victims = chance.sample(self.provinces, chance.choice((2, 2, 3)))
        for victim in victims:
            self.strike(victim)
        for victim in victims:
            self.start(victim, chance)

    def start(self, province, chance):
        started = time.monotonic()
        province.start()
        if chance.random() > 0.15:
            return

        def answers():
            try:
                return province.api.get("/healthz").status > 0
            except OSError:
                return False
        harness.wait_until(answers, STUCK_SECONDS, "%s answers after its restart" % province.name)
        self.restarts.append((time.monotonic() - started) * 1000)

    # --- the story -----------------------------------------------------------------------------------------
    def test_random_kills_under_load(self):
        began = time.monotonic()
        chance = random.Random(SEED)
        self.kills = self.pauses = 0
        self.restarts, ways = [], {}
        self.clients = self.make_clients()
        for client in self.clients:
            client.start()
        self.addCleanup(self.stop_clients)
        kinds = [self.at_work] * 10 + [self.in_recovery] * 3 + [self.at_closing] * 2 + [self.while_stopped] * 2 + \
            [self.several] * 2 + [self.at_checkpoint]
        worsens_at = looks_at = 0
        while self.kills < KILLS:
            if self.kills >= worsens_at:
                self.worsen(chance)
                worsens_at = self.kills + chance.randint(1, 6)
            if self.kills >= looks_at:
                self.check_stores("--running")
                looks_at = self.kills + max(20, KILLS // 3)
            kind = chance.choice(kinds)
            kind(chance)
            ways[kind.__name__] = ways.get(kind.__name__, 0) + 1
            self.assertEqual([], [client.failure for client in self.clients if client.failure])
        faults = time.monotonic() - began
        self.heal()
        self.end_clients()
        self.settle_down()
        healed = time.monotonic() - began - faults
        counts = {name: sum(client.counts[name] for client in self.clients)
                  for name in sorted(set().union(*(client.counts for client in self.clients)))}
        print("%d kills in %.0f s (%s), %d pauses; %.0f s until all was decided" %
              (self.kills, faults, ", ".join("%s %d" % pair for pair in sorted(ways.items())), self.pauses, healed))
        print("clients: " + ", ".join("%s %d" % pair for pair in counts.items()))
        if self.restarts:
            print("restart until the first answer: median %.0f ms, longest %.0f ms, of %d" %
                  (sorted(self.restarts)[len(self.restarts) // 2], max(self.restarts), len(self.restarts)))
        for name in ("settled", "refunded", "reversed", "reversed unheard", "bound", "unbound", "unheard"):
            self.assertGreater(counts.get(name, 0), 0, name)
        self.assert_books()
        self.assert_same_answers()
        self.assert_no_alarm()
        for province in self.provinces:
            province.stop()
        print(self.check_stores().strip())

    def heal(self):
        """The faults stop; nobody is started again for it."""
        if self.network is not None:
            self.network.set_links({})
            counts = self.network.counts()
            print("packets: " + ", ".join("%s %d" % pair for pair in counts.items()))
            for name, count in counts.items():
                if KILLS >= 50:
                    self.assertGreater(count, 0, name)
        for province in self.provinces:
            province.thaw()

    def progress(self):
        return sum(client.counts["done"] + client.counts["unheard"] for client in self.clients), self.still_open()

    def until(self, condition, what):
        """Waits as long as anything moves."""
        last, since = None, time.monotonic()
        while not condition():
            now = self.progress()
            if now != last:
                last, since = now, time.monotonic()
            self.assertLess(time.monotonic() - since, STUCK_SECONDS, "%s: nothing moves, %s; %s" % (what, now, [client.last for client in self.clients if client.is_alive()]))
            time.sleep(0.1)

    def end_clients(self):
        # However slow the machine was: each has done something of all that it does.
        self.until(lambda: any(client.failure for client in self.clients) or
                   all(client.counts["done"] >= WORK_MIN for client in self.clients), "each client has done its work")
        for client in self.clients:
            client.stop.set()
        self.until(lambda: not any(client.is_alive() for client in self.clients), "each client has its last answer")
        self.assertEqual([], [client.failure for client in self.clients if client.failure])

    def stop_clients(self):
        for client in self.clients:
            client.stop.set()

    # --- looking -------------------------------------------------------------------------------------------
    @staticmethod
    def read(province, query):
        """Rows of a store, read beside the node that writes it."""
        store = sqlite3.connect("file:%s?mode=ro" % province.path("gongji.db"), uri=True, timeout=30)
        try:
            return store.execute(query).fetchall()
        finally:
            store.close()

    def still_open(self):
        return tuple(self.read(province, "SELECT count(*) " + query)[0][0] for province in self.provinces for query in OPEN)

    def settle_down(self):
        self.until(lambda: not any(self.still_open()), "everything is decided")

    def assert_books(self):
        """To the fen: what the clients were told, and nothing else, moved money."""
        expected = {}
        for client in self.clients:
            for name, amount in client.moved.items():
                expected[name] = expected.get(name, 0) + amount
        for province in self.provinces:
            opening = dict(self.read(province, "SELECT account, sum(amount_fen) FROM posting WHERE kind = 'opening' "
                                               "GROUP BY account"))
            for name, balance, held in self.read(province, "SELECT account, balance_fen, held_fen FROM account"):
                if name[0] in "PI":
                    moved = expected.pop(name, 0)
                    self.assertEqual((opening.get(name, 0) + moved, 0), (balance, held), name)
        self.assertEqual({}, {name: amount for name, amount in expected.items() if amount != 0})
        for client in self.clients:
            self.assertGreater(Decimal(client.patient["prior"]) * 100 + client.moved[account(client.patient)], -1)

    def assert_same_answers(self):
        """Asked again after everything, each message gets the very same answer."""
        asked = 0
        for client in self.clients:
            for at, path, body, answer in client.final:
                again = at.api.post(path, body)
                self.assertEqual((answer.status, answer.body), (again.status, again.body), body["msgid"])
                asked += 1
        self.assertGreater(asked, 0)
        print("%d answers were given again, word for word" % asked)

    def assert_no_alarm(self):
        for province in self.provinces:
            with open(province.path("node.log"), encoding="utf-8") as log:
                self.assertEqual([], [line for line in log if re.search(NEVER, line)], province.path("node.log"))

    def check_stores(self, *arguments):
        packs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "packs")
        done = subprocess.run([os.path.join(harness.BUILD, "bin", "gongji-check"), *arguments, "--packs", packs, "--registry",
                               os.path.join(os.path.dirname(self.he.folder), "registry.yaml"),
                               *(province.path("gongji.db") for province in self.provinces)],
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="kill -9 under load on a bad network")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments, rest = parser.parse_known_args()
    KILLS, SEED = arguments.kills, arguments.seed
    unittest.main(argv=[sys.argv[0], *rest])

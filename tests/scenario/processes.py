# SPDX-License-Identifier: Apache-2.0
"""Real processes as a back end of stories: one gongjid for each province on this machine, with SQLite, HTTP and ZeroMQ,
set up as the trial does it (tests/trial); the lines between them are relays that can be cut."""
import glob
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "trial"))

import rehearsal  # noqa: E402
from api import Api  # noqa: E402
from province import Province  # noqa: E402

from backend import Answer, Backend, Lost  # noqa: E402
from language import StoryError  # noqa: E402
from line import Relay  # noqa: E402

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
PEOPLE_HEAD = "psn_no,psn_cert_type,certno,psn_name,insuplc_admdvs,insutype,psn_type,psn_insu_stas,account_status,card_no,prior,current"


def preload(program, library):
    """What LD_PRELOAD takes so that |program| runs with |library|: a sanitizer's runtime must stand first."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return " ".join(re.findall(r"\S+ => (/\S*/lib[at]san\.so\S*)", linked) + [library])


class Call(threading.Thread):
    """One HTTP call under way."""

    def __init__(self, api, method, target, body):
        super().__init__(daemon=True)
        self.api, self.method, self.target, self.body = api, method, target, body
        self.result = None
        self.start()

    def run(self):
        try:
            answer = self.api.call(self.method, self.target, self.body)
            self.result = Answer(answer.status, answer.body)
        except OSError:
            self.result = Lost


class Processes(Backend):
    name = "processes"
    abilities = frozenset()
    patience_s = 60
    end_s = 120

    def __init__(self, programs, folder):
        self.programs = os.path.abspath(programs)
        self.folder = os.path.abspath(folder)
        self.provinces = []
        self.relay = Relay()
        self.lines = {}
        self.began = time.monotonic()

    # --- the start -----------------------------------------------------------------------------------------
    def open(self, cast):
        packs = cast.write_packs(self.folder)
        ports = rehearsal.free_ports(2 * len(cast.nodes))
        for node in cast.nodes:
            home = os.path.join(self.folder, node.number)
            os.makedirs(home)
            province = Province(node.number, node.name, node.regions, home, self.programs)
            province.zmq_port, province.http_port = ports.pop(), ports.pop()
            self.provinces.append(province)
        self.make_registries()
        for node, province in zip(cast.nodes, self.provinces):
            rehearsal.configure(province, province.path("registry.yaml"), self.folder, packs)
            self.add_operators(province)
            self.load(node, province, cast)
        self.relay.start()
        for province in self.provinces:
            province.start()

    def make_registries(self):
        """One registry for all but for the endpoints: each node reaches each other by a line of its own."""
        rehearsal.make_registry(self.provinces, self.folder)
        with open(os.path.join(self.folder, "registry.yaml"), encoding="utf-8") as file:
            text = file.read()
        for index, province in enumerate(self.provinces):
            own = text
            for other, peer in enumerate(self.provinces):
                if other == index:
                    continue
                line = self.lines[(index, other)] = self.relay.add(peer.zmq_port)
                own = own.replace("tcp://127.0.0.1:%d\n" % peer.zmq_port, "tcp://127.0.0.1:%d\n" % line.port)
            rehearsal.write(province.path("registry.yaml"), own)
            province.gongji("registry", "sign", province.path("registry.yaml"), "--key", os.path.join(self.folder, "authority.pem"))

    @staticmethod
    def add_operators(province):
        """Two people who may decide by hand."""
        with open(province.path("node.yaml"), "a", encoding="utf-8") as file:
            for name in ("zhao", "qian"):
                rehearsal.write(province.path("token-" + name), province.token + name + "\n", 0o600)
                file.write('  - name: %s\n    token_file: token-%s\n    senders: %s/operators\n    operator: true\n' %
                           (name, name, province.name))

    @staticmethod
    def load(node, province, cast):
        lines = [PEOPLE_HEAD]
        for person in cast.people:
            if person.node is node:
                lines.append(",".join((person.ref, "01", person.certno, person.psn_name, node.region, "310", "1101", "1", "normal",
                                       person.certno, "%d.%02d" % divmod(person.prior_fen, 100), "0.00")))
        rehearsal.write(province.path("people.csv"), "\n".join(lines) + "\n")
        rehearsal.write(province.path("institutions.csv"),
                        "fixmedins_code,fixmedins_name,open_from,open_to\n%s,First Hospital,2020-01-01,\n" % node.institution)
        config = province.path("node.yaml")
        province.gongji("init", "--config", config)
        if len(lines) > 1:
            province.gongji("load", "--config", config, province.path("people.csv"))
        province.gongji("load-institutions", "--config", config, province.path("institutions.csv"))

    def close(self):
        for province in self.provinces:
            province.stop()
        self.relay.close()

    # --- time ----------------------------------------------------------------------------------------------
    def now_s(self):
        return time.monotonic() - self.began

    def advance(self, wanted_s):
        time.sleep(wanted_s)

    def pause_s(self, waited_s):
        return 0.02 if waited_s < 2 else 0.1

    # --- clients and looking -------------------------------------------------------------------------------
    def call(self, node, method, target, body, operator=""):
        province = self.provinces[node.index]
        return Call(Api(province.http_port, province.token + operator), method, target, body)

    def poll(self, handle):
        return handle.result

    def rows(self, node, table):
        path = self.provinces[node.index].path("gongji.db")
        connection = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            return [{key: row[key] for key in row.keys() if not isinstance(row[key], bytes)}
                    for row in connection.execute("SELECT * FROM %s" % table)]
        finally:
            connection.close()

    def events(self, node):
        """Words of the log: an alarm is what a person must see, level error."""
        events, alarms = Counter(), Counter()
        with open(self.provinces[node.index].path("node.log"), encoding="utf-8", errors="replace") as log:
            for text in log:
                parts = text.split()
                if len(parts) < 4 or parts[2] not in ("debug", "info", "warn", "error"):
                    continue
                events[parts[3]] += 1
                if parts[2] == "error":
                    alarms[parts[3]] += 1
        return events, alarms

    def is_up(self, node):
        return self.provinces[node.index].process.poll() is None

    def log(self):
        lines = []
        for province in self.provinces:
            with open(province.path("node.log"), encoding="utf-8", errors="replace") as log:
                lines += ["%s %s" % (text.rstrip()[11:23], province.name + text.rstrip()[23:]) for text in log if text[:2] == "20"]
        return sorted(lines)

    def judge(self, is_end):
        """The simulator's checker reads the stores; and no process may have ended by itself or upset a sanitizer."""
        if not is_end:
            return "", ""
        for province in self.provinces:
            province.stop()
            if province.process.returncode not in (0, -signal.SIGKILL):
                return "%s ended with %d" % (province.name, province.process.returncode), ""
            with open(province.path("node.log"), encoding="utf-8", errors="replace") as log:
                if re.search("Sanitizer|runtime error:", log.read()):
                    return "a sanitizer spoke in " + province.path("node.log"), ""
        done = subprocess.run([os.path.join(self.programs, "gongji-check"), "--registry", self.provinces[0].path("registry.yaml")] +
                              [province.path("gongji.db") for province in self.provinces], capture_output=True, text=True,
                              timeout=120)
        return ("" if done.returncode == 0 else (done.stdout + done.stderr).strip()), ""

    # --- faults --------------------------------------------------------------------------------------------
    def crash(self, node):
        if not self.is_up(node):
            raise StoryError("%s is down already" % node.name)
        self.provinces[node.index].kill()

    def restart(self, node, clock_s, has_witness):
        province = self.provinces[node.index]
        if self.is_up(node):
            raise StoryError("%s is up" % node.name)
        if not has_witness:
            os.remove(province.path("gongji.witness"))
        environment = {}
        if clock_s:
            if FAKETIME is None:
                raise StoryError("a wrong clock needs Debian's package libfaketime")
            environment = {"LD_PRELOAD": preload(os.path.join(self.programs, "gongjid"), FAKETIME), "FAKETIME": "%+ds" % clock_s,
                           "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        province.start(environment)
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            try:
                province.api.get("/v1/node")
                return
            except OSError:
                time.sleep(0.02)
        raise StoryError("%s does not start: see %s" % (node.name, province.path("node.log")))

    def freeze(self, node, is_frozen):
        province = self.provinces[node.index]
        if is_frozen:
            province.freeze()
        else:
            province.thaw()

    def cut(self, origin, target, is_cut):
        self.relay.set_cut(self.lines[(origin.index, target.index)], is_cut)

    def backup(self, node):
        path = self.provinces[node.index].path("gongji.db")
        source = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10)
        copy = sqlite3.connect(self.provinces[node.index].path("yesterday.db"))
        source.backup(copy)
        copy.close()
        source.close()

    def restore(self, node):
        province = self.provinces[node.index]
        for name in glob.glob(province.path("gongji.db*")):
            if not name.endswith(".lock"):
                os.remove(name)
        shutil.copy(province.path("yesterday.db"), province.path("gongji.db"))

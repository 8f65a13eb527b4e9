# SPDX-License-Identifier: Apache-2.0
"""One province of the rehearsal: its keys, its files, its node as a real process, its people (all generated)."""
import csv
import os
import signal
import subprocess
import time

from api import Api


class Province:
    def __init__(self, name, title, regions, folder, programs):
        self.name = name
        self.title = title
        self.regions = regions
        self.folder = folder
        self.programs = programs
        self.process = None
        self.http_port = None
        self.zmq_port = None
        self.token = None
        self.host = "127.0.0.1"
        self.prefix = []  # what runs the node: a way into a network of its own, for example
        self.people = []
        self.kills = 0

    # --- files -------------------------------------------------------------------------------------------
    def path(self, name):
        return os.path.join(self.folder, name)

    def gongji(self, *arguments, check=True):
        """Runs the command line tool; returns (exit code, standard output, standard error)."""
        done = subprocess.run([os.path.join(self.programs, "gongji"), *arguments], capture_output=True,
                              text=True, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError("gongji %s: exit %d\n%s%s" % (" ".join(arguments), done.returncode, done.stdout,
                                                             done.stderr))
        return done.returncode, done.stdout, done.stderr

    def read_people(self):
        with open(self.path("people.csv"), encoding="utf-8-sig", newline="") as file:
            rows = (line for line in file if not line.startswith("#"))
            self.people = list(csv.DictReader(rows))

    def pick(self, region, insutype="310", prior=None, stas="1", status="normal", taken=()):
        """The first generated person that fits; prior is a range of yuan."""
        for person in self.people:
            if person["insuplc_admdvs"] != region or person["insutype"] != insutype:
                continue
            if person["psn_insu_stas"] != stas or person["account_status"] not in ("", status):
                continue
            if person["psn_no"] in taken:
                continue
            if prior is not None and not prior[0] <= float(person["prior"]) <= prior[1]:
                continue
            return person
        raise LookupError("no generated person in %s with insutype %s, prior %s" % (region, insutype, prior))

    def institution(self, region, letter="H"):
        with open(self.path("institutions.csv"), encoding="utf-8-sig", newline="") as file:
            rows = (line for line in file if not line.startswith("#"))
            for row in csv.DictReader(rows):
                code = row["fixmedins_code"]
                if code[0] == letter and code[1:7] == region:
                    return code
        raise LookupError("no generated institution %s in %s" % (letter, region))

    # --- process -----------------------------------------------------------------------------------------
    @property
    def api(self):
        return Api(self.http_port, self.token, host=self.host)

    def start(self, environment=None):
        """Starts the node; |environment| is added to ours (a false clock, for example)."""
        log = open(self.path("node.log"), "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [*self.prefix, os.path.join(self.programs, "gongjid"), "--config", self.path("node.yaml")],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, **(environment or {})})
        log.close()

    def wait_open(self, seconds=30):
        """Until the node takes work: it has heard its peers and its gate is open."""
        def is_open():
            if self.process.poll() is not None:
                raise RuntimeError("%s ended: see %s" % (self.name, self.path("node.log")))
            try:
                answer = self.api.get("/v1/node")
            except OSError:
                return False
            peers = answer.body.get("peers", [])
            return answer.ok and answer.body.get("state") == "open" and all(peer["heard"] for peer in peers)
        wait_until(is_open, seconds, "%s is open" % self.name)

    def kill(self):
        """kill -9: nothing is flushed, nothing is said."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until(condition, seconds, what):
    """Polls until the condition holds; the limit only ends a wait that would never end."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise TimeoutError("waited %d s in vain until %s" % (seconds, what))

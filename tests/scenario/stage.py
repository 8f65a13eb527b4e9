# SPDX-License-Identifier: Apache-2.0
"""The simulator as a back end of stories: gongji-stage, one process for each story, real engines in virtual time."""
import json
import os
import subprocess

from backend import Answer, Backend, Lost
from language import StoryError


class Stage(Backend):
    name = "sim"
    abilities = frozenset({"messages", "flushes", "disk", "keys", "lies", "hours", "dates", "clocks"})
    patience_s = 60
    end_s = 2700

    def __init__(self, programs, folder):
        self.program = os.path.join(programs, "gongji-stage")
        self.folder = folder
        self.process = None
        self.now_ms = self.begin_ms = 0

    def ask(self, do, **values):
        try:
            self.process.stdin.write(json.dumps(dict(values, do=do)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            raise StoryError("gongji-stage has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise StoryError("the simulator: " + answer["error"])
        return answer

    def open(self, cast):
        self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, encoding="utf-8")
        os.makedirs(self.folder, exist_ok=True)
        packs = cast.write_packs(self.folder)
        self.ask("start", packs=packs, wall_ms=cast.wall_ms, people=cast.people_rows(),
                 nodes=[{"name": node.number, "regions": " ".join(node.regions)} for node in cast.nodes],
                 institutions=[{"node": node.index, "code": node.institution} for node in cast.nodes])
        self.begin_ms = self.now_ms = self.ask("run", ms=0)["now"]

    def close(self):
        if self.process is None:
            return
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        said = self.process.stderr.read().strip()
        self.process.stderr.close()
        if self.process.wait() != 0:
            raise StoryError("gongji-stage ended with %d: %s" % (self.process.returncode, said[-2000:]))

    # --- time ----------------------------------------------------------------------------------------------
    def now_s(self):
        return (self.now_ms - self.begin_ms) / 1000

    def advance(self, wanted_s):
        self.now_ms = self.ask("run", ms=round(wanted_s * 1000))["now"]

    def pause_s(self, waited_s):
        """Small steps first: what passes quickly shall be seen."""
        for limit_s, step_s in ((0.1, 0.005), (1, 0.02), (10, 0.25), (120, 1)):
            if waited_s < limit_s:
                return step_s
        return 10

    # --- clients and looking -------------------------------------------------------------------------------
    def call(self, node, method, target, body, operator=""):
        answer = self.ask("call", node=node.index, method=method, target=target, body=body, operator=operator)
        if "lost" in answer:
            return Lost
        return answer["ticket"] if "ticket" in answer else Answer(answer["status"], answer["body"])

    def poll(self, handle):
        if handle is Lost or isinstance(handle, Answer):
            return handle
        answer = self.ask("answer", ticket=handle)
        if "lost" in answer:
            return Lost
        return Answer(answer["status"], answer["body"]) if "status" in answer else None

    def rows(self, node, table):
        return self.ask("rows", node=node.index, table=table)["rows"]

    def events(self, node):
        answer = self.ask("events", node=node.index)
        return answer["events"], answer["alarms"]

    def is_up(self, node):
        return self.ask("state", node=node.index)["is_up"]

    def log(self):
        try:
            return self.ask("log")["log"] if self.process is not None else []
        except StoryError:
            return []

    def idle_traps(self):
        return self.ask("check", end=False)["idle"]

    def judge(self, is_end):
        answer = self.ask("check", end=is_end)
        return answer["failure"], answer["unfinished"]

    # --- faults --------------------------------------------------------------------------------------------
    def crash(self, node):
        self.ask("crash", node=node.index, when="now")

    def crash_writing(self, node, when, table, state):
        self.ask("crash", node=node.index, when=when, table=table, state=state)

    def crash_sending(self, node, kind):
        self.ask("crash", node=node.index, when="sent", kind=kind)

    def restart(self, node, clock_s, has_witness):
        self.ask("restart", node=node.index, skew_ms=clock_s * 1000, witness="equal" if has_witness else "doubtful")

    def freeze(self, node, is_frozen):
        self.ask("state", node=node.index, freeze=is_frozen)

    def cut(self, origin, target, is_cut):
        self.ask("cut", **{"from": origin.index, "to": target.index, "is_cut": is_cut})

    def set_clock(self, node, clock_s):
        self.ask("state", node=node.index, skew_ms=clock_s * 1000)

    def trap(self, act, kind, origin, target, times, label, delay_s):
        self.ask("trap", **{"act": act, "kind": "" if kind == "message" else kind, "from": origin.index, "to": target.index, "times": times, "label": label,
                            "ms": round(delay_s * 1000)})

    def untrap(self, kind, origin, target):
        return self.ask("untrap", **{"kind": "" if kind == "message" else kind, "from": origin.index, "to": target.index})["hits"]

    def release(self, label, is_copy):
        return self.ask("release", label=label, copy=is_copy)["n"]

    def store_room(self, node, is_full, is_low):
        self.ask("state", node=node.index, full=is_full, low=is_low)

    def backup(self, node):
        self.ask("backup", node=node.index)

    def restore(self, node):
        self.ask("restore", node=node.index)

    def revoke_key(self, node):
        self.ask("revoke_key", node=node.index)

    def lie(self, origin, target, what, txid, without, flaw):
        self.ask("lie", **{"as": origin.index, "to": target.index, "what": what, "txid": txid, "without": without, "flaw": flaw})

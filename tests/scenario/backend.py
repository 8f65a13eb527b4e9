# SPDX-License-Identifier: Apache-2.0
"""What a story needs of the world that it is played in. A new back end (containers, machines) fills this and nothing
else; stage.py is the simulator, processes.py real nodes on this machine."""
from collections import namedtuple

Answer = namedtuple("Answer", "status body")
Lost = "lost"  # the client's line broke: the node was down, or died before it answered


class Backend:
    name = ""
    # Beside requests, crashes, restarts, frozen nodes, cut lines and stores put back:
    # messages (lose, hold, double one kind of message), flushes (die at a named record), disk (a store without room),
    # keys (revoke), lies (speak in a node's name), hours (waits beyond seconds), dates (begin at a time of the day),
    # clocks (change while the node runs)
    abilities = frozenset()
    patience_s = 0  # how long an expectation waits, in the back end's own time
    end_s = 0       # how long everything may take to be decided in the end

    def open(self, cast):
        """Starts all nodes of the cast with its people; they need not have heard each other yet."""
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def now_s(self):
        raise NotImplementedError

    def advance(self, wanted_s):
        """Lets so much time pass."""
        raise NotImplementedError

    def pause_s(self, waited_s):
        """How long to wait before looking again, after |waited_s|."""
        raise NotImplementedError

    def call(self, node, method, target, body, operator=""):
        """A client's HTTP call, or that of one of the two people who may decide by hand. A handle for poll()."""
        raise NotImplementedError

    def poll(self, handle):
        """None while it waits, an Answer, or Lost."""
        raise NotImplementedError

    def rows(self, node, table):
        """All records of a table of the node's store, as dictionaries by column, blobs left out."""
        raise NotImplementedError

    def events(self, node):
        """({event: how often}, the alarms among them) since the story began."""
        raise NotImplementedError

    def is_up(self, node):
        raise NotImplementedError

    def log(self):
        """What passed since the last call, lines for people."""
        return []

    def idle_traps(self):
        """Faults that were set and never met anything: a story that does not test what it says."""
        return []

    def judge(self, is_end):
        """A judge of the back end's own: (what is wrong or "", what is unfinished or "")."""
        raise NotImplementedError

    # --- faults: crash, restart, freeze, cut, backup, restore on every back end; the others by ability -------
    def crash(self, node):
        raise NotImplementedError

    def restart(self, node, clock_s, has_witness):
        raise NotImplementedError

    def freeze(self, node, is_frozen):
        raise NotImplementedError

    def cut(self, origin, target, is_cut):
        raise NotImplementedError

    def backup(self, node):
        raise NotImplementedError

    def restore(self, node):
        raise NotImplementedError

# SPDX-License-Identifier: Apache-2.0
"""A network of our own for real nodes: one network namespace each, joined by a switch that loses, delays, reorders,
doubles and cuts off, in each direction by itself.

Each namespace has one TUN device; the switch is a process that holds the other ends and passes whole IP packets on.
Nothing is made outside these namespaces, nothing has a name there, and the kernel drops it all when the switch and
the nodes have ended; both end with us, whatever ends us. It must never touch the machine's own network."""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
DEVICE = "gongji0"
PACKETS_MAX = 20000  # under way; more are lost
COUNTS = ("passed", "lost", "delayed", "doubled", "cut off")

DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # before a program's name

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (name, os.strerror(code)))


def address(index):
    return "10.77.0.%d" % (index + 1)


class Link:
    """What happens to packets from one end to another."""

    def __init__(self, loss=0.0, doubled=0.0, delay_ms=0.0, spread_ms=0.0, is_cut=False):
        self.loss = loss
        self.doubled = doubled
        self.delay_ms = delay_ms
        self.spread_ms = spread_ms  # different delays reorder
        self.is_cut = is_cut


class Switch:
    """The switch's own process. Ends 1..n are the nodes, 0 is the test: its way to a node is always good."""

    def __init__(self, n, end, control, seed):
        self.end = end
        self.control = control
        self.chance = random.Random(seed)
        self.links = {}
        self.counts = dict.fromkeys(COUNTS, 0)
        self.waiting = []  # (due, number, to, packet)
        self.number = 0
        self.spaces, self.devices = [], []
        for index in range(n + 1):
            call("unshare", CLONE_NEWNET)
            self.spaces.append(os.open("/proc/self/ns/net", os.O_RDONLY))
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
            self.devices.append(device)
            for line in ("link set lo up", "addr add %s/24 dev %s" % (address(index), DEVICE), "link set %s up" % DEVICE):
                subprocess.run(["ip", *line.split()], check=True, capture_output=True)

    def take(self, index):
        try:
            packet = os.read(self.devices[index], 65536)
        except BlockingIOError:
            return
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return
        to = packet[19] - 1
        if not 0 <= to < len(self.devices):
            return
        link = self.links.get((index, to))
        copies = 1
        if link is None:
            self.give(to, packet)
            return
        if link.is_cut:
            self.counts["cut off"] += 1
            return
        if self.chance.random() < link.loss or len(self.waiting) >= PACKETS_MAX:
            self.counts["lost"] += 1
            return
        if self.chance.random() < link.doubled:
            self.counts["doubled"] += 1
            copies = 2
        for _ in range(copies):
            delay = link.delay_ms + self.chance.random() * link.spread_ms
            if delay == 0:
                self.give(to, packet)
                continue
            self.counts["delayed"] += 1
            self.number += 1
            heapq.heappush(self.waiting, (time.monotonic() + delay / 1000, self.number, to, packet))

    def give(self, to, packet):
        self.counts["passed"] += 1
        try:
            os.write(self.devices[to], packet)
        except OSError:  # its queue is full: lost, as on any network
            self.counts["lost"] += 1

    def order(self):
        """One line of the test's: new links, or a question for the counts. False: it has ended."""
        line = self.control.readline()
        if not line:
            return False
        order = json.loads(line)
        if "links" in order:
            self.links = {(link.pop("a"), link.pop("b")): Link(**link) for link in order["links"]}
        self.control.write(json.dumps(self.counts) + "\n")
        self.control.flush()
        return True

    def run(self):
        poll = select.poll()
        poll.register(self.end, select.POLLIN)
        by_number = {}
        for index, device in enumerate(self.devices):
            poll.register(device, select.POLLIN)
            by_number[device] = index
        while True:
            wait = None
            if self.waiting:
                wait = max(0, (self.waiting[0][0] - time.monotonic()) * 1000)
            for number, _ in poll.poll(wait):
                if number in by_number:
                    self.take(by_number[number])
                elif not self.order():
                    return
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(self.waiting)
                self.give(to, packet)


class Network:
    """Namespaces for |n| nodes, and this process in one of its own. Raises OSError where that is not permitted."""

    def __init__(self, n, seed):
        ours, theirs = socket.socketpair()
        self.n = n
        self.before = None  # where this process was
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            serve(n, theirs, seed)
        theirs.close()
        self.control = ours.makefile("rw", encoding="ascii")
        ours.close()
        answer = json.loads(self.control.readline() or '{"error": "the switch ended"}')
        if "error" in answer:
            self.close()
            raise OSError(answer["error"])
        self.spaces = answer["spaces"]
        self.before = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.enter(0)

    def enter(self, index):
        space = os.open("/proc/%d/fd/%d" % (self.pid, self.spaces[index]), os.O_RDONLY)
        call("setns", space, CLONE_NEWNET)
        os.close(space)

    def networks(self):
        """Of each node: its address, and the words before its program's name. It ends when the thread that starts
        it ends."""
        return [(address(index), [*DIES_WITH_US, "nsenter", "--net=/proc/%d/fd/%d" % (self.pid, self.spaces[index])])
                for index in range(1, self.n + 1)]

    def ask(self, order):
        self.control.write(json.dumps(order) + "\n")
        self.control.flush()
        return json.loads(self.control.readline())

    def set_links(self, links):
        """{(from, to): Link}, nodes from 1; a pair that is not there is good."""
        self.ask({"links": [{"a": a, "b": b, **vars(link)} for (a, b), link in links.items()]})

    def counts(self):
        return self.ask({})

    def close(self):
        if self.control is None:
            return
        if self.before is not None:
            call("setns", self.before, CLONE_NEWNET)
            os.close(self.before)
        self.control.close()
        self.control = None
        os.waitpid(self.pid, 0)


def serve(n, end, seed):
    code = 0
    control = end.makefile("rw", encoding="ascii")
    try:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the test ends us when it has ended its nodes
        try:
            switch = Switch(n, end, control, seed)
        except (OSError, subprocess.CalledProcessError) as why:
            control.write(json.dumps({"error": str(why)}) + "\n")
            control.flush()
        else:
            control.write(json.dumps({"spaces": switch.spaces}) + "\n")
            control.flush()
            switch.run()
    except BaseException as failure:  # pylint: disable=broad-except
        print("the switch ended: %r" % failure, file=sys.stderr)
        code = 1
    finally:
        os._exit(code)

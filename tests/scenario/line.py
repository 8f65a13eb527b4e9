# SPDX-License-Identifier: Apache-2.0
"""Lines between real nodes: a relay for each way from one node to another. A line that is cut carries nothing, and its
connections hang; when it is whole again they are reset, so that what was under way is lost."""
import selectors
import socket
import threading

CHUNK = 65536


class Line:
    """From one node's client side to another's server side, with what is under way in both directions."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.is_cut = False
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]


class Relay:
    """All lines of a story, served by one thread."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.wake, self.waker = socket.socketpair()
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.lock = threading.Lock()
        self.is_closing = False
        self.pairs = {}     # socket -> (its partner, its line)
        self.sleeping = set()

    def add(self, target_port):
        line = Line(target_port)
        self.selector.register(line.listener, selectors.EVENT_READ, line)
        return line

    def start(self):
        self.thread.start()

    def set_cut(self, line, is_cut):
        with self.lock:
            line.is_cut = is_cut
        self.waker.send(b".")

    def close(self):
        self.is_closing = True
        self.waker.send(b".")
        if self.thread.is_alive():
            self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        for one in self.sleeping:
            one.close()
        self.selector.close()
        self.waker.close()

    # --- the thread ----------------------------------------------------------------------------------------
    def run(self):
        while not self.is_closing:
            for key, _ in self.selector.select():
                if key.fileobj is self.wake:
                    self.wake.recv(CHUNK)
                    self.obey()
                elif isinstance(key.data, Line):
                    self.accept(key.data)
                else:
                    self.carry(key.fileobj)

    def obey(self):
        """Sockets of a cut line are not listened to any more; whole again, its ends connect anew."""
        with self.lock:
            for one, (_, line) in list(self.pairs.items()):
                if line.is_cut and one not in self.sleeping:
                    self.selector.unregister(one)
                    self.sleeping.add(one)
                elif not line.is_cut and one in self.sleeping:
                    self.drop(one)

    def accept(self, line):
        near, _ = line.listener.accept()
        far = socket.socket()
        try:
            far.connect(("127.0.0.1", line.target_port))
        except OSError:
            near.close()
            far.close()
            return
        for one, other in ((near, far), (far, near)):
            self.pairs[one] = (other, line)
            self.selector.register(one, selectors.EVENT_READ, None)
        self.obey()

    def carry(self, one):
        other = self.pairs[one][0] if one in self.pairs else None
        try:
            data = one.recv(CHUNK) if other is not None else b""
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self.drop(one)

    def drop(self, one):
        for each in (one, self.pairs.get(one, (None,))[0]):
            if each is None or each not in self.pairs:
                continue
            del self.pairs[each]
            if each in self.sleeping:
                self.sleeping.remove(each)
            else:
                self.selector.unregister(each)
            each.close()

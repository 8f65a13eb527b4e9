# SPDX-License-Identifier: Apache-2.0
"""Setting up a rehearsal: keys, a signed registry, configurations, generated people, three nodes started."""
import os
import shutil
import socket
import time

from province import Province

PROVINCES = (
    ("330000", "Zhejiang", ("330100", "330200")),
    ("360000", "Jiangxi", ("360100", "360800")),
    ("130000", "Hebei", ("130100", "130200")),
)
PEOPLE_PER_PROVINCE = 1200
SEED = 20261121


def free_ports(n):
    """Ports that nobody has now; held open together so that no two are the same."""
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def keys_of(output):
    """'name: "value"' lines of `gongji keys` as a dictionary."""
    pairs = (line.split(":", 1) for line in output.splitlines() if ":" in line)
    return {name.strip(): value.strip().strip('"') for name, value in pairs}


def make_registry(provinces, folder):
    """A registry of the provinces under a fresh authority, signed. Returns its path."""
    path = os.path.join(folder, "registry.yaml")
    authority = provinces[0]
    authority.gongji("keys", "--authority", "--out", folder)
    lines = ["# The rehearsal's registry; made and signed by the trial.", 'network_id: "%s"' % os.urandom(16).hex(),
             "serial: 1", "nodes:"]
    for province in provinces:
        _, out, _ = province.gongji("keys", "--out", province.path("keys"))
        keys = keys_of(out)
        lines += ['  - node: "%s"' % province.name,
                  "    endpoint: tcp://%s:%d" % (province.host, province.zmq_port),
                  "    url: http://%s:%d" % (province.host, province.http_port),
                  '    curve_public: "%s"' % keys["curve_public"],
                  "    keys:", '      - public: "%s"' % keys["public"], "        valid_from: 2024-01-01 00:00:00"]
    lines.append("regions:")
    for province in provinces:
        lines += ['  - {region: "%s", node: "%s"}' % (region, province.name) for region in province.regions]
    write(path, "\n".join(lines) + "\n")
    authority.gongji("registry", "sign", path, "--key", os.path.join(folder, "authority.pem"))
    return path


def configure(province, registry, folder, packs):
    province.token = os.urandom(24).hex()
    write(province.path("token"), province.token + "\n", 0o600)
    write(province.path("node.yaml"), """# Made by the trial.
node: "%s"
store: gongji.db
witness: gongji.witness
registry: %s
registry_key: %s
packs: %s
sign_key: keys/sign.pem
curve_key: keys/curve.key
data_key: keys/data.key
listen: tcp://%s:%d
http:
  address: %s
  port: %d
clients:
  - name: trial
    token_file: token
    senders: "*"
""" % (province.name, registry, os.path.join(folder, "authority.pub"), packs, province.host, province.zmq_port, province.host,
       province.http_port))


def load(province):
    config = province.path("node.yaml")
    province.gongji("people", "generate", "--regions", ",".join(province.regions), "--count", str(PEOPLE_PER_PROVINCE),
                    "--seed", str(SEED + int(province.name)), "--people",
                    province.path("people.csv"), "--institutions", province.path("institutions.csv"))
    province.gongji("init", "--config", config)
    province.gongji("load", "--config", config, province.path("people.csv"))
    province.gongji("load-institutions", "--config", config, province.path("institutions.csv"))
    province.read_people()


def prepare(programs, folder, say=lambda text: None, networks=()):
    """Everything but the processes, in |folder|, which is emptied first. Returns the provinces. |networks| has each
    one's address and the words before its program's name; without it all share the loopback."""
    folder = os.path.abspath(folder)
    shutil.rmtree(folder, ignore_errors=True)
    provinces = []
    ports = free_ports(2 * len(PROVINCES))
    for name, title, regions in PROVINCES:
        home = os.path.join(folder, name)
        os.makedirs(home)
        province = Province(name, title, regions, home, os.path.abspath(programs))
        province.zmq_port, province.http_port = ports.pop(), ports.pop()
        if networks:
            province.host, province.prefix = networks[len(provinces)]
        provinces.append(province)
    registry = make_registry(provinces, folder)
    packs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "packs")
    for province in provinces:
        configure(province, registry, folder, os.path.normpath(packs))
        load(province)
        say("%s %s: %d generated people in %s" % (province.name, province.title, len(province.people),
                                                         " and ".join(province.regions)))
    return provinces


def start(provinces, say=lambda text: None):
    started = time.monotonic()
    for province in provinces:
        province.start()
    for province in provinces:
        province.wait_open()
    say("three nodes are open and have heard each other, %.0f ms\n" % ((time.monotonic() - started) * 1000))

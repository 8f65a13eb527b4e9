#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the corpus' seeds, named by what they show: seeds.py [FOLDER]. What it makes is the same every time.

Sources: schemas/vectors, config/, and stories written here. All people are made up."""
import hashlib
import json
import pathlib
import random
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"
LIMITS = dict(
    (name, int(limit)) for name, limit in re.findall(r"^X\((\w+), (\d+),", (HERE / "targets.def").read_text(), re.M))


def put(target, name, data):
    if isinstance(data, str):
        data = data.encode()
    if len(data) > LIMITS[target]:
        return
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")).write_bytes(data)


def vectors(name):
    return json.loads((ROOT / "schemas/vectors" / (name + ".json")).read_text())


def shapes():
    """Positions as in identity.c: api.def, then messages.def."""
    names = []
    for file in ("api.def", "messages.def"):
        names += re.findall(r"^GJ_SHAPE\((\w+)\)", (ROOT / "src/wire" / file).read_text(), re.M)
    return {name: i for i, name in enumerate(names)}


def words(file, section=None):
    """The rows of an X list, numbered from 1 as its enum."""
    text = (ROOT / file).read_text()
    if section is not None:
        text = text.split("#ifdef " + section)[1].split("#endif")[0]
    return {word: (i + 1, shape) for i, (word, shape) in enumerate(
        re.findall(r'^X\(\w+,\s*"(\w+)",\s*(\w+)', text, re.M))}


def pack(value):
    """As much of msgpack as the shapes use, in its shortest forms."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if -32 <= value < 0:
            return struct.pack("b", value)
        for lead, form, low, high in ((0xcc, ">B", 0, 2**8), (0xcd, ">H", 0, 2**16), (0xce, ">I", 0, 2**32),
                                      (0xcf, ">Q", 0, 2**64), (0xd3, ">q", -2**63, 0)):
            if low <= value < high:
                return bytes([lead]) + struct.pack(form, value)
    if isinstance(value, str):
        raw = value.encode()
        head = bytes([0xa0 | len(raw)]) if len(raw) < 32 else bytes([0xd9, len(raw)])
        return head + raw
    if isinstance(value, bytes):
        return (bytes([0xc4, len(value)]) if len(value) < 256 else b"\xc5" + struct.pack(">H", len(value))) + value
    if isinstance(value, list):
        assert len(value) < 16
        return bytes([0x90 | len(value)]) + b"".join(pack(item) for item in value)
    head = bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + struct.pack(">H", len(value))
    return head + b"".join(pack(key) + pack(item) for key, item in value.items())


# --- the wire ------------------------------------------------------------------------------------------------------
def wire():
    number = shapes()
    kinds = words("src/wire/kinds.def")
    for case in vectors("messages")["good"] + vectors("messages")["bad"]:
        raw = bytes.fromhex(case["bytes"])
        put("message", case["name"], raw)
        put("msgpack", case["name"], raw)
        put("evidence", "signed " + case["name"], b"\x0b" + raw)
        kind = case.get("header", {}).get("kind")
        if kind in kinds and "body" in case:
            at = raw.find(b"expires_at") + 10
            at += 9 if raw[at:at + 1] == b"\xcf" else 0
            body = raw[at:] if raw[at:at + 1] != b"\xa8" else raw[at + 9 + 2 + 12:]
            put("shape", case["name"], bytes([number[kinds[kind][1]]]) + body)
    for case in vectors("parcels")["cases"]:
        put("parcel", case["name"], bytes.fromhex(case["parcel"]))
        put("evidence", case["name"], b"\x00" + bytes.fromhex(case["parcel"]))
    for flip in range(5):
        put("certificate", "one change in part %d" % flip, bytes([flip, 0, 9, 1]))
    put("certificate", "nothing changed", b"")
    put("certificate", "changed and changed back", bytes([2, 0, 40, 7, 2, 0, 40, 7]))


# --- the edge ------------------------------------------------------------------------------------------------------
PERSON = {"insuplc_admdvs": "330100", "psn_cert_type": "01", "certno": "330100197308023967", "psn_name": "测试一"}
SENDER = {"sender": "H33010000001", "msgid": "H33010000001-202611180001"}
BILL = dict(SENDER, fixmedins_code="H33010000001", mdtrtarea_admvs="330100", **PERSON, mdtrt_cert_type="02",
            mdtrt_cert_no="330100197308023967", med_type="11", medfee_sumamt=12550, fund_pay_sumamt=550,
            psn_part_amt=12000, acct_payable_amt=12000)
REQUESTS = {
    "verify": dict(SENDER, purpose="binding", consent_ref="consent-1", **PERSON),
    "bind": dict(SENDER, consent_ref="consent-1", relation="child", position=1, payer=PERSON, recipient=PERSON),
    "unbind": dict(SENDER, binding_id="b-0001", by="payer"),
    "order": dict(SENDER, recipient=PERSON, bindings=[{"binding_id": "b-0001"}, {"binding_id": "b-0002"}]),
    "plan": BILL,
    "settle": dict(BILL, expected_psn_cash_pay="0.00", accept_changed=True),
    "refund": dict(SENDER, setl_id="s-0001", amount=1000, reason="退药"),
    "reverse": {"sender": "H33010000001", "omsgid": "H33010000001-202611180001", "oinfno": "2207"},
    "get": {"what": "settlement", "id": "s-0001", "sender": "H33010000001"},
}
PATHS = {
    "verify": "/v1/enrolments:verify", "bind": "/v1/bindings", "unbind": "/v1/bindings/b-0001:unbind",
    "order": "/v1/bindings:order", "plan": "/v1/plans", "settle": "/v1/settlements",
    "refund": "/v1/settlements/s-0001/refunds", "reverse": "/v1/reversals",
}
GETS = ["/v1/bindings/b-0001", "/v1/plans/p-1", "/v1/settlements/s-0001", "/v1/refunds/r-1",
        "/v1/requests/330000%2Fwindow/m-1", "/v1/transactions/330000%2F1795000000%2F42%2F1",
        "/v1/transactions?state=PREPARED", "/v1/node", "/metrics", "/healthz", "/v1/nothing", "/v1/node?a=%zz"]
TXID = "330000/1795000000/42/1"
LINE = {"payer": "self", "region": "330100", "acct_type": "prior", "amount": 5}
WHY = {"source": "self", "result": "taken", "rule": "R43", "amount": 5}
PLAN = {"plan_id": "p-1", "medfee_sumamt": 10, "fund_pay_sumamt": 5, "psn_part_amt": 5, "acct_pay": 5,
        "acct_mulaid_pay": 0, "psn_cash_pay": 0, "degraded": False, "valid_until": 1795000000000,
        "payers": [LINE], "explain": [WHY]}
ANSWERS = {
    "problem": {"outcome": "refused", "code": "RULE", "rule": "R51", "detail": "payer", "txid": TXID},
    "verify": {"enrolled": True, "psn_insu_stas": "1", "insutype": "310"},
    "binding": {"binding_id": "b-1", "txid": TXID, "state": "active", "relation": "child", "begin_date": 20261118},
    "order": {"bindings": [{"binding_id": "b-1"}]},
    "plan": PLAN,
    "settlement": {"setl_id": "s-1", "txid": TXID, "state": "settled", "business_date": 20261118,
                   "medfee_sumamt": 10, "fund_pay_sumamt": 5, "psn_part_amt": 5, "acct_pay": 5,
                   "acct_mulaid_pay": 0, "psn_cash_pay": 0, "refunded": 0, "payers": [LINE], "explain": [WHY]},
    "refund": {"refund_id": "r-1", "setl_id": "s-1", "txid": TXID, "business_date": 20261118, "amount": 5,
               "remaining": 0, "payees": [LINE]},
    "reversal": {"state": "reversed", "omsgid": "m-1"},
    "request": {"sender": "H33010000001", "msgid": "m-1", "kind": "settle", "state": "done", "setl_id": "s-1"},
    "transactions": {"transactions": [{"txid": TXID, "kind": "settle", "role": "coordinator", "state": "BEGUN"}],
                     "more": False},
    "node": {"node": "330000", "boot_epoch": 1795000000, "flush": 7, "state": "open", "active": 0,
             "peers": [{"node": "360000", "heard": True, "clock_skew_ms": -5}]},
}
MONEY = {"medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "acct_payable_amt", "amount"}


def as_json(body):
    return json.dumps({key: "%d.%02d" % divmod(value, 100) if key in MONEY else value for key, value in body.items()},
                      ensure_ascii=False)


def edge():
    number = shapes()
    for word, (i, shape) in words("src/wire/requests.def", "GJ_REQUEST_KINDS").items():
        put("request", word, bytes([i]) + pack(REQUESTS[word]))
        put("shape", "request " + word, bytes([number[shape]]) + pack(REQUESTS[word]))
    for word, (i, shape) in words("src/wire/requests.def", "GJ_ANSWER_KINDS").items():
        put("answer", word, bytes([i]) + pack(ANSWERS[word]))
        put("shape", "answer " + word, bytes([number[shape]]) + pack(ANSWERS[word]))
    changed = {"outcome": "refused", "code": "PLAN_CHANGED", "plan": pack(PLAN)}
    put("answer", "problem with a plan inside", b"\x01" + pack(changed))
    head = "\x02%s %s\nBearer abcdef0123456789abcd\napplication/json; charset=utf-8\n"
    for word, path in PATHS.items():
        body = {key: value for key, value in REQUESTS[word].items() if not (word in ("unbind",) and key == "binding_id")}
        if word == "refund":
            del body["setl_id"]
        put("http", word, head % ("POST", path) + as_json(body))
        put("http", word + " of any client", "\x02%s %s\n\napplication/json\n" % ("POST", path) + as_json(body))
    for path in GETS:
        put("http", "get " + path, head % ("GET", path))
    put("http", "wrong method", head % ("DELETE", "/v1/node"))
    put("http", "number for money", head % ("POST", "/v1/plans") + json.dumps(BILL))
    put("http", "twice the same name", head % ("POST", "/v1/reversals") + '{"sender":"a","sender":"b"}')
    put("http", "deep", head % ("POST", "/v1/reversals") + "[" * 40)


# --- texts and files -------------------------------------------------------------------------------------------------
TEXTS = [
    ["0.00", "12.50", "-0.05", "999999999999.99", "1000000000000.00", "1.5", "+1.00", "-0.00", "007.00"],
    ["2026-11-18", "2024-02-29", "2023-02-29", "1900-01-01", "2999-12-31", "2026-1-1"],
    ["330000/1795000000/42/1", "a-b/1/0/0", "330000/01/1/1", "330000/4294967295/9223372036854775807/65535"],
    ["00ff", "ABCDEF", "0", "xy", ""],
    ["ed25519:" + "ab" * 32, "sm2:" + vectors("keys")["keys"][0]["public"][4:], "sm2:04" + "00" * 64, "rsa:00"],
    ["330100197308023967", "11010119900101010X", "330100197302303967", "A1234567", ""],
    ["测试一", "A", "é", "张"],
    ["330000", "330100", "H33010000001", "330000/window", "990000/x", "-"],
    ["RULE", "Bearer 0123456789abcdef", "330000/x", "application/json; charset=utf-8", "tcp://127.0.0.1:7101",
     "settle", "outpatient", "child"],
    ["\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", "short"],
]
PEOPLE = ("psn_no,psn_cert_type,certno,psn_name,insuplc_admdvs,insutype,psn_type,psn_insu_stas,account_status,"
          "card_no,prior,current\n")
GOOD = "P1,01,330100197308023967,测试一,330100,310,1101,1,normal,T1,100.05,2.00\n"


def texts_and_files():
    for which, texts in enumerate(TEXTS):
        for i, text in enumerate(texts):
            put("texts", "reader %d text %d" % (which, i), bytes([which]) + text.encode())
    put("node_config", "example", (ROOT / "config/node.yaml").read_bytes())
    put("node_config", "least", "node: \"330000\"\n")
    put("node_config", "twice", "node: \"330000\"\nnode: \"330000\"\n")
    put("registry", "example", (ROOT / "config/registry.yaml").read_bytes())
    for file in sorted((ROOT / "config/packs").glob("*.yaml")):
        put("pack", file.stem, file.read_bytes())
    put("people", "good", PEOPLE + GOOD)
    put("people", "twice and quoted", PEOPLE + GOOD + GOOD + GOOD.replace("P1", '"P,2"').replace("测试一", '"a""b"'))
    put("people", "byte order mark and crlf", "\ufeff" + (PEOPLE + GOOD).replace("\n", "\r\n"))
    put("people", "open quote", PEOPLE + GOOD.replace("T1", '"T1') + GOOD)
    put("people", "no account", PEOPLE + "P2,01,330100197308023967,x,330200,390,1101,1,,,,\n")
    places = "fixmedins_code,fixmedins_name,open_from,open_to\n"
    put("institutions", "good", places + "H33010000001,第一医院,2020-01-01,\nP33020000002,\"a, b\",2020-01-01,2026-12-31\n")
    put("institutions", "bad", places + "H33010000001,x,2020-13-01,\nX1,x,2020-01-01,2019-01-01\n")
    put("secrets", "witness", "store_id " + "0a" * 16 + "\nmachine " + "1" * 32 + "\nepoch 1795000000\nflush 17\n")
    put("secrets", "data key", "5c" * 80 + "\n")
    put("secrets", "authority", (ROOT / "config/authority.pub").read_bytes())
    put("secrets", "signing key", "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIKAzolmZ4OpXoCuxPv62wTYzECtuwG2RhKsj/DsSLDmk\n-----END PRIVATE KEY-----\n")
    put("secrets", "curve", "public 61PEGM$/L^YvP[fUv?x%?nbU/V5g.zR-vW>EMl.i\n"
        "secret 6S%k>]eJZkjL2Corm7JQO5!e!=.h5T9!6nzzW<#f\n")


# --- stories -----------------------------------------------------------------------------------------------------------
def stories():
    new, prepare, commit, abort, inquire, begin, answer, cancel, run, restart, hello, message, raw, again, app, \
        supersede = range(16)
    ours = bytes([new, 0, 0b0101, 0])  # 330000 coordinates, 360000 and 130000 take part
    put("protocol", "prepare commit", ours + bytes([prepare, 0, 0, commit, 0, 0]))
    put("protocol", "prepare abort", ours + bytes([prepare, 0, 0, abort, 0, 0]))
    put("protocol", "abort first", ours + bytes([abort, 0, 0, prepare, 0, 0, commit, 0, 0]))
    put("protocol", "commit after abort", ours + bytes([prepare, 0, 0, abort, 0, 0, commit, 0, 1, 1]))
    put("protocol", "in doubt then a peer tells", ours + bytes([prepare, 0, 0, run, 6, commit, 0, 1, 1]))
    put("protocol", "inquired first", ours + bytes([inquire, 0, 1, 1, prepare, 0, 0]))
    put("protocol", "coordinate and commit", bytes([begin, 0b0111, answer, 0, 0, 0, answer, 0, 0, 1, run, 3,
                                                    answer, 0, 3, 0, answer, 0, 3, 1]))
    put("protocol", "coordinate and refuse", bytes([begin, 0b0110, answer, 0, 2, 0, answer, 0, 0, 1]))
    put("protocol", "coordinate and cancel", bytes([begin, 0b0110, cancel, 0, answer, 0, 0, 0]))
    put("protocol", "coordinate and crash", bytes([begin, 0b0110, answer, 0, 0, 0, restart, 0, run, 3]))
    put("protocol", "doubtful start", ours + bytes([prepare, 0, 0, restart, 3, hello, 0, 1, hello, 1, 1, hello, 2, 1,
                                                    run, 5]))
    put("protocol", "lost flush", bytes([restart, 0, hello, 0, 3, run, 2]))
    put("protocol", "liar in the list", bytes([new, 0, 0b11111111, 0, prepare, 0, 0, commit, 0, 128, 1, 2, 3]))
    put("protocol", "superseded", ours + bytes([new, 0, 0b0001, 0, prepare, 0, 0, prepare, 1, 64, supersede, 0, 0]))
    put("protocol", "refusing", bytes([app, 1]) + ours + bytes([prepare, 0, 0, prepare, 0, 0, commit, 0, 0]))
    for kind in range(20):
        put("protocol", "message of kind %d" % kind,
            ours + bytes([prepare, 0, 0, message, 0, kind, 0, 0]) + bytes(range(1, 60)))
    put("protocol", "raw", bytes([raw, 0, 0, 4]) + b"\x92\x80\x80\xc0abcd" + bytes([raw, 0, 1, 2]) + b"GJP1")
    put("protocol", "again and flipped", ours + bytes([commit, 0, 0, again, 0, 0, again, 0, 128]))

    submit, run_to = 13, 5
    bind, plan, settle, refund, reverse, unbind = 0, 1, 2, 4, 5, 6
    pay = bytes([submit, settle, 0x10, run_to, 4])
    asks = {"settle": pay, "plan and settle": bytes([submit, plan, 0x10, run_to, 3, submit, settle, 0x30, run_to, 4]),
            "settle and refund": pay + bytes([submit, refund, 0x08, run_to, 4]),
            "settle and reverse": pay + bytes([submit, reverse, 2, run_to, 4]),
            "reverse first": bytes([submit, reverse, 2]) + pay, "unbind": bytes([submit, unbind, 0, run_to, 3]) + pay,
            "bind": bytes([submit, bind, 0x68, run_to, 4]),
            "two at once": bytes([submit, settle, 0x10, submit, settle, 0x10, run_to, 5])}
    for name, ask in asks.items():
        put("scenario", name, ask)
        put("admission", name, ask)
        for node in range(3):
            put("scenario", "%s, crash of %d" % (name, node), ask[:-2] + bytes([3, 3, 9, 128 + node - 128 % 3 + 1]) + ask[-2:])
        put("scenario", name + ", all lost", ask[:-2] + bytes([7, 28, 3, 3]) + ask[-2:])
        put("scenario", name + ", all twice", bytes([7, 29]) + ask)
        put("scenario", name + ", reordered", bytes([7, 31 + 96]) + ask)
        put("scenario", name + ", cut", ask[:-2] + bytes([3, 3, 10, 128, 10, 129]) + ask[-2:])
        put("scenario", name + ", no answer heard", bytes([7, 30]) + ask)
        put("scenario", name + ", wrong clock", bytes([11, 17, 11, 22]) + ask)
    draw = random.Random(1)
    for i in range(24):
        lie = bytes(draw.randrange(256) for _ in range(60))
        put("admission", "lies %d" % i, bytes([14, i % 4]) + list(asks.values())[i % len(asks)] + lie)
        put("admission", "injected %d" % i, bytes([15, 0, i % 3, (i + 1) % 3, i % 20, 3 * i]) + lie + asks["settle"])


wire()
edge()
texts_and_files()
stories()
total = sum(path.stat().st_size for path in OUT.rglob("*") if path.is_file())
print("%d bytes, fingerprint %s" % (total, hashlib.sha256(b"".join(
    path.read_bytes() for path in sorted(OUT.rglob("*")) if path.is_file())).hexdigest()[:12]))

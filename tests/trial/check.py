# SPDX-License-Identifier: Apache-2.0
"""After the story: every node's books balance, and both ends of every leg between nodes agree to the fen."""
import json


def books_of(province, report):
    code, out, err = province.gongji("books", "--config", province.path("node.yaml"), "--json", check=False)
    try:
        books = json.loads(out)
    except ValueError:
        report.difference("%s: books cannot be read: %s%s" % (province.name, out, err))
        return {}
    if code != 0:
        report.difference("%s: the books do not balance: %s" % (province.name, out.strip()))
    return books


def legs_of(province):
    _, out, _ = province.gongji("legs", "--config", province.path("node.yaml"), "--json")
    return [json.loads(line) for line in out.splitlines() if line.strip()]


def compare_legs(provinces, report):
    """Each leg has a payer's end and a place-of-care end, each told by the node that booked it."""
    ends = {}
    for province in provinces:
        for leg in legs_of(province):
            key = (leg["txid"], leg["leg"])
            ends.setdefault(key, {}).setdefault(leg["end"], []).append((leg["from_region"], leg["to_region"], leg["amount"]))
    for key, both in sorted(ends.items()):
        payer, care = both.get("payer", []), both.get("care", [])
        if len(payer) != 1 or len(care) != 1:
            report.difference("leg %s/%s is booked %d times by the payer's node and %d times by the place of care" %
                              (key[0], key[1], len(payer), len(care)))
        elif payer != care:
            report.difference("leg %s/%s: the payer's node says %s, the place of care %s" % (key[0], key[1], payer, care))
    return len(ends)


def compare_books(provinces, report):
    report.say("")
    result = {}
    for province in provinces:
        books = books_of(province, report)
        result[province.name] = books
        for line in province.api.transactions("PREPARED") + province.api.transactions("BEGUN"):
            report.difference("%s still has %s %s" % (province.name, line["txid"], line["state"]))
        report.say("%s books: %s" % (province.name, ", ".join("%s %s" % pair for pair in sorted(books.items())
                                                              if not isinstance(pair[1], (list, dict)))))
    legs = compare_legs(provinces, report)
    result["legs_compared"] = legs
    if legs == 0:
        report.difference("no leg was booked at all")
    report.say("both ends compared of %d legs" % legs)
    return result

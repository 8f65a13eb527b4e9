#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The trial: three provinces on this machine, real processes, real keys, the pilot scenario, the books compared.

Exit status 0 only if nothing differed. --json prints the result as JSON on standard output (the table is left
out), --keep leaves the nodes running and prints where they are."""
import argparse
import sys
import traceback

import rehearsal
from check import compare_books
from report import Report
from story import Story

def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/bin", help="folder of gongjid and gongji")
    parser.add_argument("--work", default="build/trial", help="folder for keys, stores and logs; emptied first")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    parser.add_argument("--keep", action="store_true", help="leave the nodes running and print their URLs")
    arguments = parser.parse_args()
    report = Report(quiet=arguments.json)
    provinces = []
    extra = {}
    try:
        provinces = rehearsal.prepare(arguments.bin, arguments.work, report.say)
        rehearsal.start(provinces, report.say)
        Story({province.name: province for province in provinces}, report).run()
        extra["books"] = compare_books(provinces, report)
        if arguments.keep:
            extra["nodes"] = [{"node": one.name, "url": "http://127.0.0.1:%d" % one.http_port, "token_file": one.path("token"),
                               "pid": one.process.pid} for one in provinces]
    except (OSError, RuntimeError, LookupError, KeyError, AttributeError) as failure:
        traceback.print_exc()
        report.difference("the trial could not go on: %s" % failure)
    finally:
        if not arguments.keep:
            for province in provinces:
                province.stop()
    if arguments.json:
        print(report.as_json(extra))
    else:
        for node in extra.get("nodes", []):
            print("%(node)s  %(url)s  pid %(pid)d  token in %(token_file)s" % node)
        print("\n" + report.line())
    return 0 if report.counts["differences"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

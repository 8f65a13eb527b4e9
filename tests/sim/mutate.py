#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deliberate faults: each block of tests/sim/mutations/*.txt changes one place of the product, in a copy of the tree,
and gongji-sim must find it out within SEEDS seeds. It must never write to the tree itself, but for the table between
the two marks of tests/sim/README.md, and that only with --write.

usage: mutate.py [--build FOLDER] [--jobs N] [--seeds N] [--write] [NAME...]   runs all, or those
       mutate.py --check                                       does each still apply, is each in the README's table?
       mutate.py --apply NAME                                  leaves the copy with that fault in it, built
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "tests", "sim", "mutations")
README = os.path.join(ROOT, "tests", "sim", "README.md")
BEGIN, END = "<!-- mutations: begin -->", "<!-- mutations: end -->"
HEAD = "| mutation | what is wrong | turned red by | seeds |\n|---|---|---|---|\n"
NEEDED = ("CMakeLists.txt", "src", "schemas", "tests")
SEEDS = 2000
LONGEST_S = 3600
HEALTHY_SEEDS = 10  # of the unchanged tree, before anything is believed


class Mutation:
    def __init__(self, name):
        self.name, self.what, self.path, self.args = name, "", "", []
        self.before, self.after = [], []

    def mutate(self, text):
        """The file with the fault in it; None unless the old lines are in it exactly once."""
        before = "\n" + "\n".join(self.before) + "\n"
        after = "\n" + "\n".join(self.after) + "\n" if self.after else "\n"
        text = "\n" + text
        return text.replace(before, after)[1:] if text.count(before) == 1 and before != after else None


def read_file(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_block(path, lines, known):
    mutation = Mutation(lines[0][1:-1])
    for line in lines[1:]:
        if line.startswith("what: "):
            mutation.what = line[6:]
        elif line.startswith("file: "):
            mutation.path = line[6:]
        elif line.startswith("args: "):
            mutation.args = line[6:].split()
        elif line[:1] in " -+":
            if line[0] in " -":
                mutation.before.append(line[1:])
            if line[0] in " +":
                mutation.after.append(line[1:])
        else:
            sys.exit(f"{path}: what is this line? {line}")
    if not (mutation.name and mutation.what and mutation.path and mutation.before) or mutation.name in known:
        sys.exit(f"{path}: {lines[0]} is not whole, or there twice")
    return mutation


def read_all():
    """In the order of the files, then of the blocks."""
    mutations = {}
    for name in sorted(os.listdir(FOLDER)):
        path = os.path.join(FOLDER, name)
        block = []
        for line in read_file(path).split("\n") + ["["]:
            if line.startswith("["):
                if block:
                    mutation = read_block(path, block, mutations)
                    mutations[mutation.name] = mutation
                block = [line]
            elif block and line:
                block.append(line)
    return mutations


# --- the check -----------------------------------------------------------------------------------------------------
def check(mutations):
    bad = 0
    for mutation in mutations.values():
        path = os.path.join(ROOT, mutation.path)
        if not os.path.exists(path) or mutation.mutate(read_file(path)) is None:
            print(f"mutation {mutation.name}: its lines are not in {mutation.path} exactly once")
            bad += 1
    table = read_file(README).split(BEGIN)[-1].split(END)[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \| (.*) \| (\d+|none) \|$", table, re.M)
    for name in sorted(set(mutations) - {row[0] for row in rows}):
        print(f"mutation {name} has no row in tests/sim/README.md: ./dev mutants --write")
        bad += 1
    for name, what, _, seeds in rows:
        if name not in mutations or mutations[name].what != what or seeds == "none":
            print(f"tests/sim/README.md: the row of {name} is of another mutation, or of one that survives")
            bad += 1
    return bad


# --- the copy ------------------------------------------------------------------------------------------------------
def write_if_new(path, data):
    """Written only if it differs, so that only what it touches is built again."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def copy_tree(to):
    wanted = set()
    for top in NEEDED:
        start = os.path.join(ROOT, top)
        found = [start] if os.path.isfile(start) else [
            os.path.join(folder, name) for folder, _, names in os.walk(start) for name in names]
        for path in found:
            relative = os.path.relpath(path, ROOT)
            wanted.add(relative)
            with open(path, "rb") as file:
                write_if_new(os.path.join(to, relative), file.read())
    for folder, _, names in os.walk(to):
        for name in names:
            if os.path.relpath(os.path.join(folder, name), to) not in wanted:
                os.remove(os.path.join(folder, name))


def build(build_folder, jobs):
    """What the compiler says, if it says no. Warnings are the tree's own business, not a fault's."""
    objects = os.path.join(build_folder, "objects")
    if not os.path.exists(os.path.join(objects, "build.ninja")):
        subprocess.run(["cmake", "-S", os.path.join(build_folder, "tree"), "-B", objects, "-G", "Ninja",
                        "-DCMAKE_C_FLAGS=-w"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["ninja", "-C", objects, f"-j{jobs}", "gongji-sim"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode != 0 else ""


# --- a run ---------------------------------------------------------------------------------------------------------
def program_of(build_folder):
    return os.path.join(build_folder, "objects", "bin", "gongji-sim")


def healthy_of(build_folder):
    return os.path.join(build_folder, "gongji-sim-healthy")


def run_seeds(program, first, last, jobs, args=()):
    """(first red seed or None, its invariant, what was printed)"""
    command = [program, "--seeds", f"{first}..{last}", "--jobs", str(jobs), "--quiet", "--no-minimise", "--stop-at-first",
               *args]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST_S,
                              encoding="utf-8", errors="replace")
    except subprocess.TimeoutExpired:
        return None, "", f"not done after {LONGEST_S} s"
    reds = [(int(seed), word) for seed, word in
            re.findall(r"^seed (\d+) FAILED: (\S+?):? at ", done.stdout, re.M)]
    for what, word in (("an assertion failed", "assertion"), ("a wild pointer", "crash"),
                       ("it never ends", "never ends")):
        reds += [(int(seed), word) for seed in re.findall(f"{what} in seed (\\d+)", done.stdout)]
    if reds:
        return (*min(reds), done.stdout)
    if done.returncode != 0:
        sys.exit(f"gongji-sim ended with {done.returncode} and named no seed:\n{done.stdout[-2000:]}")
    return None, "", done.stdout


def find_out(build_folder, seeds, jobs, args):
    """The first seed that is red with the fault and green without it."""
    healthy, program = healthy_of(build_folder), program_of(build_folder)
    first = 1
    while True:
        seed, word, output = run_seeds(program, first, seeds, jobs, args)
        if seed is None or run_seeds(healthy, seed, seed, 1, args)[0] is None:
            return seed, word, output
        print(f"    seed {seed} is red without it, too: passed over", flush=True)
        first = seed + 1


def why_of(output, seed):
    said = re.search(rf"^seed {seed} FAILED: .*|^.*(assertion failed|wild pointer|never ends).*", output, re.M)
    return said.group(0) if said else output.strip()[-200:]


def run_one(mutation, build_folder, seeds, jobs, verbose):
    path = os.path.join(build_folder, "tree", mutation.path)
    whole = read_file(path)
    text = mutation.mutate(whole)
    if text is None:
        sys.exit(f"{mutation.name}: its lines are not in {mutation.path} exactly once")
    begin = time.monotonic()
    try:
        write_if_new(path, text.encode())
        error = build(build_folder, jobs)
        if error:
            sys.exit(f"{mutation.name} does not build:\n{error[-3000:]}")
        built = time.monotonic()
        seed, word, output = find_out(build_folder, seeds, jobs, mutation.args)
    finally:
        write_if_new(path, whole.encode())
    end = time.monotonic()
    found = f"{word:<10} {seed:>5}" if seed else "SURVIVES       "
    print(f"{mutation.name:<44} {found}   {built - begin:5.1f} s build, {end - built:6.1f} s run", flush=True)
    if verbose and seed:
        print(f"    {why_of(output, seed)}", flush=True)
    return seed, word


def write_table(mutations, results):
    rows = "".join(f"| `{m.name}` | {m.what} | {results[m.name][1]} | {results[m.name][0] or 'none'} |\n"
                   for m in mutations.values())
    text = read_file(README)
    front, rest = text.split(BEGIN)
    with open(README, "w", encoding="utf-8") as file:
        file.write(front + BEGIN + "\n" + HEAD + rows + END + rest.split(END)[1])


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", default=os.path.join(ROOT, "build-mutants"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--apply", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    mutations = read_all()
    if args.check:
        sys.exit(1 if check(mutations) else 0)
    unknown = [name for name in args.names if name not in mutations]
    if unknown or (args.write and args.names) or (args.apply and len(args.names) != 1):
        sys.exit(f"there is no mutation {unknown[0]}" if unknown else __doc__)
    tree = os.path.join(args.build, "tree")
    copy_tree(tree)
    chosen = [mutations[name] for name in args.names] or list(mutations.values())
    if args.apply:
        path = os.path.join(tree, chosen[0].path)
        write_if_new(path, (chosen[0].mutate(read_file(path)) or sys.exit("it does not apply")).encode())
        sys.exit(build(args.build, args.jobs))
    error = build(args.build, args.jobs)
    if error:
        sys.exit(f"the tree does not build:\n{error[-3000:]}")
    shutil.copy2(program_of(args.build), healthy_of(args.build))
    seed, word, output = run_seeds(healthy_of(args.build), 1, HEALTHY_SEEDS, args.jobs)
    if seed:
        sys.exit(f"the tree itself is red: {why_of(output, seed)}")
    begin = time.monotonic()
    results = {mutation.name: run_one(mutation, args.build, args.seeds, args.jobs, args.verbose)
               for mutation in chosen}
    survivors = [name for name, (seed, _) in results.items() if seed is None]
    print(f"{len(results)} mutations, {len(survivors)} survive {args.seeds} seeds; "
          f"{time.monotonic() - begin:.0f} s")
    if args.write:
        write_table(mutations, results)
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()

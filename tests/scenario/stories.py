#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays stories: each file on the simulator (--on sim) or on real processes (--on processes).

Exit status 0 only if every story that can be played there came out. A story that needs what a back end cannot do is
named with the step that needs it, and counted apart."""
import argparse
import glob
import os
import re
import shutil
import sys
import time

from actions import Play, ability_of
from cast import PACK
from language import KINDS, LIVES, STATEMENTS, STATES, StoryError, read_story

HERE = os.path.dirname(os.path.abspath(__file__))
STORIES = os.path.join(HERE, "stories")


def backend_class(name):
    if name == "sim":
        from stage import Stage
        return Stage
    from processes import Processes
    return Processes


def obstacle(story, abilities):
    """The first step that a back end of these abilities cannot do; None if it can do all."""
    for step in story.steps:
        if ability_of(step) and ability_of(step) not in abilities:
            return step
    return None


def find(names):
    """Paths of the named stories, a file or a name each; all if none is named."""
    if not names:
        return sorted(glob.glob(os.path.join(STORIES, "*.story")))
    paths = [name if os.path.exists(name) else os.path.join(STORIES, name + ".story") for name in names]
    missing = [name for name, path in zip(names, paths) if not os.path.exists(path)]
    if missing:
        raise StoryError("no story %s in %s" % (", ".join(missing), STORIES))
    return paths


def play(story, chosen, arguments):
    """Plays one story in a folder of its own. "" or what went wrong."""
    folder = os.path.join(arguments.work, chosen.name, story.name)
    shutil.rmtree(folder, ignore_errors=True)
    backend = chosen(arguments.bin, folder)
    problem = ""
    try:
        Play(backend, story).run()
    except StoryError as failure:
        problem = str(failure)
    except (OSError, RuntimeError) as failure:
        problem = "%s: %s" % (story.path, failure)
    finally:
        log = backend.log() if (problem or arguments.aloud) and arguments.lines else []
        problem += close(backend)
    for line in log[-arguments.lines:]:
        print("    " + line)
    return problem


def close(backend):
    """Whatever happens, no process is left behind. "" or how it ended."""
    try:
        backend.close()
    except StoryError as failure:
        return " " + str(failure)
    return ""


def play_all(stories, arguments):
    chosen = backend_class(arguments.on)
    good, bad, apart = 0, 0, 0
    for story in stories:
        step = obstacle(story, chosen.abilities)
        if step is not None:
            apart += 1
            print("only the simulator can: %s: line %d: %s" % (story.name, step.line, step.text))
            continue
        begun = time.monotonic()
        problem = play(story, chosen, arguments)
        took = "" if arguments.on == "sim" else "  %.1f s" % (time.monotonic() - begun)
        print("%s %s: %s%s" % ("not so" if problem else "    ok", story.name, story.title, took))
        if problem:
            print("    " + problem)
        good, bad = good + (not problem), bad + bool(problem)
        sys.stdout.flush()
    print("%d stories came out on %s, %d did not, %d are for the simulator alone" % (good, arguments.on, bad, apart))
    return bad == 0 and good + apart > 0


def announced(path):
    """What a story of the broken folder says must be said of it: its line "# fails: ..."."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("# fails: "):
                return line[9:].strip()
    raise StoryError("%s does not say how it fails" % path)


def play_broken(folder, arguments):
    """Every story there must fail, for the reason that it announces."""
    paths = sorted(glob.glob(os.path.join(folder, "*.story")))
    wrong = 0
    arguments.lines = 0
    for path in paths:
        try:
            problem = play(read_story(path), backend_class("sim"), arguments)
        except StoryError as failure:
            problem = str(failure)
        if announced(path) not in problem:
            wrong += 1
            print("%s should fail with: %s\n    it says: %s" % (path, announced(path), problem or "all is well"))
    print("%d of %d broken stories fail as announced" % (len(paths) - wrong, len(paths)))
    return wrong == 0 and bool(paths)


def generated():
    """The two parts of the README that follow from the code and the stories."""
    words = ["- `{%s}`: %s" % (name, ", ".join(values)) for name, values in
             (("kind", KINDS), ("state", STATES), ("life", LIVES), ("rule", PACK))]
    language = ["```"] + [template for _, template in STATEMENTS] + ["```", ""] + words
    table = ["| story | what it shows | about | also on processes |", "|---|---|---|---|"]
    for path in find([]):
        story = read_story(path)
        step = obstacle(story, backend_class("processes").abilities)
        table.append("| `%s` | %s | %s | %s |" % (story.name, story.title, "<br>".join(story.about),
                                                  "yes" if step is None else "no: %s" % step.text))
    return {"language": "\n".join(language), "stories": "\n".join(table)}


def table_of(text, mark):
    """The first table at or after |mark|: its head, then its rows, each a list of cells."""
    lines = text[text.index(mark):].splitlines()
    while not lines[0].startswith("|"):
        lines.pop(0)
    table = []
    while lines and lines[0].startswith("|"):
        cells = [cell.strip() for cell in lines.pop(0).strip("|").split("|")]
        if not cells[0].startswith("---"):
            table.append(cells)
    return table


def wrong_abouts():
    """What "about:" lines say that src/protocol/README.md does not, and its crashes that no story is about."""
    with open(os.path.join(HERE, "..", "..", "src", "protocol", "README.md"), encoding="utf-8") as file:
        text = file.read()
    crashes = ["crash: " + row[0] for row in table_of(text, "## After a crash")[1:]]
    cells = set()
    for machine in ("coordinator", "participant"):
        head, *rows = table_of(text, "| %s |" % machine)
        cells |= {"%s %s, %s: %s" % (machine, row[0], head[i], row[i]) for row in rows for i in range(1, len(row))}
    about = {line for path in find([]) for line in read_story(path).about}
    wrong = ["no story is about: " + row for row in crashes if row not in about]
    wrong += ["no such line in src/protocol/README.md: " + line for line in sorted(about)
              if line.startswith("crash: ") and line not in crashes]
    return wrong + ["no such cell in src/protocol/README.md: " + line for line in sorted(about)
                    if re.match("(coordinator|participant) [A-Z]+, ", line) and line not in cells]


def readme(must_write):
    """Compares the README with what it must say, or writes it. True if it says so."""
    path = os.path.join(HERE, "README.md")
    with open(path, encoding="utf-8") as file:
        old = new = file.read()
    for name, text in generated().items():
        new = re.sub(r"(<!-- %s -->\n).*?(\n<!-- end -->)" % name, lambda found, text=text: found.group(1) + text + found.group(2),
                     new, flags=re.S)
    if must_write:
        with open(path, "w", encoding="utf-8") as file:
            file.write(new)
    elif old != new:
        print("README.md does not list the statements and stories as they are: run stories.py --write-readme")
    return must_write or old == new


def show_language():
    for verb, template in STATEMENTS:
        print("%-22s %s" % (verb, template))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="stories by name or path; all if none is given")
    parser.add_argument("--on", choices=("sim", "processes"), default="sim")
    parser.add_argument("--bin", default=os.path.join(HERE, "..", "..", "build", "bin"), help="folder of the programs")
    parser.add_argument("--work", default=os.path.join(HERE, "..", "..", "build", "stories"), help="folder for stores and logs")
    parser.add_argument("--aloud", action="store_true", help="show what passed, also of a story that came out")
    parser.add_argument("--lines", type=int, default=60, help="how many lines of that")
    parser.add_argument("--check", action="store_true", help="only read the stories, and compare the README with them")
    parser.add_argument("--write-readme", action="store_true", help="write the lists in the README")
    parser.add_argument("--broken", metavar="FOLDER", help="play the stories there; each must fail as it announces")
    parser.add_argument("--language", action="store_true", help="print every statement")
    arguments = parser.parse_args()
    if arguments.language:
        show_language()
        return 0
    if arguments.broken:
        return 0 if play_broken(arguments.broken, arguments) else 1
    try:
        stories = [read_story(path) for path in find(arguments.names)]
    except StoryError as problem:
        print(problem, file=sys.stderr)
        return 2
    if arguments.check or arguments.write_readme:
        print("%d stories can be read" % len(stories))
        wrong = wrong_abouts()
        for line in wrong:
            print(line)
        return 0 if readme(arguments.write_readme) and not wrong else 1
    return 0 if play_all(stories, arguments) else 1


if __name__ == "__main__":
    sys.exit(main())

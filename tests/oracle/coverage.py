"""Which words of the language occur in how many cases.

The words are those of the grammar and of the table of functions in docs/language.md, and of the
vocabulary that the engine gives (`stemma_oracle --words`).
"""

import os
import re
import subprocess

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "language.md")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*")

# What the language knows and this version refuses (E0900), and what is a matter of several files.
NOT_HERE = {"chain", "epoch", "import"}


def grammar_words():
    page = open(PAGE).read()
    grammar = page[page.index("## Grammar"):]
    words = set(re.findall(r'"([a-z]+)"', grammar))
    table = page[page.index("| function | is |"):]
    table = table[:table.index("\n\n")]
    for line in table.split("\n")[2:]:
        words |= set(re.findall(r"`([a-z]+)\(", line.split("|")[1]))
    return words


def vocabulary(oracle):
    out = subprocess.run([oracle, "--words"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return set(out.split())


def words_of(versions):
    found = set()
    for v in versions:
        for token in TOKEN.findall(re.sub(r'"[^"]*"', "", v)):
            found.add(token)
            parts = token.split(".")
            found |= set(parts) | {".".join(parts[i:]) for i in range(len(parts))}
    return found


def report(counts, cases, oracle):
    words = (grammar_words() - NOT_HERE) | vocabulary(oracle)
    missing = sorted(w for w in words if w not in counts)
    line = ""
    print("words, in how many of %d cases:" % cases)
    for w in sorted(words):
        item = "%s %d" % (w, counts.get(w, 0))
        if len(line) + len(item) > 76:
            print("  " + line)
            line = ""
        line += ("  " if line else "") + item
    if line:
        print("  " + line)
    print("words without a case: %s" % (", ".join(missing) if missing else "none"))

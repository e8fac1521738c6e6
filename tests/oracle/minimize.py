"""Makes a failing case small: statements are taken out as long as it goes on failing alike."""

import re
import time

from protocol_tree import numbered, parse, text


def kind_of(differences):
    """What two failures must have in common to count as one: between what, and which part."""
    if not differences:
        return None
    words = differences[0].split(" ")
    if words[0] == "command:":
        said = re.sub(r"`[^`]*`|[A-Za-z_]*\d[\w/]*", "#", differences[0])
        return (words[0], said[len("command: "):][:90])
    return (words[0], words[1].split(".")[0].split("[")[0])


class Minimizer:
    """`fails(versions)` gives the differences of a case; versions that the checker refuses have
    none."""

    def __init__(self, fails, kind, seconds=120):
        self.fails = fails
        self.kind = kind
        self.until = time.monotonic() + seconds

    def still(self, versions):
        return time.monotonic() < self.until and kind_of(self.fails(versions)) == self.kind

    def without(self, source, numbers):
        tree = parse(source)
        for n, kids, s in numbered(tree):
            if n in numbers and s in kids:
                kids.remove(s)
        return text(tree)

    def shrink(self, versions, i):
        """Takes statements out of version i: halves, quarters, ... single ones."""
        changed = False
        size = None
        while time.monotonic() < self.until:
            numbers = [n for n, _, _ in numbered(parse(versions[i]))]
            if size is None:
                size = max(1, len(numbers) // 2)
            at = 0
            while at < len(numbers) and time.monotonic() < self.until:
                smaller = self.without(versions[i], set(numbers[at:at + size]))
                tried = versions[:i] + [smaller] + versions[i + 1:]
                if smaller != versions[i] and self.still(tried):
                    versions[i] = smaller
                    changed = True
                    numbers = [n for n, _, _ in numbered(parse(smaller))]
                else:
                    at += size
            if size == 1:
                return changed
            size //= 2
        return changed

    def minimize(self, versions):
        versions = list(versions)
        if len(versions) > 1 and self.still(versions[-1:]):
            versions = versions[-1:]
        for i in range(len(versions) - 2, -1, -1):
            if self.still(versions[:i] + versions[i + 1:]):
                del versions[i]
        while time.monotonic() < self.until:
            changed = [self.shrink(versions, i) for i in range(len(versions))]
            if not any(changed):
                break
        return versions

"""A protocol as a tree of statements, one a line: what is generated, edited and minimized."""


class Stmt:
    """`head` and, for a block, the statements in its braces (else None)."""

    def __init__(self, head, kids=None):
        self.head = head
        self.kids = kids

    def copy(self):
        return Stmt(self.head, None if self.kids is None else [k.copy() for k in self.kids])

    def lines(self, depth=0):
        pad = "  " * depth
        if self.kids is None:
            return [pad + self.head]
        if not self.kids:
            return [pad + self.head + " {}"]
        out = [pad + self.head + " {"]
        for kid in self.kids:
            out += kid.lines(depth + 1)
        return out + [pad + "}"]


def text(stmts):
    return "\n".join(line for s in stmts for line in s.lines()) + "\n"


def parse(source):
    """Back from such a text (also the minimizer's way to read a case)."""
    stack = [[]]
    for line in source.split("\n"):
        line = line.strip()
        if not line:
            continue
        if line == "}":
            stack.pop()
        elif line.endswith("{}"):
            stack[-1].append(Stmt(line[:-2].strip(), []))
        elif line.endswith("{"):
            block = Stmt(line[:-1].strip(), [])
            stack[-1].append(block)
            stack.append(block.kids)
        else:
            stack[-1].append(Stmt(line))
    return stack[0]


def numbered(stmts):
    """(line number, list that holds the statement, statement) of every statement of the text."""
    out = []

    def walk(kids, line):
        for s in kids:
            out.append((line, kids, s))
            line += 1
            if s.kids:
                line = walk(s.kids, line) + 1
        return line

    walk(stmts, 1)
    return out

"""What the program reads of docs/numerics.md: the version, the coefficients, the test vectors."""
import re


class Page:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.version = int(re.search(r"^# .*`portable`, version (\d+)$", self.text, re.M)[1])

    def block(self, info):
        """The lines of the fenced block with this info string."""
        found = re.findall(r"^```" + re.escape(info) + r"\n(.*?)^```$", self.text, re.M | re.S)
        if len(found) != 1:
            raise SystemExit(f"numerics.md has {len(found)} blocks `{info}`, not 1")
        return found[0].splitlines()

    def named(self, info):
        """name -> words, of lines `name word word`; a line that starts with a blank continues."""
        out = {}
        for line in self.block(info):
            words = line.split()
            if not line.startswith(" "):
                name = words.pop(0)
                out[name] = []
            out[name] += words
        return out

    def coefficients(self, info):
        return {k: [float.fromhex(w) for w in v] for k, v in self.named(info).items()}

    def constants(self, column):
        """The table of constants of the functions, column 1 float32, 2 float64."""
        table = re.search(r"^\| constant \| float32 \| float64 \|\n\|[-|]+\n((?:\|.*\n)+)", self.text,
                          re.M)[1]
        out = {}
        for row in table.splitlines():
            cells = [c.strip() for c in row.strip("|").split("|")]
            value = cells[column]
            out[cells[0].split(",")[0]] = float.fromhex(value) if "x" in value else float(value)
        return out

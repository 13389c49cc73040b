"""Gathers what was measured, and writes it as Markdown between two marks of a file."""
import os
import platform
import re
from dataclasses import dataclass, field

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass
class Goal:
    """One measured figure beside what it should be."""
    work: str
    figure: str
    goal: str
    is_met: bool


@dataclass
class Report:
    lines: list = field(default_factory=list)
    goals: list = field(default_factory=list)
    losses: list = field(default_factory=list)

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def section(self, title, text=""):
        self.say(f"\n## {title}\n")
        if text:
            self.say(text + "\n")

    def table(self, head, rows):
        """The first column is text, the others figures."""
        self.say("| " + " | ".join(head) + " |")
        self.say("|---|" + "--:|" * (len(head) - 1))
        for row in rows:
            self.say("| " + " | ".join(str(cell) for cell in row) + " |")

    def beside(self, work, ours, theirs, other):
        """How many times as fast this program is, as a cell; noted where it loses."""
        ratio = theirs / ours
        if ratio < 1:
            self.losses.append(f"{work}: {seconds(ours)}, {other} {seconds(theirs)}: {1 / ratio:.2f} times as long")
        return times(ratio)

    def hold(self, work, figure, text, goal, is_met):
        self.goals.append(Goal(work, f"{figure} {text}".strip(), goal, is_met))

    def write(self, path):
        """Replaces what stands between the marks, or makes the file."""
        lines = re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines).strip())
        body = f"{BEGIN}\n{lines}\n{END}"
        if path.exists() and BEGIN in path.read_text():
            text = re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: body, path.read_text(), flags=re.S)
        else:
            text = body + "\n"
        path.write_text(text)


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def times(ratio):
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:,.0f} ×"


def rate(count, value):
    """Events or rows a second."""
    each = count / value
    return f"{each / 1e6:.2f} M/s" if each >= 1e6 else f"{each / 1e3:.1f} k/s" if each >= 1e4 else f"{each:,.0f}/s"


def megabytes(count):
    return f"{count / 1e6:,.0f} MB"


def machine():
    """Processor, cores and memory, without names of the machine."""
    text = open("/proc/cpuinfo").read()
    model = re.search(r"model name\s*: (.*)", text)
    flags = re.search(r"flags\s*: (.*)", text)
    has = "with" if flags and "sha_ni" in flags[1].split() else "without"
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read())[1]) / 1024 / 1024
    return [("processor", f"{model[1] if model else platform.machine()}, {has} SHA instructions"),
            ("cores", str(len(os.sched_getaffinity(0)))), ("memory", f"{memory:.0f} GiB"), ("system", f"Linux {platform.release().split('-')[0]}")]

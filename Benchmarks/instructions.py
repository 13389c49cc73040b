"""Instructions an event, counted by callgrind, beside their budgets (Benchmarks/budgets.json)."""
import json
import re
import shutil
from collections import Counter

from folding import RULES
from measure import HERE, counted, run
from shop import Shop

BUDGETS = HERE / "budgets.json"
SMALL, LARGE = 20_000, 60_000
ALLOWED = 1.10
EXPLAIN = "explain, a whole run"
RETAIL, OTHER_RETAIL = "fixtures/rules/retail.yaml", "fixtures/rules/retail-v4.yaml"


def commands(shop):
    """What is counted, by name. One thread where a command has the choice, so that nothing waits for anything."""
    view, single = ["--view", "six-transitions"], ["--threads", 1, "-q"]
    yield "import", ["import", shop.folder / "counted", shop.file, "-q"]
    for rules in RULES.values():
        yield f"replay {rules.stem}", ["replay", shop.store, "--rebuild", "--rules", rules, *single]
    yield "compare retail, retail-v4", ["compare", shop.store, "--rules", RETAIL, "--rules", OTHER_RETAIL, *single]
    yield "export transitions", ["export", shop.store, *view, "--table", "transitions", "-o", shop.folder / "counted.csv", *single]
    yield "verify", ["verify", shop.store, *single]
    yield EXPLAIN, ["explain", shop.store, busiest(shop), *view]


def busiest(shop):
    """The customer, no cookie, with the most events."""
    customers = re.findall(r'"subject":"(C-[^"]*)"', shop.file.read_text())
    return max(sorted(set(customers)), key=Counter(customers).get)


def measure(binary, folder):
    """Instructions by name, (all but hashing, hashing): of one more event, from a log of 20,000 and one of 60,000 events;
    of `explain` those of a run in the larger."""
    # Valgrind cannot read all debug information that linkers write today.
    stripped = folder / "stripped"
    run("strip", "-g", "-o", stripped, binary)
    found = {}
    for count in (SMALL, LARGE):
        shop = Shop(binary, folder, count)
        if not shop.store.exists():
            shop.make().load()
        for name, command in commands(shop):
            found.setdefault(name, []).append(counted([stripped, *command], folder))
            shutil.rmtree(folder / "counted", ignore_errors=True)
    each = {name: tuple((large - small) / (LARGE - SMALL) for small, large in zip(*pair)) for name, pair in found.items()}
    return each | {EXPLAIN: found[EXPLAIN][1]}


def table(report, binary, folder, setting=False):
    """Counts, and says which budgets are exceeded; `setting` makes what was counted the budgets."""
    if shutil.which("valgrind") is None:
        report.say("Not counted: valgrind is not installed.")
        return ["instructions were not counted: install valgrind, or say --no-instructions"]
    measured = measure(binary, folder)
    if setting:
        BUDGETS.write_text(json.dumps({name: round(rest) for name, (rest, _) in measured.items()}, indent=2) + "\n")
    budgets = json.loads(BUDGETS.read_text())
    exceeded, rows = [], []
    for name, (rest, hashing) in measured.items():
        budget = budgets.get(name)
        if budget is None:
            exceeded.append(f"{name} has no budget in Benchmarks/budgets.json")
        elif rest > ALLOWED * budget:
            exceeded.append(f"{name} takes {rest:,.0f} instructions: its budget of {budget:,} is exceeded by {100 * (rest / budget - 1):.0f} %")
        over = [f"{budget:,}", f"{100 * (rest / budget - 1):+.1f} %"] if budget else ["", ""]
        rows.append([name, f"{rest:,.0f}", *over, f"{hashing:,.0f}"])
    report.table(["command", "instructions an event", "budget", "over it", "SHA-256 besides, without SHA instructions"], rows)
    return exceeded

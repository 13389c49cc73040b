"""Fitted customer values beside the Python library `lifetimes`, on the same purchases (peers/with_lifetimes.py)."""
import json
import re

from measure import HERE, last_json, run
from report import seconds

RULES = """rules: 1
model: {{ name: {model}, version: 1 }}
currency: EUR
events:
  purchase: {{ types: [purchase], fields: {{ amount: money }} }}
facts:
  purchases: {{ count: purchase }}
stages: [buyer]
clv: {{ purchase: purchase.amount, model: {model}, unit: {unit}, horizon: 364d, discount: {{ rate: 0.01, per: month }} }}
"""
MAPPING = "subject=customer,time=date,type:=purchase,data.amount=amount"


def table(report, binary, folder, python, customers, models):
    """Parameters, P(alive), expected purchases and value of the next 12 months of each customer; `python` has the library."""
    folder = folder / "values"
    folder.mkdir()
    script = HERE / "peers" / "with_lifetimes.py"
    made = run(python, script, "make", folder, customers).output.strip()
    run(binary, "import", folder / "store", folder / "purchases.csv", "--csv", MAPPING, "-q")
    rows = []
    for model in models:
        rules = folder / f"{model}.yaml"
        rules.write_text(RULES.format(model=model, unit="30d" if model == "bg_bb" else "7d"))
        took = run(binary, "replay", folder / "store", "--rebuild", "--rules", rules, "--format", "json", watching=True)
        ours = last_json(took.output)["clv"]
        here = float(re.search(r"valued \d+ buyers in ([0-9.]+) s", took.messages)[1])
        run(python, script, "fit", folder, model)
        theirs = json.loads((folder / "lifetimes.json").read_text())
        pairs = [(value, ours["params"][name]) for name, value in theirs["params"].items()]
        pairs += [(theirs["money"][name], ours["gamma_gamma"][other]) for name, other in zip("pqv", ("p", "q", "gamma"))]
        apart = max(abs(a - b) / abs(a) for a, b in pairs)
        rows.append([model, f"{seconds(theirs['seconds'])}, of it {seconds(theirs['fit'])} for parameters of {theirs['groups']:,} histories", seconds(here),
                     report.beside(f"values, {model}", here, theirs["seconds"], "`lifetimes`"), f"{apart:.1e}", f"{took.peak / 2**20:.0f} MiB"])
    report.say(f"{made}; `lifetimes` {theirs['version']} with grouped weights.\n")
    report.table(["model", "`lifetimes`", "here", "takes", "parameters differ by, of their size", "peak memory of the replay"], rows)

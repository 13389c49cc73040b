"""Pages of `report` as files, and what can be told of them without a browser."""
import gzip
import html.parser
import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "fixtures" / "rules"
VOID = {"meta", "br", "hr", "img", "input", "link"}


def run(binary, *arguments, status=(0,)):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True)
    if done.returncode not in status:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def with_model(place):
    """The demo shop's rules, with a model of value."""
    text = (RULES / "retail.yaml").read_text()
    settings = ", model: bg_nbd, unit: 7d, horizon: 364d, discount: { rate: 0.10, per: year } }"
    changed = text.replace("margin: 0.35 }", "margin: 0.35" + settings)
    if changed == text:
        raise SystemExit("fixtures/rules/retail.yaml: no `margin: 0.35 }` any more")
    rules = place / "retail.yaml"
    rules.write_text(changed)
    return rules


def long_names(place):
    """Rules with many stages and segments, whose names are as long as they may be."""
    stages = [f"stage-{number}-".ljust(64, "m") for number in range(14)]
    lines = ["rules: 1", "model: { name: long, version: 1 }", "currency: JPY",
             "events:", "  purchase: { types: [purchase, order_paid], fields: { amount: { type: money, path: none, default: '123456' } } }",
             "  nps: { types: [nps_response], fields: { score: int } }",
             "facts:", "  purchases: { count: purchase }", f"stages: [{', '.join(stages)}]", "transitions:"]
    lines += [f"  - {{ id: t{number}, from: {stages[number]}, to: {stages[number + 1]}, when: purchases >= {number + 1} }}"
              for number in range(len(stages) - 1)]
    lines += ["segments:"] + [f"  {'s' + str(number) + 'w' * 70}: {{ when: purchases >= {number} }}" for number in range(9)]
    lines += ["clv: { purchase: purchase.amount }", ""]
    rules = place / "long.yaml"
    rules.write_text("\n".join(lines))
    return rules


def hostile_events():
    """Names and values that would be markup, were they not escaped; some amounts are no numbers, stages come and go."""
    for number in range(40):
        name = f"<script>alert({number})</script>\"&'\u202e"
        month = number % 6 + 1
        yield {"id": f"</title>{number}", "source": "s", "type": "purchase", "subject": name,
               "time": f"2024-0{month}-10T12:00:00Z", "data": {"amount": "10.00", "channel": "<i>"}}
        yield {"id": f"<b>{number}", "source": "s", "type": "purchase", "subject": name, "time": f"2024-0{month + 1}-11T12:00:00Z",
               "data": {"amount": f"{number}.00" if number % 7 else "<img src=x onerror=alert(1)>"}}
        yield {"id": f"&{number}", "source": "s", "type": "nps_response", "subject": name,
               "time": f"2024-0{month + 1}-12T12:00:00Z", "data": {"score": number % 11}}


def store(binary, place, name, lines, rules):
    events = place / f"{name}.ndjson"
    events.write_text("".join(lines))
    path = place / name
    run(binary, "import", str(path), str(events), "-q")
    run(binary, "replay", str(path), "--rules", str(rules), "--view", "shop", "-q", status=(0, 1))
    return str(path)


def shop_page(binary, place):
    """The demo shop's report."""
    events = gzip.decompress((ROOT / "fixtures" / "shop.ndjson.gz").read_bytes()).decode()
    page = place / "shop.html"
    run(binary, "report", store(binary, place, "shop", [events], with_model(place)), "-o", str(page), "-q")
    return page


def make(binary, place):
    """The pages to look at, by name."""
    rules = with_model(place)
    shop = gzip.decompress((ROOT / "fixtures" / "shop.ndjson.gz").read_bytes()).decode()
    one = json.dumps({"id": "e1", "source": "s", "type": "purchase", "subject": "only", "time": "2024-01-10T12:00:00Z",
                      "data": {"amount": "10.00"}}) + "\n"
    hostile = [json.dumps(event) + "\n" for event in hostile_events()]
    stores = {
        "shop": store(binary, place, "shop", [shop], rules),
        "plain": store(binary, place, "plain", [shop], RULES / "product-analytics.yaml"),
        "long": store(binary, place, "long", [shop], long_names(place)),
        "one": store(binary, place, "one", [one], rules),
        "none": store(binary, place, "none", [], rules),
        "hostile": store(binary, place, "hostile", hostile, rules),
    }
    asked = {name: [path] for name, path in stores.items()}
    asked["compared"] = [stores["shop"], "--compare", str(RULES / "retail-v4.yaml")]
    asked["weeks"] = [stores["shop"], "--period", "week", "--hide-customers"]
    asked["journey"] = [stores["shop"], "--customer", "C-000018"]
    asked["hostile-journey"] = [stores["hostile"], "--customer", "<script>alert(3)</script>\"&'\u202e"]
    pages = {}
    for name, arguments in asked.items():
        page = place / f"{name}.html"
        run(binary, "report", *arguments, "-o", str(page), "-q")
        again = run(binary, "report", *arguments, "-o", "-", "-q", "--threads", "1")
        if again.encode() != page.read_bytes():
            raise SystemExit(f"{name}: the same view gave another page")
        pages[name] = page
    return pages


class Structure(html.parser.HTMLParser):
    """Whether elements are closed in order, ids are there once, and nothing is loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.ids, self.links = [], [], set(), []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "script" or any(name.startswith("on") for name in values):
            self.problems.append(f"a script: {tag} {values}")
        for name in ("src", "href", "srcset", "xlink:href"):
            target = values.get(name)
            if target is not None and not target.startswith("#"):
                self.problems.append(f"loads or leads to {target}")
            elif target:
                self.links.append(target[1:])
        identity = values.get("id")
        if identity in self.ids:
            self.problems.append(f"the id {identity} twice")
        if identity:
            self.ids.add(identity)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> where something else is open")


def problems(page, limit):
    """What is wrong with a page as text."""
    text = page.read_text()
    structure = Structure()
    structure.feed(text)
    found = structure.problems + [f"{tag} is not closed" for tag in structure.open]
    found += [f"#{link} leads nowhere" for link in structure.links if link not in structure.ids]
    if re.search(r"url\(|@import", text):
        found.append("the style loads something")
    if len(text.encode()) > limit:
        found.append(f"{len(text.encode())} bytes, more than {limit}")
    return found

"""RFM scores and historical value over all customers at as-of."""
from fractions import Fraction

from expressions import CelError, DAY, print_money
from rules import NoValue, window

# The eleven usual names by their codes of (R, F, M), 5 is best.
RFM_SEGMENTS = {
    "Champions": "555 554 544 545 454 455 445",
    "Loyal": "543 444 435 355 354 345 344 335",
    "Potential Loyalist": "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 "
        "333 323",
    "New Customers": "512 511 422 421 412 411 311",
    "Promising": "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
    "Need Attention": "535 534 443 434 343 334 325 324",
    "About To Sleep": "331 321 312 221 213 231 241 251",
    "At Risk": "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
    "Cannot Lose Them": "155 154 144 214 215 115 114 113",
    "Hibernating": "332 322 233 232 223 222 132 123 122 212 211",
    "Lost": "111 112 121 131 141 151",
}
NAMES = {code: name for name, codes in RFM_SEGMENTS.items() for code in codes.split()}


class Ranks:
    """Columns of the population for each buyer; empty for everybody else and without `clv`."""

    COLUMNS = ("clv_historical", "clv_expected", "p_alive", "expected_purchases", "rfm_r", "rfm_f", "rfm_m", "rfm_segment")

    def __init__(self):
        self.rows = {}

    def row(self, name):
        return self.rows.get(name, {})

    def read(self, name, path):
        value = self.row(name).get(path.replace("rfm.", "rfm_"))
        if value in (None, "", "?"):
            raise CelError(f"{path} is unset", unset=True)
        return value if path == "rfm.segment" else int(value)


def values(rules, events, target):
    """(event, value) of the events of an alias that have the field."""
    alias_name, _, field = target.partition(".")
    alias, found = rules.aliases[alias_name], []
    for event in events:
        try:
            if event.type in alias.types and (alias.where is None or alias.where.function(event)):
                found.append((event, alias.fields[field].value(event)))
        except (CelError, NoValue):
            pass
    return found


def score(name, measures, ties):
    """1 + floor(5 × (rank among ties − 1) ÷ n), 5 is best; of ties the lowest rank counts, or the highest."""
    mine = measures[name]
    lowest = 1 + sum(other < mine for other in measures.values())
    highest = sum(other <= mine for other in measures.values())
    return 1 + 5 * ((highest if ties == "high" else lowest) - 1) // len(measures)


def net(bought, back):
    return sum(value for _, value in bought) - sum(abs(value) for _, value in back)


def purchases(rules, customer):
    """([(event, amount)] bought, the same given back), in order."""
    back = values(rules, customer.events, rules.clv["refund"]) if "refund" in rules.clv else []
    return values(rules, customer.events, rules.clv["purchase"]), back


def measures(rules, customers, as_of):
    """Name -> (instant of the last purchase, days, money) of everybody who is scored."""
    within, found = rules.rfm.get("within"), {}
    inside = lambda pairs: [p for p in pairs if within is None or as_of - window(within) < p[0].time <= as_of]
    for customer in customers:
        bought, back = map(inside, purchases(rules, customer))
        if bought:
            found[customer.name] = (bought[-1][0].time, len({event.time // DAY for event, _ in bought}), net(bought, back))
    return found


def spending(rules, customer):
    """(x, total) of the days after the first that the spending model sees; total is None for who is to bring nothing."""
    bought, back = purchases(rules, customer)
    later = [(event, value) for event, value in bought if event.time // DAY != bought[0][0].time // DAY]
    count = len({event.time // DAY for event, _ in later})
    if rules.clv.get("monetary") != "net":
        return count, sum(value for _, value in later)
    # A refund takes back what was bought last before it: money of the later days, as far as there is any.
    total = 0
    for event, change in sorted(later + [(event, -abs(value)) for event, value in back if value], key=lambda pair: pair[0].key):
        is_refund = any(event is other for other, _ in back)
        total = total + change if not is_refund or total + change > 0 else min(total, 0)
    kept = net(bought, back)
    total = min(kept, total)
    return count, None if kept <= 0 or (count and total <= 0) else total


def rank(rules, customers, as_of):
    ranks = Ranks()
    if not rules.clv:
        return ranks
    margin = Fraction(str(rules.clv.get("margin", 1)))
    for customer in customers:
        bought, back = purchases(rules, customer)
        if bought:
            ranks.rows[customer.name] = {
                "clv_historical": print_money(round(margin * net(bought, back)), rules.currency),
                "clv_expected": "?", "p_alive": "?", "expected_purchases": "?",
            }
    found = measures(rules, customers, as_of)
    by_measure = [{name: row[index] for name, row in found.items()} for index in range(3)]
    for name in found:
        r, f, m = (score(name, one, rules.rfm.get("ties", "low")) for one in by_measure)
        ranks.rows[name].update(rfm_r=str(r), rfm_f=str(f), rfm_m=str(m), rfm_segment=NAMES.get(f"{r}{f}{m}", "?"))
    return ranks

"""Which instants are tried.

All times and constants of a history lie close to multiples of a grid (say half an hour), so everything that
time alone can do happens close to one: every microsecond in a band around each multiple is tried. The grid
and the width of the band are wide supersets of what the constants need; nothing here looks at a condition.
Calendar functions, `/` and `%` change at multiples of the grid because it divides an hour wherever they occur.
A short history (below `EVERY` microseconds) is tried at every microsecond from the first event to as-of.
"""
import bisect
import re

from expressions import DAY, HOUR, SECOND, parse_duration, parse_time

EVERY = 20_000
FAR = 7305 * DAY
MINUTE = 60 * SECOND


def offset(value, grid):
    """How far a value is from the nearest multiple of the grid."""
    rest = value % grid
    return min(rest, grid - rest)


def constants(text):
    """Durations and instants that the rules name, as written."""
    spans = [int(n) * {"h": HOUR, "d": DAY, "w": 7 * DAY}[u] for n, u in re.findall(r"(?:within|every): *(\d+)([hdw])", text)]
    for name, number in re.findall(r"\b(hours|days|weeks)\((\d+)\)", text):
        spans.append(int(number) * {"hours": HOUR, "days": DAY, "weeks": 7 * DAY}[name])
    spans += [parse_duration(value) for value in re.findall(r"duration\(['\"]([^'\"]+)['\"]\)", text)]
    moments = [parse_time(value) for value in re.findall(r"timestamp\(['\"]([^'\"]+)['\"]\)", text)]
    return [abs(value) for value in spans], moments


class Plan:
    """The instants to try for the customers of one log."""

    def __init__(self, rules, events, as_of, most_steps=100_000):
        text, self.as_of, self.most_steps = rules.text, as_of, most_steps
        written = re.search(r"# plan: grid=(\d+) band=(\d+) horizon=(\d+)", text)
        self.spans, self.moments = constants(text)
        self.payload = [value for event in events for value in times_in(event.data)]
        self.extra = 2 + sum(offset(value, MINUTE) for value in self.spans)
        if written:
            self.grid, band, self.reach = (int(part) for part in written.groups())
            self.extra += band
        else:
            self.grid, self.reach = self.guess(text, events), None
        self.band_of_events = 4 * max([offset(t, self.grid) for t in [e.time for e in events] + self.payload + self.moments] or [0])
        self.also = ()

    def guess(self, text, events):
        """The widest usual grid on which every time and constant of the file lies, halved for sums of two ages."""
        finest = re.search(r"getMinutes|getSeconds|int\(", text)
        clock = re.search(r"getHours", text)
        for grid in (DAY, 12 * HOUR, 6 * HOUR, HOUR, HOUR // 2, HOUR // 4, MINUTE):
            if (finest and grid > MINUTE) or (clock and grid > HOUR):
                continue
            values = [event.time for event in events] + self.spans + self.moments + self.payload
            if all(offset(value, grid) <= 1000 for value in values):
                return grid // 2
        raise SystemExit("the times of this log lie on no grid; write `# plan:` into the rules")

    def after(self, instant, customer):
        """The next instant to try for a customer after `instant`."""
        instant += 1
        if customer.events[0].time <= instant <= self.as_of < customer.events[0].time + EVERY:
            return instant
        band = self.band_of_events + self.extra + 2 * offset(customer.entered, self.grid)
        rest = instant % self.grid
        found = instant
        if band < rest < self.grid - band:
            found = instant - rest + self.grid - band
        index = bisect.bisect_left(self.also, instant)
        return min([found, *self.also[index : index + 1]])

    def horizon(self, customer, as_of):
        """How far after as-of the next change is looked for: later there is none, or it would repeat."""
        if self.reach is not None:
            return min(self.reach, FAR)
        text, life = customer.rules.text, as_of - customer.events[0].time
        ahead = max([abs(t - as_of) for t in self.payload + self.moments] or [0])
        days = re.search(r"getFullYear|getMonth|getDate|getDayOf", text)
        reach = 2 * (life + ahead + sum(self.spans)) + (2 * 366 * DAY if days else 14 * DAY)
        return min(reach, FAR)


def times_in(value):
    """Every instant written in a payload."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [t for item in value for t in times_in(item)]
    found = parse_time(value) if isinstance(value, str) else None
    return [] if found is None else [found]

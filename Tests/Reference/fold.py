"""One customer's events to rows, by trying instant after instant."""
import copy
import math

from expressions import CelError, RELATIONS, path_of
from rules import NoValue

TIMER_LIMIT = 1000


class Faults:
    """Counts by (kind, name); those of conditions count a customer once."""

    def __init__(self):
        self.counts, self.seen = {}, set()

    def add(self, kind, name):
        self.counts[kind, name] = self.counts.get((kind, name), 0) + 1

    def once(self, kind, name, customer):
        if (kind, name, customer) not in self.seen:
            self.seen.add((kind, name, customer))
            self.add(kind, name)


class Parked(Exception):
    """A settle that does not come to an end."""


class Customer:
    """The machine: events applied so far, the stage, and the instant `now` at which facts are read."""

    def __init__(self, name, events, rules, faults):
        self.name, self.rules, self.faults = name, rules, faults
        self.events = sorted(events, key=lambda event: event.key)
        self.applied, self.members = 0, {name: [] for name in rules.facts}
        self.stage = self.entered = self.previous = self.parked_at = self.last_seen = None
        self.now, self.cache, self.timer_rows, self.rows = None, {}, 0, []
        self.spells, self.open, self.before = [], {}, None

    # --- facts

    def extra(self, path):
        raise CelError(f"{path} is known at as-of only", unset=True)

    def at(self, now):
        self.now, self.cache = now, {}

    def apply(self, event):
        """Adds one event to the facts it counts for."""
        self.applied, self.last_seen, self.cache = self.applied + 1, event.time, {}
        self.timer_rows = 0
        aliases = set()
        for alias in self.rules.aliases.values():
            if event.type in alias.types:
                try:
                    if alias.where is None or alias.where.function(event):
                        aliases.add(alias)
                except CelError:
                    self.faults.add("alias", alias.name)
        for fact in self.rules.facts.values():
            owner = next((alias for alias in fact.aliases if alias in aliases), None)
            if owner is None:
                continue
            try:
                if fact.where is not None and not fact.where.function(event):
                    continue
                value = owner.fields[fact.field].value(event) if fact.field else None
            except (CelError, NoValue):
                self.faults.add("fact", fact.name)
                continue
            self.members[fact.name].append((event, value))

    def inside(self, fact):
        """The events that count for `fact` now, with the values they add, in order."""
        found = self.members[fact.name]
        if fact.within is None:
            return found
        return [pair for pair in found if self.now - fact.within < pair[0].time <= self.now]

    def fact(self, fact):
        """The value of a fact now; unset is an error."""
        if fact.name not in self.cache:
            try:
                value = fact.expr.function(self) if fact.expr else aggregate(fact, self.inside(fact), self.now)
            except CelError:
                value = None
            self.cache[fact.name] = fact.default if value is None else value
        if self.cache[fact.name] is None:
            raise CelError(f"{fact.name} is unset", unset=True)
        return self.cache[fact.name]

    def holds(self, transition, note):
        """Whether a condition holds; an error other than an unset fact is noted once a customer."""
        try:
            return transition.when.function(self)
        except CelError as error:
            if note and not error.unset:
                kind = "stage" if self.rules.first_match else "transition"
                self.faults.once(kind, transition.name, self.name)
            return False

    # --- settling

    def settle(self, cause, event=None, note=True):
        """Takes transitions at `now` until none holds; returns the rows."""
        start, taken = (self.stage, self.entered, self.previous), []
        visited = {self.stage}
        while True:
            for transition in self.rules.transitions:
                if transition.sources is not None and self.stage not in transition.sources:
                    continue
                if self.holds(transition, note):
                    break
            else:
                break
            if self.rules.first_match and transition.target == self.stage:
                break
            taken.append((self.stage, transition))
            if transition.target in visited and not self.rules.first_match:
                self.park(start)
            visited.add(transition.target)
            self.previous, self.stage, self.entered = self.stage, transition.target, self.now
            if self.rules.first_match:
                break
        if not taken:
            return []
        if cause == "timer":
            if self.timer_rows + len(taken) >= TIMER_LIMIT:
                self.park(start)
            self.timer_rows += len(taken)
            end = (self.stage, self.entered, self.previous)
            self.stage, self.entered, self.previous = start
            event = self.anchor(taken[0][1])
            self.stage, self.entered, self.previous = end
        rows = [(self.now, source or "", t.target, t.name if source else "", cause, event) for source, t in taken]
        self.rows += rows
        return rows

    def park(self, start):
        self.stage, self.entered, self.previous = start
        self.parked_at = self.now
        raise Parked

    # --- the anchor of a timer

    def conditions(self, first):
        if not self.rules.first_match:
            return [first.when]
        names = self.rules.stages
        lower = max(names.index(self.stage), names.index(first.target))
        return [transition.when for transition in self.rules.transitions[: lower + 1]]

    def anchor(self, first):
        """The event behind a timer settle whose first transition is `first`."""
        now, found = self.now, []
        for condition in self.conditions(first):
            for node in comparisons(condition, self.rules.facts):
                after = self.outcome(node)
                self.at(now - 1)
                before = self.outcome(node)
                self.at(now)
                if before == after:
                    continue
                facts = list(leaves(node, self.rules.facts))
                leaving = [event for fact in facts for event in self.leaving(fact)]
                found += leaving or [event for fact in facts for event in self.giving(fact)]
        return max(found, key=lambda event: event.key, default=None)

    def outcome(self, node):
        try:
            return node.function(self)
        except CelError:
            return "error"

    def leaving(self, fact):
        """The events that leave the window of a fact, or move to another span of `active`, now."""
        for event, _ in self.members[fact.name]:
            age = self.now - event.time
            if fact.every and 0 < age <= fact.within and age % fact.every == 0:
                yield event
            elif fact.within and age == fact.within:
                yield event

    def giving(self, fact):
        """The events that give the value of a timestamp fact."""
        inside = self.inside(fact)
        if fact.type != "timestamp" or not inside:
            return []
        if fact.kind in ("first", "first_time"):
            return [inside[0][0]]
        if fact.kind in ("last", "last_time"):
            return [inside[-1][0]]
        best = aggregate(fact, inside, self.now)
        return [event for event, value in inside if value == best]

    # --- time

    def run(self, as_of, plan):
        """Folds everything up to and including `as_of`."""
        events, first = self.events, self.events[0]
        self.at(first.time)
        try:
            if self.rules.first_match:
                self.enter_first_match()
                self.try_segments("event", first)
            else:
                self.stage, self.entered = self.rules.stages[0], first.time
                self.rows.append((first.time, "", self.stage, "", "event", first))
            instant = first.time
            while True:
                while self.applied < len(events) and events[self.applied].time == instant:
                    event = events[self.applied]
                    self.apply(event)
                    self.settle("event", event)
                    self.try_segments("event", event)
                instant = plan.after(instant, self)
                if self.applied < len(events):
                    instant = min(instant, events[self.applied].time)
                if instant > as_of:
                    break
                self.at(instant)
                self.before = (self.stage, self.entered, self.previous)
                rows = self.settle("timer")
                self.try_segments("timer", rows[0][5] if rows else None)
            self.at(as_of)
        except Parked:
            for spell in self.open.values():
                spell[2] = self.parked_at

    def try_segments(self, cause, event):
        """Follows the segments; notes those whose condition ends in an error other than an unset fact."""
        for name, when in self.rules.segments.items():
            holds = False
            try:
                holds = when.function(self)
            except CelError as error:
                if not error.unset:
                    self.faults.once("segment", name, self.name)
            if holds and name not in self.open:
                anchor = event if cause == "event" else self.segment_anchor(when) or event
                self.open[name] = [name, self.now, None, cause, anchor]
                self.spells.append(self.open[name])
            elif not holds and name in self.open:
                self.open.pop(name)[2] = self.now

    def segment_anchor(self, when):
        """The event whose age or leaving a window lets a segment hold now, the stage before the settle being `before`."""
        found, after_state = [], (self.stage, self.entered, self.previous)
        for node in comparisons(when, self.rules.facts):
            after, now = self.outcome(node), self.now
            self.at(now - 1)
            self.stage, self.entered, self.previous = self.before
            before = self.outcome(node)
            self.stage, self.entered, self.previous = after_state
            self.at(now)
            if before != after:
                facts = list(leaves(node, self.rules.facts))
                leaving = [event for fact in facts for event in self.leaving(fact)]
                found += leaving or [event for fact in facts for event in self.giving(fact)]
        return max(found, key=lambda event: event.key, default=None)

    def enter_first_match(self):
        """The first row is the stage that holds after the first event."""
        first = self.events[0]
        self.apply(first)
        for transition in self.rules.transitions:
            if self.holds(transition, True):
                break
        self.stage, self.entered = transition.target, first.time
        self.rows.append((first.time, "", self.stage, "", "event", first))

    def next_change(self, as_of, plan):
        """(instant, stage) of the first change by time alone after as-of, (None, None), or None: not known."""
        ahead = copy.copy(self)
        ahead.rows, ahead.cache, instant = [], {}, as_of
        for _ in range(plan.most_steps):
            instant = plan.after(instant, ahead)
            if instant > as_of + plan.horizon(self, as_of):
                return (None, None)
            ahead.at(instant)
            try:
                if ahead.settle("timer", note=False):
                    return (instant, ahead.stage)
            except Parked:
                return (instant, None)
        return None


def aggregate(fact, inside, now):
    """The value of a fact over the events `inside`; None is unset."""
    values, kind = [value for _, value in inside], fact.kind
    if kind == "count":
        return len(inside)
    if kind == "active":
        return len({(now - event.time) // fact.every for event, _ in inside})
    if kind == "distinct":
        return len(set(values))
    if kind == "sum":
        total = math.fsum(values) if fact.type == "double" else sum(values)
        return bounded(total)
    if not inside:
        return None
    if kind in ("first_time", "last_time"):
        return inside[0 if kind == "first_time" else -1][0].time
    if kind in ("first", "last"):
        return values[0 if kind == "first" else -1]
    if kind in ("min", "max"):
        key = (lambda value: value.encode()) if fact.type == "string" else None
        return (min if kind == "min" else max)(values, key=key)
    if fact.type == "money":
        total = bounded(sum(values))
        return None if total is None else abs(total) // len(values) * (-1 if total < 0 else 1)
    return (math.fsum(values) if isinstance(values[0], float) else sum(values)) / len(values)


def bounded(total):
    return total if isinstance(total, float) or -(2**63) <= total < 2**63 else None


def comparisons(node, facts):
    """Every comparison and `has` under a condition, `expr` facts spelled out."""
    for part in node.walk():
        if (part.kind == "binary" and part.value in RELATIONS) or (part.kind == "call" and part.value == "has"):
            yield part
        fact = facts.get((path_of(part) or "").removeprefix("facts."))
        if fact and fact.expr:
            yield from comparisons(fact.expr, facts)


def leaves(node, facts):
    """Every fact with events under a node, `expr` facts spelled out."""
    for part in node.walk():
        fact = facts.get((path_of(part) or "").removeprefix("facts."))
        if fact and fact.expr:
            yield from leaves(fact.expr, facts)
        elif fact:
            yield fact

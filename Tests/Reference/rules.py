"""Reads a rules file and compiles its expressions. It trusts the file where the program has to refuse it."""
import re
from decimal import Decimal
from fractions import Fraction

import yaml

from expressions import (DAY, HOUR, INT_MAX, INT_MIN, CelError, Node, RulesError, decimals, parse, parse_money,
                         parse_time, path_of)
from operators import compile_node


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 core: no dates, no yes and no, no base 60."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first) + ([""] if tag == "null" else []))

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII)
MISSING = object()


class NoValue(Exception):
    """A field that has no value in an event."""


class Field:
    """One declared field of an alias."""

    def __init__(self, name, spec, rules):
        spec = spec if isinstance(spec, dict) else {"type": spec}
        self.type, self.path, self.rules = spec["type"], str(spec.get("path", name)), rules
        self.currency_path = str(spec.get("currency", "currency"))
        self.default = MISSING if spec.get("default") is None else as_payload(spec["default"])

    def value(self, event):
        raw = look_up(event.data, self.path)
        if raw is None:
            if self.default is MISSING:
                raise NoValue(self.path)
            return cast(self.default, self.type, self.rules, self.rules.currency)
        currency = self.rules.currency
        if self.type == "money":
            currency = look_up(event.data, self.currency_path)
            currency = self.rules.currency if currency is None else currency
        return cast(raw, self.type, self.rules, currency)


def as_payload(value):
    return Decimal(repr(value)) if isinstance(value, float) else value


def look_up(data, path):
    """The JSON value at a dotted path or JSON Pointer; None where there is none."""
    if path.startswith("/"):
        for part in path[1:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(data, list) and re.fullmatch(r"0|[1-9]\d*", part, re.ASCII):
                data = data[int(part)] if int(part) < len(data) else None
            else:
                data = data.get(part) if isinstance(data, dict) else None
        return data
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def cast(raw, type, rules, currency):
    """A JSON value as a value of `type`, or `NoValue`."""
    number = raw if isinstance(raw, (int, Decimal)) and not isinstance(raw, bool) else None
    if number is None and isinstance(raw, str) and NUMBER.match(raw):
        number = Decimal(raw)
    if type in ("string", "bool") and isinstance(raw, {"string": str, "bool": bool}[type]):
        return raw
    if type == "timestamp" and isinstance(raw, str) and parse_time(raw) is not None:
        return parse_time(raw)
    if number is not None and type == "double":
        return float(number)
    if number is not None and type == "int":
        exact = Fraction(number)
        if exact.denominator == 1 and INT_MIN <= exact <= INT_MAX:
            return int(exact)
    if number is not None and type == "money" and isinstance(currency, str):
        if currency != rules.currency and currency not in rules.exchange:
            raise NoValue(currency)
        minor = Fraction(number) * 10 ** decimals(currency)
        if minor.denominator == 1 and currency != rules.currency:
            rate = rules.exchange[currency]
            minor = Fraction(round(minor / 10 ** decimals(currency) * rate * 10 ** decimals(rules.currency)))
        if minor.denominator == 1 and INT_MIN <= minor <= INT_MAX:
            return int(minor)
    raise NoValue(str(raw))


class Alias:
    """The events of some raw types that pass a condition."""

    def __init__(self, name, spec, rules):
        self.name, self.types = name, spec["types"]
        self.fields = {key: Field(key, value, rules) for key, value in (spec.get("fields") or {}).items()}
        self.where = None
        if "where" in spec:
            self.where = compile_bool(spec["where"], EventScope([self], rules))


class EventScope:
    """What `where` and `ignore` may read: attributes of the event and declared fields of `aliases`."""

    def __init__(self, aliases, rules):
        self.aliases, self.currency = aliases, rules.currency

    def variable(self, path):
        head, _, name = path.partition(".")
        if head != "event" or not name:
            raise RulesError(f"{path} is not in scope")
        if name in ("type", "source", "subject", "id"):
            return "string", lambda env: getattr(env, name)
        owners = [alias for alias in self.aliases if name in alias.fields]
        if not owners:
            raise RulesError(f"{path} is not declared")

        def read(event):
            for alias in owners:
                if event.type in alias.types:
                    try:
                        return alias.fields[name].value(event)
                    except NoValue:
                        raise CelError(f"{path} has no value") from None
            raise CelError(f"{path} has no value")

        return owners[0].fields[name].type, read


class FactScope:
    """What conditions may read; `expr` facts see the facts above them and no stage."""

    def __init__(self, rules, facts, stage, extra=()):
        self.rules, self.facts, self.stage, self.currency = rules, facts, stage, rules.currency
        self.extra = dict(extra)

    def variable(self, path):
        name = path.removeprefix("facts.")
        if name in self.facts:
            fact = self.facts[name]
            return fact.type, lambda env: env.fact(fact)
        if path in self.extra:
            type = self.extra[path]
            return type, lambda env: env.extra(path)
        if path == "now":
            return "timestamp", lambda env: env.now
        if self.stage and path == "stage.name":
            return "string", lambda env: env.stage
        if self.stage and path == "stage.entered_at":
            return "timestamp", lambda env: env.entered
        if self.stage and path == "stage.previous":
            return "string", previous_stage
        raise RulesError(f"{path} is not in scope")


def previous_stage(env):
    if env.previous is None:
        raise CelError("stage.previous is unset", unset=True)
    return env.previous


def compile_bool(text, scope):
    text = "true" if text is True else "false" if text is False else text
    node = compile_node(parse(text), scope)
    if node.type != "bool":
        raise RulesError(f"{text!r} is {node.type}, not bool")
    return node


WITHIN = {"h": HOUR, "d": DAY, "w": 7 * DAY}


def window(text):
    return int(text[:-1]) * WITHIN[text[-1]]


class Fact:
    """A named value over one customer's events."""

    KINDS = ("count", "sum", "min", "max", "avg", "distinct", "first", "last", "first_time", "last_time", "active", "expr")

    def __init__(self, name, spec, rules):
        self.name, self.field, self.aliases, self.expr, self.where = name, None, [], None, None
        (self.kind,) = [kind for kind in self.KINDS if kind in spec]
        target = spec[self.kind]
        self.within = window(spec["within"]) if "within" in spec else None
        self.every = window(spec["every"]) if "every" in spec else None
        if self.kind == "expr":
            self.expr = compile_node(parse(target), FactScope(rules, dict(rules.facts), stage=False))
            self.type = self.expr.type
        else:
            names = target if isinstance(target, list) else [target]
            if len(names) == 1 and "." in names[0]:
                names[0:1], self.field = [names[0].split(".")[0]], names[0].split(".")[1]
            self.aliases = [rules.aliases[alias] for alias in dict.fromkeys(names)]
            of = self.aliases[0].fields[self.field].type if self.field else None
            self.type = {"count": "int", "distinct": "int", "active": "int", "first_time": "timestamp",
                         "last_time": "timestamp", "avg": "double" if of == "int" else of}.get(self.kind, of)
            if "where" in spec:
                self.where = compile_bool(spec["where"], EventScope(self.aliases, rules))
        self.default = None
        if spec.get("default") is not None:
            self.default = cast(as_payload(spec["default"]), self.type, rules, rules.currency)


class Transition:
    """One row of the table of transitions, or one stage of the first-match form (`sources` is None)."""

    def __init__(self, name, sources, target, when):
        self.name, self.sources, self.target, self.when = name, sources, target, when


class Rules:
    """A compiled rules file."""

    def __init__(self, text):
        file = yaml.load(text, Loader=CoreLoader)
        self.text, self.currency = text, file.get("currency", "EUR")
        self.exchange = {key: Fraction(str(value)) for key, value in (file.get("exchange") or {}).items()}
        self.aliases, self.facts = {}, {}
        for name, spec in (file.get("events") or {}).items():
            self.aliases[name] = Alias(name, spec, self)
        self.ignore = compile_bool(file["ignore"], EventScope(list(self.aliases.values()), self)) if "ignore" in file else None
        self.link = None
        if "identity" in file:
            alias, field = file["identity"]["link"].split(".")
            self.link = (self.aliases[alias], self.aliases[alias].fields[field])
        for name, spec in (file.get("facts") or {}).items():
            self.facts[name] = Fact(name, spec, self)
        self.clv, self.rfm = file.get("clv"), file.get("rfm") or {}
        stages = [stage if isinstance(stage, dict) else {"name": stage} for stage in file["stages"]]
        self.stages = [stage["name"] for stage in stages]
        names = {stage["name"]: stage["name"] for stage in stages}
        names.update({other: stage["name"] for stage in stages for other in stage.get("also", [])})
        self.first_match = "transitions" not in file
        scope = FactScope(self, self.facts, stage=not self.first_match)
        if self.first_match:
            always = compile_node(Node("literal", True, type="bool"), scope)
            self.transitions = [
                Transition(stage["name"], None, stage["name"], compile_bool(stage["when"], scope) if "when" in stage else always)
                for stage in stages
            ]
        else:
            self.transitions = [self.transition(spec, names, scope) for spec in file["transitions"] or []]
        population = {"rfm.r": "int", "rfm.f": "int", "rfm.m": "int", "rfm.segment": "string"}
        scope = FactScope(self, self.facts, stage=not self.first_match, extra=population)
        self.segments = {name: compile_bool(spec["when"], scope) for name, spec in (file.get("segments") or {}).items()}

    def transition(self, spec, names, scope):
        target, source = names[spec["to"]], spec["from"]
        if source == "any":
            sources = {stage for stage in self.stages if stage != target}
        else:
            sources = {names[name] for name in (source if isinstance(source, list) else [source])}
        if target in sources:
            raise RulesError(f"{spec['id']}: to is in from")
        return Transition(spec["id"], sources, target, compile_bool(spec["when"], scope))

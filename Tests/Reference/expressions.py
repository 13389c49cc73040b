"""A small evaluator of the Common Expression Language, as stage rules use it.

An expression is parsed to `Node`s and turned into one Python function per node. Types are static, values
are plain: int, money, timestamp and duration are Python ints (money in minor units, time in microseconds),
double is float, string is str, bool is bool, a list is a Python list. An error is the exception `CelError`;
`unset` tells an unset fact from every other error. No node short-circuits what the language does not.
"""
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
TIME_MIN = (datetime(1, 1, 1, tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)
TIME_MAX = (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)
DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "KWD": 3, "BHD": 3, "JOD": 3, "OMR": 3, "TND": 3}
RELATIONS = ("<", "<=", ">", ">=", "==", "!=", "in")


class CelError(Exception):
    """A condition or expression that has no value."""

    def __init__(self, text, unset=False):
        super().__init__(text)
        self.unset = unset


class RulesError(Exception):
    """A rules file that is refused."""


class Node:
    """One node of the tree: `kind` is literal, name, select, call, unary, binary, ternary, list or index."""

    def __init__(self, kind, value=None, args=(), type=None):
        self.kind, self.value, self.args, self.type = kind, value, list(args), type
        self.function = None  # set by `compile_node`

    def walk(self):
        yield self
        for arg in self.args:
            yield from arg.walk()


# --- text to time and back

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))\Z", re.ASCII)


def parse_time(text):
    """Microseconds of an RFC 3339 instant, or None."""
    match = TIME.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    value = (moment - EPOCH) // timedelta(microseconds=1) + int(((match[7] or "") + "000000")[:6])
    if match[9]:
        if int(match[10]) > 23 or int(match[11]) > 59:
            return None
        offset = (int(match[10]) * 60 + int(match[11])) * 60 * SECOND
        value += -offset if match[9] == "+" else offset
    return value if TIME_MIN <= value <= TIME_MAX else None


def print_time(value):
    return (EPOCH + timedelta(microseconds=value)).strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"


UNITS = {"h": HOUR * 1000, "m": 60 * SECOND * 1000, "s": SECOND * 1000, "ms": 1_000_000, "us": 1000, "ns": 1}


def parse_duration(text):
    """Microseconds of a CEL duration string; finer than a microsecond is refused."""
    match = re.fullmatch(r"([+-]?)((?:\d+(?:\.\d*)?(?:h|ms|us|ns|m|s))+|0)", text)
    if not match:
        raise RulesError(f"duration {text!r}")
    total = sum(Fraction(number) * UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d*)?)(h|ms|us|ns|m|s)", match[2]))
    if total % 1000 != 0:
        raise RulesError(f"duration {text!r} is finer than a microsecond")
    return int(total / 1000) * (-1 if match[1] == "-" else 1)


def print_duration(value):
    sign, value = ("-", -value) if value < 0 else ("", value)
    fraction = f"{value % SECOND:06d}".rstrip("0")
    return f"{sign}{value // SECOND}{'.' + fraction if fraction else ''}s"


def decimals(currency):
    return DECIMALS.get(currency, 2)


def parse_money(text, currency):
    """Minor units of a decimal text, or None when it is no number or too fine."""
    if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text):
        return None
    minor = Fraction(Decimal(text)) * 10 ** decimals(currency)
    return int(minor) if minor.denominator == 1 and INT_MIN <= minor <= INT_MAX else None


def print_money(value, currency):
    places = decimals(currency)
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // 10**places}" + (f".{value % 10**places:0{places}d}" if places else "")


# --- parser

TOKEN = re.compile(
    r"""\s*(?:(?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|(?P<int>0x[0-9a-fA-F]+|\d+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark><=|>=|==|!=|&&|\|\||[-+*/%!<>?:.,()\[\]])|(?P<end>\Z))""",
    re.X,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?"}


def unquote(text):
    return re.sub(r"\\(.)", lambda match: ESCAPES[match[1]], text[1:-1])


class Parser:
    """Recursive descent; one method per level of precedence."""

    def __init__(self, text):
        self.text, self.tokens, place = text, [], 0
        while True:
            match = TOKEN.match(text, place)
            if not match:
                raise RulesError(f"cannot read {text[place:]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()
            if match.lastgroup == "end":
                break
        self.index = 0

    def peek(self):
        return self.tokens[self.index][1]

    def take(self, *marks):
        kind, text = self.tokens[self.index]
        if kind in ("mark", "name") and text in marks:
            self.index += 1
            return text
        return None

    def expect(self, mark):
        if not self.take(mark):
            raise RulesError(f"expected {mark!r} before {self.peek()!r} in {self.text!r}")

    def parse(self):
        node = self.ternary()
        if self.tokens[self.index][0] != "end":
            raise RulesError(f"unexpected {self.peek()!r} in {self.text!r}")
        return node

    def ternary(self):
        condition = self.level(0)
        if not self.take("?"):
            return condition
        yes = self.level(0)
        self.expect(":")
        return Node("ternary", None, [condition, yes, self.ternary()])

    LEVELS = (("||",), ("&&",), RELATIONS, ("+", "-"), ("*", "/", "%"))

    def level(self, depth):
        if depth == len(self.LEVELS):
            return self.unary()
        left = self.level(depth + 1)
        while mark := self.take(*self.LEVELS[depth]):
            left = Node("binary", mark, [left, self.level(depth + 1)])
        return left

    def unary(self):
        if mark := self.take("-", "!"):
            if mark == "-" and self.tokens[self.index][0] in ("int", "double"):
                self.tokens[self.index] = (self.tokens[self.index][0], "-" + self.peek())
                return self.member()
            return Node("unary", mark, [self.unary()])
        return self.member()

    def member(self):
        node = self.primary()
        while True:
            if self.take("."):
                name = self.tokens[self.index][1]
                self.index += 1
                if self.take("("):
                    node = Node("call", name, [node, *self.arguments(")")])
                    node.receiver = True
                else:
                    node = Node("select", name, [node])
            elif self.take("["):
                node = Node("index", None, [node, self.ternary()])
                self.expect("]")
            else:
                return node

    def arguments(self, end):
        found = []
        while not self.take(end):
            found.append(self.ternary())
            if not self.take(","):
                self.expect(end)
                break
        return found

    def primary(self):
        kind, text = self.tokens[self.index]
        self.index += 1
        if kind == "int":
            return Node("literal", int(text, 0), type="int")
        if kind == "double":
            return Node("literal", float(text), type="double")
        if kind == "string":
            return Node("literal", unquote(text), type="string")
        if text == "(":
            node = self.ternary()
            self.expect(")")
            return node
        if text == "[":
            return Node("list", None, self.arguments("]"))
        if kind != "name":
            raise RulesError(f"unexpected {text!r} in {self.text!r}")
        if text in ("true", "false"):
            return Node("literal", text == "true", type="bool")
        if self.take("("):
            node = Node("call", text, self.arguments(")"))
            node.receiver = False
            return node
        return Node("name", text)


def parse(text):
    return Parser(str(text)).parse()


def path_of(node):
    """The dotted path of a chain of names, or None."""
    if node.kind == "name":
        return node.value
    if node.kind == "select":
        base = path_of(node.args[0])
        return base and f"{base}.{node.value}"
    return None

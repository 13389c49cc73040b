"""Types and meaning of every operator and function: one Python function per node of an expression."""
from datetime import timedelta

from expressions import (DAY, EPOCH, HOUR, INT_MAX, INT_MIN, RELATIONS, SECOND, TIME_MAX, TIME_MIN, CelError, Node,
                         RulesError, parse_duration, parse_money, parse_time, path_of)


def truncate(a, b):
    """Division toward zero; by zero it is an error."""
    if b == 0:
        raise CelError("division by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def whole(value):
    if not INT_MIN <= value <= INT_MAX:
        raise CelError("overflow")
    return value


def span(value):
    if not INT_MIN <= value * 1000 <= INT_MAX:
        raise CelError("duration out of range")
    return value


def instant(value):
    if not TIME_MIN <= value <= TIME_MAX:
        raise CelError("timestamp out of range")
    return value


def divide_doubles(a, b):
    if b != 0:
        return a / b
    if a != a or a == 0:
        return float("nan")
    negative = (a < 0) != (str(b)[0] == "-")
    return float("-inf") if negative else float("inf")


def ratio(a, b):
    if b == 0:
        raise CelError("division by zero money")
    return a / b


ARITHMETIC = {
    ("+", "int", "int"): ("int", lambda a, b: whole(a + b)),
    ("-", "int", "int"): ("int", lambda a, b: whole(a - b)),
    ("*", "int", "int"): ("int", lambda a, b: whole(a * b)),
    ("/", "int", "int"): ("int", lambda a, b: whole(truncate(a, b))),
    ("%", "int", "int"): ("int", lambda a, b: a - b * truncate(a, b)),
    ("+", "double", "double"): ("double", lambda a, b: a + b),
    ("-", "double", "double"): ("double", lambda a, b: a - b),
    ("*", "double", "double"): ("double", lambda a, b: a * b),
    ("/", "double", "double"): ("double", divide_doubles),
    ("+", "string", "string"): ("string", lambda a, b: a + b),
    ("+", "money", "money"): ("money", lambda a, b: whole(a + b)),
    ("-", "money", "money"): ("money", lambda a, b: whole(a - b)),
    ("*", "money", "int"): ("money", lambda a, b: whole(a * b)),
    ("*", "int", "money"): ("money", lambda a, b: whole(a * b)),
    ("/", "money", "int"): ("money", lambda a, b: whole(truncate(a, b))),
    ("/", "money", "money"): ("double", ratio),
    ("+", "duration", "duration"): ("duration", lambda a, b: span(a + b)),
    ("-", "duration", "duration"): ("duration", lambda a, b: span(a - b)),
    ("-", "timestamp", "timestamp"): ("duration", lambda a, b: span(a - b)),
    ("+", "timestamp", "duration"): ("timestamp", lambda a, b: instant(a + b)),
    ("+", "duration", "timestamp"): ("timestamp", lambda a, b: instant(a + b)),
    ("-", "timestamp", "duration"): ("timestamp", lambda a, b: instant(a - b)),
}
COMPARE = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}
ORDERED = ("int", "double", "string", "bool", "money", "timestamp", "duration")


def calendar(pick):
    return lambda value: pick(EPOCH + timedelta(microseconds=value))


ACCESSORS = {
    ("getFullYear", "timestamp"): calendar(lambda d: d.year),
    ("getMonth", "timestamp"): calendar(lambda d: d.month - 1),
    ("getDate", "timestamp"): calendar(lambda d: d.day),
    ("getDayOfMonth", "timestamp"): calendar(lambda d: d.day - 1),
    ("getDayOfWeek", "timestamp"): calendar(lambda d: (d.weekday() + 1) % 7),
    ("getDayOfYear", "timestamp"): calendar(lambda d: d.timetuple().tm_yday - 1),
    ("getHours", "timestamp"): calendar(lambda d: d.hour),
    ("getMinutes", "timestamp"): calendar(lambda d: d.minute),
    ("getSeconds", "timestamp"): calendar(lambda d: d.second),
    ("getMilliseconds", "timestamp"): calendar(lambda d: d.microsecond // 1000),
    ("getHours", "duration"): lambda value: truncate(value, HOUR),
    ("getMinutes", "duration"): lambda value: truncate(value, 60 * SECOND),
    ("getSeconds", "duration"): lambda value: truncate(value, SECOND),
    ("getMilliseconds", "duration"): lambda value: truncate(value - SECOND * truncate(value, SECOND), 1000),
}
TEXT = {
    "contains": lambda a, b: b in a, "startsWith": lambda a, b: a.startswith(b), "endsWith": lambda a, b: a.endswith(b),
}


def to_int(value):
    if value != value or not INT_MIN < value < INT_MAX:
        raise CelError("int out of range")
    return int(value)


CONVERSIONS = {
    ("int", "int"): lambda v: v, ("int", "double"): to_int, ("int", "timestamp"): lambda v: v // SECOND,
    ("double", "int"): float, ("double", "double"): lambda v: v, ("string", "string"): lambda v: v,
    ("string", "int"): str, ("string", "bool"): lambda v: "true" if v else "false",
}
AGES = {"hours": HOUR, "days": DAY, "weeks": 7 * DAY}


def constant(value):
    return lambda env: value


def compile_node(node, scope):
    """Checks `node` in `scope`, sets its `type` and `function(env)`, and returns it."""
    path = path_of(node)
    if node.kind == "literal":
        node.function = constant(node.value)
    elif path is not None:
        node.type, node.function = scope.variable(path)
    else:
        {"call": call, "unary": unary, "binary": binary, "ternary": ternary, "list": listing}.get(node.kind, refuse)(node, scope)
    return node


def refuse(node, scope):
    raise RulesError(f"{node.kind} is not available")


def zero_as_money(a, b):
    """The literal 0 beside money is money."""
    for one, other in ((a, b), (b, a)):
        if one.type == "money" and other.kind == "literal" and other.type == "int" and other.value == 0:
            other.type = "money"


def unary(node, scope):
    (arg,) = node.args
    compile_node(arg, scope)
    node.type, inner = arg.type, arg.function
    if node.value == "!" and arg.type == "bool":
        node.function = lambda env: not inner(env)
    elif node.value == "-" and arg.type in ("int", "money"):
        node.function = lambda env: whole(-inner(env))
    elif node.value == "-" and arg.type == "double":
        node.function = lambda env: -inner(env)
    else:
        raise RulesError(f"{node.value} on {arg.type}")


def binary(node, scope):
    mark, (left, right) = node.value, node.args
    compile_node(left, scope), compile_node(right, scope)
    a, b = left.function, right.function
    if mark in ("&&", "||"):
        if left.type != "bool" or right.type != "bool":
            raise RulesError(f"{mark} on {left.type} and {right.type}")
        node.type, node.function = "bool", logic(a, b, mark == "||")
        return
    if mark == "in":
        if right.kind != "list" or any(item.type != left.type for item in right.args):
            raise RulesError("in: a list of one type is expected")
        node.type, node.function = "bool", lambda env: a(env) in b(env)
        return
    if mark in "+-" or mark in RELATIONS:
        zero_as_money(left, right)
    if mark in RELATIONS:
        numbers = {left.type, right.type} <= {"int", "double"}
        if not numbers and (left.type != right.type or left.type not in ORDERED):
            raise RulesError(f"{mark} between {left.type} and {right.type}")
        operation = COMPARE[mark]
        node.type, node.function = "bool", lambda env: operation(a(env), b(env))
        return
    if (mark, left.type, right.type) not in ARITHMETIC:
        raise RulesError(f"{left.type} {mark} {right.type}")
    node.type, compute = ARITHMETIC[mark, left.type, right.type]
    node.function = lambda env: compute(a(env), b(env))


def logic(a, b, absorbing):
    """`||` when `absorbing` is true, `&&` when it is false: that value on either side beats an error."""

    def evaluate(env):
        try:
            left = a(env)
        except CelError:
            if b(env) == absorbing if not failed(b, env) else False:
                return absorbing
            raise
        return absorbing if left == absorbing else b(env)

    return evaluate


def failed(function, env):
    try:
        function(env)
        return False
    except CelError:
        return True


def ternary(node, scope):
    condition, yes, no = (compile_node(arg, scope) for arg in node.args)
    zero_as_money(yes, no)
    if condition.type != "bool" or yes.type != no.type:
        raise RulesError(f"? between {yes.type} and {no.type}")
    test, a, b = condition.function, yes.function, no.function
    node.type, node.function = yes.type, lambda env: a(env) if test(env) else b(env)


def listing(node, scope):
    functions = [compile_node(arg, scope).function for arg in node.args]
    node.type, node.function = "list", lambda env: [function(env) for function in functions]


def literal_text(node):
    if len(node.args) != 1 or node.args[0].kind != "literal" or node.args[0].type != "string":
        raise RulesError(f"{node.value}() takes one literal text")
    return node.args[0].value


def call(node, scope):
    name = node.value
    if name == "has" and not node.receiver:
        path = path_of(node.args[0])
        _, inner = scope.variable(path)
        if not path.startswith("facts."):
            raise RulesError("has() takes facts.x")
        node.type, node.function = "bool", lambda env: not failed(inner, env)
        return
    if name in ("money", "duration", "timestamp") and not node.receiver:
        text = literal_text(node)
        value = {"money": lambda t: parse_money(t, scope.currency), "duration": parse_duration, "timestamp": parse_time}[name](text)
        if value is None:
            raise RulesError(f"{name}({text!r})")
        node.type, node.function = name, constant(value)
        return
    for arg in node.args:
        compile_node(arg, scope)
    types = [arg.type for arg in node.args]
    inner = node.args[0].function if node.args else None
    if name == "since" and types == ["timestamp"]:
        node.type, node.function = "duration", lambda env: span(env.now - inner(env))
    elif name == "in_stage" and not types:
        _, entered = scope.variable("stage.entered_at")
        node.type, node.function = "duration", lambda env: span(env.now - entered(env))
    elif name in AGES and types == ["int"]:
        unit = AGES[name]
        node.type, node.function = "duration", lambda env: span(whole(inner(env)) * unit)
    elif node.receiver and len(types) == 1 and (name, types[0]) in ACCESSORS:
        access = ACCESSORS[name, types[0]]
        node.type, node.function = "int", lambda env: access(inner(env))
    elif node.receiver and name in TEXT and types == ["string", "string"]:
        test, other = TEXT[name], node.args[1].function
        node.type, node.function = "bool", lambda env: test(inner(env), other(env))
    elif name == "size" and types == ["string"]:
        node.type, node.function = "int", lambda env: len(inner(env))
    elif not node.receiver and len(types) == 1 and (name, types[0]) in CONVERSIONS:
        convert = CONVERSIONS[name, types[0]]
        node.type, node.function = name, lambda env: convert(inner(env))
    else:
        raise RulesError(f"{name}({', '.join(str(t) for t in types)})")

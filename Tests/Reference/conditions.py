"""Random conditions of a given type over a given set of facts.

Every constant is a multiple of the file's time unit (and, in files of kind micro, a few microseconds more), and
at most two terms of one comparison move with `now`. So all that time alone can do happens near a multiple of half
the unit, or of half an hour where a clock function occurs; `instants.py` relies on that.
"""
from expressions import DAY, HOUR

RELATION = ("<", "<=", ">", ">=", ">=", "==", "!=")
MOST_MOVING = 2


class Conditions:
    """Writes expressions as text; `moving` counts the terms that move with `now` in the comparison at hand."""

    def __init__(self, random, unit, micro, dense, first_match):
        self.random, self.unit, self.micro, self.stage = random, unit, micro, not first_match
        self.dense = dense
        self.windowed = []  # (name, type) of numbers over a window
        self.facts = {}  # type -> [(name, moving)]
        self.moving, self.clock, self.calendar, self.allowance = 0, False, False, 0

    def add(self, name, type, moving=0):
        self.facts.setdefault(type, []).append((name, moving))

    def pick(self, type):
        """The name of a fact that may still stand in this comparison, or None."""
        fitting = [(n, m) for n, m in self.facts.get(type, []) if self.moving + m <= MOST_MOVING]
        if not fitting:
            return None
        name, moving = self.random.choice(fitting)
        self.moving += moving
        return f"facts.{name}" if self.random.random() < 0.15 else name

    def span_microseconds(self):
        count = self.random.choice([0, 1, 1, 1, 2, 2, 3] if self.micro else [0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 10])
        value = count * self.unit
        if self.dense and self.random.random() < 0.8:
            value = self.random.choice([1, 2, 3, 5, 8, 10, 15, 20, 30])
        elif self.micro and self.random.random() < 0.6:
            value += self.random.choice([-7, -2, -1, 1, 2, 5, 9])
        elif self.random.random() < 0.06:
            value += self.random.choice([-1, 1])
        return value

    def span_constant(self):
        value = self.span_microseconds()
        if value % DAY == 0 and self.random.random() < 0.7:
            return f"days({value // DAY})" if value % (7 * DAY) or not value else f"weeks({value // (7 * DAY)})"
        if value % HOUR == 0:
            return f"hours({value // HOUR})" if self.random.random() < 0.6 else f"duration('{value // HOUR}h')"
        return f"duration('{value}us')" if value >= 0 else f"duration('-{-value}us')"

    # --- expressions by type

    def moved(self):
        """Takes one moving term if the comparison has room for it."""
        if self.moving >= MOST_MOVING:
            return False
        self.moving += 1
        return True

    def timestamp(self, depth=1):
        roll = self.random.random()
        if roll < 0.2 and self.moved():
            return "now"
        if roll < 0.3 and self.stage:
            return "stage.entered_at"
        if roll < 0.5 and depth > 0:
            return f"{self.timestamp(depth - 1)} {self.random.choice('+-')} {self.span_constant()}"
        fixed = "timestamp('2024-03-01T04:00:00Z')" if self.micro else "timestamp('2024-03-05T00:00:00Z')"
        return fixed if roll > 0.95 else self.pick("timestamp") or fixed

    def duration(self, depth=2):
        roll = self.random.random()
        if roll < 0.4 and self.facts.get("timestamp") and self.moved():
            return f"since({self.pick('timestamp') or 'now'})"
        if roll < 0.6 and self.stage and self.moved():
            return self.random.choice(["in_stage()", "in_stage()", "since(stage.entered_at)"])
        if roll < 0.72 and depth > 0:
            return f"{self.duration(depth - 1)} {self.random.choice('+-')} {self.parenthesis(self.duration(depth - 1))}"
        if roll < 0.8 and depth > 0:
            return f"{self.parenthesis(self.timestamp(0))} - {self.parenthesis(self.timestamp(0))}"
        if roll < 0.85 and depth > 0:
            return f"({self.condition(0, nested=True)} ? {self.duration(0)} : {self.duration(0)})"
        if roll < 0.92 and self.facts.get("int"):
            name = self.pick("int")
            if name and not self.facts_move(name):
                self.allowance += 60 * self.unit if self.micro else 60 * DAY
                return f"{'hours' if self.micro else 'days'}({name})"
        return self.pick("duration") or self.span_constant()

    def facts_move(self, name):
        return dict(self.facts["int"])[name.removeprefix("facts.")] > 0

    def parenthesis(self, text):
        return f"({text})" if " " in text and not text.startswith("(") else text

    def integer(self, depth=2):
        roll, few = self.random.random(), self.random.randint(1, 6)
        if roll < 0.5 or (depth == 0 and roll < 0.9):
            return self.pick("int") or str(few)
        if roll < 0.6 and depth > 0:
            return f"{self.integer(depth - 1)} {self.random.choice('+-')} {self.parenthesis(self.integer(depth - 1))}"
        if roll < 0.68 and depth > 0:
            return f"{self.parenthesis(self.integer(depth - 1))} {self.random.choice('*/%')} {few}"
        if roll < 0.74 and depth > 0:
            return f"{few * 4} / {self.pick('int') or few}"
        if roll < 0.81 and depth > 0:
            return f"({self.condition(0, nested=True)} ? {self.integer(0)} : {self.integer(0)})"
        if roll < 0.9 and self.facts.get("timestamp") and self.moving == 0 and self.moved():
            self.clock = True
            return f"since({self.pick('timestamp') or 'now'}).getHours(){self.random.choice(['', f' / {few}', f' % {few + 4}'])}"
        return str(few - 1)

    def money(self, depth=1):
        roll = self.random.random()
        if roll < 0.5 or depth == 0:
            return self.pick("money") or self.money_constant()
        if roll < 0.65:
            return f"{self.money(0)} {self.random.choice('+-')} {self.parenthesis(self.money(0))}"
        if roll < 0.75:
            return f"{self.parenthesis(self.money(0))} {self.random.choice(['* 2', '/ 3', '/ 2'])}"
        if roll < 0.85:
            return f"{self.parenthesis(self.money(0))} / {self.pick('int') or '2'}"
        if roll < 0.92:
            return f"({self.condition(0, nested=True)} ? {self.money(0)} : 0)" if self.facts.get("money") else self.money(0)
        return f"-{self.parenthesis(self.money(0))}"

    def money_constant(self):
        cents = self.random.choice([0, 1, 250, 500, 500, 1000, 1250, 2000, 3000, 5000])
        quote = "'"
        return f"money({quote}{cents // 100}.{cents % 100:02d}{quote})"

    # --- conditions

    def live(self):
        """A comparison that events and time are likely to turn: windows, ages and small sums."""
        random, roll, up = self.random, self.random.random(), self.random.random() < 0.75
        if roll < 0.5 and self.windowed:
            name, type = random.choice(self.windowed)
            bound = self.money_constant() if type == "money" else random.choice([1, 1, 1, 2, 2, 3])
            return f"{name} {random.choice(['>=', '>=', '>']) if up else random.choice(['<', '==', '<='])} {bound}"
        if roll < 0.75 or not self.stage:
            name = random.choice(self.facts["timestamp"])[0]
            return f"since({name}) {random.choice(['>=', '>=', '>', '==']) if up else '<'} {self.span_constant()}"
        return f"in_stage() {random.choice(['>=', '>=', '>', '=='])} {self.span_constant()}"

    def easy(self):
        """A live comparison over frequent events, so that customers get beyond the first stage."""
        name, type = self.random.choice([fact for fact in self.windowed if fact[0].startswith("w")])
        window = f"{name} > 0" if type == "money" else f"{name} >= {self.random.choice([1, 1, 2])}"
        age = f"since({self.random.choice(['seen', 'bought'])}) {self.random.choice(['>=', '>', '<'])} {self.span_constant()}"
        return self.random.choice([window, window, age, f"{window} && {age}", f"{window} || {age}"])

    def mixed(self):
        """A live comparison alone, or with something random beside it."""
        roll = self.random.random()
        if roll < 0.35:
            return self.live()
        if roll < 0.5:
            return f"{self.live()} {self.random.choice(['&&', '||'])} {self.live()}"
        if roll < 0.8:
            self.moving = 0
            parts = [self.live(), self.operand(2)]
            self.random.shuffle(parts)
            return f" {self.random.choice(['&&', '||', '||'])} ".join(parts)
        self.moving = 0
        return self.condition(2)

    def condition(self, depth=2, nested=False):
        roll = self.random.random()
        if depth > 0 and roll < 0.3:
            return f"{self.operand(depth)} && {self.operand(depth)}"
        if depth > 0 and roll < 0.5:
            return f"{self.operand(depth)} || {self.operand(depth)}"
        if depth > 0 and roll < 0.56:
            return f"({self.condition(0)}) ? ({self.condition(depth - 1)}) : ({self.condition(0)})"
        if depth > 0 and roll < 0.66:
            return f"!({self.condition(depth - 1)})"
        before = self.moving
        if not nested:
            self.moving = 0
        text = self.comparison()
        if not nested:
            self.moving = before
        return text

    def operand(self, depth):
        text = self.condition(depth - 1)
        return f"({text})" if any(mark in text for mark in ("&&", "||", "?")) else text

    def comparison(self):
        random, mark = self.random, self.random.choice(RELATION)
        roll = random.random()
        if random.random() < 0.12 and self.facts.get("timestamp") and self.moving == 0:
            self.moving = MOST_MOVING
            return self.out_of_range() if roll < 0.25 else self.chosen(mark)
        if roll < 0.34:
            left, right = self.duration(), self.duration(1) if random.random() < 0.3 else self.span_constant()
            return f"{left} {mark} {right}" if random.random() < 0.85 else f"{right} {mark} {left}"
        if roll < 0.58:
            return f"{self.integer()} {mark} {self.integer(0) if random.random() < 0.3 else random.randint(0, 4)}"
        if roll < 0.7 and self.facts.get("money"):
            return f"{self.money()} {mark} {random.choice([self.money_constant(), '0', self.money(0)])}"
        if roll < 0.77:
            return f"{self.timestamp()} {mark} {self.timestamp()}"
        if roll < 0.82 and self.facts.get("double"):
            return f"{self.pick('double') or '1.5'} {mark} {random.choice(['1.5', '2.0', '3', '0.5', '4.25'])}"
        if roll < 0.86 and self.facts.get("string"):
            name = self.pick("string")
            return random.choice([f"{name} in ['web', 'app']", f"{name} == 'web'", f"{name} != 'store'", f"{name} < 'c'"])
        if roll < 0.9 and self.facts.get("bool"):
            return f"{self.pick('bool') or 'true'} == {random.choice(['true', 'false'])}"
        if roll < 0.94:
            types = [type for type in self.facts if self.pick(type)]
            if types:
                return f"has(facts.{random.choice(self.facts[random.choice(types)])[0]})"
        if roll < 0.97 and self.moved():
            return self.calendar_comparison(mark)
        if self.stage and random.random() < 0.5:
            return random.choice(["stage.previous == 's0'", "stage.name != 's1'", "stage.previous != 's2'"])
        return f"{self.pick('int') or '1'} {mark} {random.randint(0, 4)}"

    def still(self):
        """A timestamp fact that does not move."""
        return self.random.choice([name for name, moving in self.facts["timestamp"] if not moving] or ["seen"])

    def turning(self):
        """A condition that time turns again and again, or one fact that it turns."""
        random = self.random
        if self.facts.get("bool") and random.random() < 0.2:
            return random.choice(self.facts["bool"])[0]
        self.clock = True
        return random.choice([f"now.getHours() < {random.randint(1, 23)}", f"now.getHours() % {random.randint(2, 5)} == 0",
                              f"since({self.still()}).getHours() % 3 != {random.randint(0, 2)}", f"now.getDayOfWeek() in [0, {random.randint(1, 6)}]"])

    def chosen(self, mark):
        """Sides that are chosen by what moves, and lists whose elements move."""
        random, turn = self.random, self.turning()
        a, b, span, other = self.still(), self.still(), self.span_constant(), self.span_constant()
        self.clock = True
        return random.choice([
            f"since({turn} ? {a} : {b} + {span}) {mark} {other}",
            f"since({a}) {mark} ({turn} ? {span} : {other})",
            f"now {mark} ({turn} ? {a} + {span} : {b} + {other})",
            f"({turn} ? since({a}) : {span}) {mark} ({self.turning()} ? {other} : since({b}))",
            f"({turn} ? since({a}).getHours() : since({b}).getHours() + 1) {mark} {random.randint(0, 20)}",
            f"({turn} ? now : {a}) - {b} {mark} {span}",
            f"since({a}).getHours() in [{random.randint(0, 20)}, since({b}).getHours(), {random.randint(0, 20)}]",
            f"since({a}) in [{span}, {other}, since({b}) + {span}]",
            f"now in [{a} + {span}, {b} + {other}]",
            f"!(now.getHours() in [{random.randint(0, 23)}, since({a}).getHours()])",
            f"hours(now.getHours() % 5) {mark} since({a})",
        ])

    def out_of_range(self):
        """What no instant can make true, or none false."""
        random, name = self.random, self.still()
        text = random.choice([
            f"since({name}).getHours() % 24 == {random.randint(24, 30)}", "now.getMinutes() == 60", "int(now) % 61 == 70",
            "now.getSeconds() > 59", f"now.getHours() in [24, {random.randint(25, 40)}]", "now.getMonth() > 11", "-(int(now) % 61) > 0",
            f"since({name}).getMinutes() % 7 * 2 + 1 > 13", "now.getHours() * 60 + now.getMinutes() >= 1440",
            f"hours(now.getHours()) > hours({random.randint(23, 30)})", f"(now.getHours() < 5 ? now.getMinutes() : since({name}).getHours() % 10) < -9"])
        return random.choice([text, f"!({text})", f"({text}) == false"])

    def calendar_comparison(self, mark):
        random = self.random
        choice = random.randrange(6 if self.micro else 9)
        if choice in (0, 3):
            self.clock = True
            return f"now.getHours() {mark} {random.randint(1, 22)}"
        if choice in (1, 4):
            self.clock = True
            return f"int(now) / 3600 % {random.choice([2, 5, 6, 24])} {mark} {random.randint(0, 4)}"
        if choice in (2, 5) and self.facts.get("timestamp"):
            self.clock, name = True, random.choice(self.facts["timestamp"])[0]
            hours = random.randint(1, 40)
            return f"since({name}).{random.choice([f'getMinutes() {mark} {hours * 60}', f'getSeconds() / 3600 {mark} {hours}'])}"
        if choice == 6:
            return f"now.getDayOfWeek() {mark} {random.randint(0, 6)}"
        self.calendar = choice > 7
        if choice == 7:
            return f"int(now) / 86400 % {random.choice([3, 7, 10])} {mark} {random.randint(0, 6)}"
        return random.choice([f"now.getDate() {mark} {random.randint(1, 31)}", f"now.getMonth() {mark} {random.randint(1, 5)}",
                              f"now.getDayOfYear() / 7 {mark} {random.randint(4, 20)}"])

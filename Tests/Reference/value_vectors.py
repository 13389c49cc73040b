"""Writes fixtures/vectors/value.json: the models of customer value in 50 digits, each figure computed in two ways.

usage: value_vectors.py [FILE]      needs mpmath (gmpy2 makes it faster); about ten minutes

Written from the papers: Fader, Hardie, "A note on deriving the Pareto/NBD model and related expressions" (2005); Fader, Hardie, Lee,
"Counting your customers the easy way" (2005); Batislam, Denizel, Filiztekin (2007); Hoppe, Wagner (2007); Fader, Hardie, Shang (2010);
Fader, Hardie, "The Gamma-Gamma model of monetary value" (2013). Of every history one way integrates what is mixed over the
population, the other takes the papers' hypergeometric function; where they differ in 20 digits, the script stops.
"""
import json
import os
import random
import sys

from mpmath import mp, mpf

mp.dps = 50
AGREE = mpf(10) ** -20
PLACE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "vectors", "value.json")


# Integration: Gauss-Legendre of 40 nodes a panel. Integrands are analytic in a strip of width pi at least, panels at most 2 wide.

def gauss(count=40):
    nodes = []
    for index in range(count):
        x = mp.cos(mp.pi * (index + mpf(3) / 4) / (count + mpf(1) / 2))
        for _ in range(8):
            before, now = mpf(1), x
            for n in range(2, count + 1):
                before, now = now, ((2 * n - 1) * x * now - (n - 1) * before) / n
            slope = count * (x * now - before) / (x * x - 1)
            x -= now / slope
        nodes.append((x, 2 / ((1 - x * x) * slope * slope)))
    return nodes


NODES = gauss()


def integral(f, edges):
    total = mpf(0)
    for low, high in zip(edges, edges[1:]):
        half, middle = (high - low) / 2, (high + low) / 2
        total += half * mp.fsum(weight * f(middle + half * x) for x, weight in NODES)
    return total


def outward(start, end, first, widest=2):
    """Edges from start to end, the first panel `first` wide, each as wide as all before it, none wider than `widest`."""
    edges, step, sign = [mpf(start)], mpf(first), 1 if end > start else -1
    while sign * (end - edges[-1]) > step:
        edges.append(edges[-1] + sign * step)
        step = min(abs(edges[-1] - start), mpf(widest))
    return edges + [mpf(end)]


def agree(one, two, what):
    if abs(one - two) > AGREE * abs(one):
        raise SystemExit(f"{what}: {mp.nstr(one, 25)} and {mp.nstr(two, 25)}")
    return one


def beta_mean(f, a, b, bend, widest=2, falls=False):
    """Mean of f(p) over Beta(a, b), in y = ln(p / (1 - p)). f may bend where p * bend is about 1, and is level beyond."""
    a, b = mpf(a), mpf(b)
    log_norm = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    mode, width = mp.log(a / b), mp.sqrt(1 / a + 1 / b)
    low, high = -(60 + mp.log(1 + bend)), mpf(60)
    low, high = min(low, mode - 4), max(high, mode + 4)

    def density(y):
        # -a ln(1 + e^-y) - b ln(1 + e^y)
        return mp.exp(-a * (mp.log1p(mp.exp(-y)) if y > 0 else mp.log1p(mp.exp(y)) - y)
                      - b * (mp.log1p(mp.exp(y)) if y < 0 else mp.log1p(mp.exp(-y)) + y) - log_norm)

    def integrand(y):
        return density(y) * f(1 / (1 + mp.exp(-y)))
    first = min(width, mpf(1))
    total = f(mpf(0)) * mp.exp(a * low - log_norm) / a
    for end in (low, high):
        edges = outward(mode, end, first, widest)
        for near, far in zip(edges, edges[1:]):
            part = abs(integral(integrand, [near, far]))
            total += part
            # f falls as p grows, and is level where p * bend is small: nothing is to come
            if falls and part < total * mpf(10) ** -32 and (far > mode or far < -6 - mp.log(1 + bend)):
                break
    return total if falls and end != far else total + f(mpf(1)) * mp.exp(-b * high - log_norm) / b


# Pareto/NBD

def pareto_dead(r, alpha, s, beta, x, t_x, T):
    """s * integral from t_x to T of (alpha + u)^-(r + x) (beta + u)^-(s + 1), relative to the term of the living."""
    if T == t_x:
        return mpf(0)
    near = min(alpha, beta)
    steep = r + x + s + 1
    at = (alpha + T, beta + T)

    def integrand(w):
        u = (near + t_x) * mp.exp(w) - near
        return mp.exp((r + x) * mp.log(at[0] / (alpha + u)) + s * mp.log(at[1] / (beta + u))) / (beta + u) * (near + u)
    end = mp.log((near + T) / (near + t_x))
    return s * integral(integrand, outward(0, end, min(1 / steep, end)))


def pareto_dead_series(r, alpha, s, beta, x, t_x, T):
    """The same by the papers' difference of two hypergeometric functions."""
    far, near, second = (alpha, beta, s + 1) if alpha >= beta else (beta, alpha, r + x)
    whole = r + s + x

    def part(u):
        z = (far - near) / (far + u)
        return mp.exp((r + x) * mp.log((alpha + T) / (far + u)) + s * mp.log((beta + T) / (far + u))) \
            * mp.hyp2f1(whole, second, whole + 1, z)
    return s / whole * (part(t_x) - part(T))


def pareto(r, alpha, s, beta, x, t_x, T, t, both=True):
    r, alpha, s, beta, x, t_x, T, t = map(mpf, (r, alpha, s, beta, x, t_x, T, t))
    dead = pareto_dead(r, alpha, s, beta, x, t_x, T)
    series = None
    if dead and both:
        try:
            with mp.extradps(60):
                series = pareto_dead_series(r, alpha, s, beta, x, t_x, T)
            agree(dead, series, f"Pareto/NBD {r} {alpha} {s} {beta} {x} {t_x} {T}")
        except (mp.NoConvergence, ValueError, ZeroDivisionError):
            series = None
    alive = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) + s * mp.log(beta) \
        - (r + x) * mp.log(alpha + T) - s * mp.log(beta + T)

    def lifetime(since):
        closed = since * mp.log1p(t / since) if s == 1 else \
            since / (s - 1) * -mp.expm1((1 - s) * mp.log1p(t / since))
        end = mp.log1p(t / since)
        return agree(closed, since * integral(lambda w: mp.exp((1 - s) * w), outward(0, end, min(end, 1 / (s + 1)))), "lifetime")
    p_alive = 1 / (1 + dead)
    expected = (r + x) / (alpha + T) * lifetime(beta + T)
    return {"log_likelihood": alive + mp.log1p(dead), "p_alive": p_alive, "expected_alive": expected, "expected": p_alive * expected,
            "expected_new": r / alpha * lifetime(beta)}, series is not None or not dead


def pareto_dert(r, alpha, s, beta, x, t_x, T, delta):
    values, _ = pareto(r, alpha, s, beta, x, t_x, T, 1)
    r, alpha, s, beta, x, T, delta = map(mpf, (r, alpha, s, beta, x, T, delta))
    since = beta + T
    closed = since ** s * delta ** (s - 1) * mp.hyperu(s, s, delta * since)
    # v = since (e^w - 1); beyond delta v = 130 nothing is left of 50 digits
    end = mp.log1p(130 / (delta * since))
    direct = integral(lambda w: since * mp.exp(-delta * since * mp.expm1(w) + (1 - s) * w),
                      outward(0, end, min(end, 1 / (s + 1 + delta * since))))
    return {"p_alive": values["p_alive"],
            "dert": values["p_alive"] * (r + x) / (alpha + T) * agree(closed, direct, f"DERT {r} {alpha} {s} {beta} {delta}")}


# BG/NBD, and MBG/NBD: there one may leave right after the first purchase

def beta_geometric(modified, r, alpha, a, b, x, t_x, T, both=True):
    """(log-likelihood, P(alive), the second parameter of the Beta that p has among the living)"""
    r, alpha, a, b, x, t_x, T = map(mpf, (r, alpha, a, b, x, t_x, T))
    stays = b + x + (1 if modified else 0)
    log_beta = lambda one, two: mp.loggamma(one) + mp.loggamma(two) - mp.loggamma(one + two)
    common = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - log_beta(a, b)
    alive = common + log_beta(a, stays) - (r + x) * mp.log(alpha + T)
    dead = mp.exp((r + x) * mp.log((alpha + T) / (alpha + t_x))) * a / (stays - 1) if modified or x > 0 else mpf(0)
    total = alive + mp.log1p(dead)
    if not both:
        return total, 1 / (1 + dead), stays
    # The other way: the likelihood given p, mixed over Beta(a, b).
    mixed = beta_mean(lambda p: (1 - p) ** (stays - b) + (p * (1 - p) ** (stays - b - 1)
                      * mp.exp((r + x) * mp.log((alpha + T) / (alpha + t_x))) if dead else 0), a, b, mpf(0), 2 if x < 20 else 0.5)
    other = mp.log(mixed) + mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - (r + x) * mp.log(alpha + T)
    if abs(other - total) > AGREE * max(1, abs(total)):
        raise SystemExit(f"likelihood {modified} {r} {alpha} {a} {b} {x} {t_x} {T}: {other} {total}")
    return total, 1 / (1 + dead), stays


def geometric_expected(r, age, a, stays, t, both=True):
    """Expected purchases within t of one who is alive: rate Gamma(r, age), p Beta(a, stays)."""
    tau = t / age

    def given(p):
        return r * tau if p * tau * r < mpf(10) ** -60 else -mp.expm1(-r * mp.log1p(p * tau)) / p
    with mp.extradps(40):
        def paper(a):
            return (a + stays - 1) / (a - 1) * (1 - (age / (age + t)) ** r * mp.hyp2f1(r, stays, a + stays - 1, t / (age + t)))
        try:
            if abs(a - 1) < mpf(10) ** -9:
                shift = mpf(10) ** -25
                value = (paper(a + shift) + paper(a - shift)) / 2
            else:
                value = paper(a)
        except (mp.NoConvergence, ValueError):
            # mpmath finds no way to this one: two integrals then, of wide and of narrow panels
            value, both = beta_mean(given, a, stays, tau * (r + 1), 1), True
    if both:
        agree(value, beta_mean(given, a, stays, tau * (r + 1), falls=True), f"expected {r} {age} {a} {stays} {t}")
    return value


def geometric(modified, r, alpha, a, b, x, t_x, T, t, both):
    log_likelihood, p_alive, stays = beta_geometric(modified, r, alpha, a, b, x, t_x, T, both)
    r, alpha, a, b, x, T, t = map(mpf, (r, alpha, a, b, x, T, t))
    expected = geometric_expected(r + x, alpha + T, a, stays, t)
    new = geometric_expected(r, alpha, a, b + 1 if modified else b, t, both)
    return {"log_likelihood": log_likelihood, "p_alive": p_alive, "expected_alive": expected, "expected": p_alive * expected,
            "expected_new": new * b / (a + b) if modified else new}


def geometric_dert(modified, r, alpha, a, b, x, t_x, T, delta):
    _, p_alive, stays = beta_geometric(modified, r, alpha, a, b, x, t_x, T)
    r, alpha, a, x, T, delta = map(mpf, (r, alpha, a, x, T, delta))
    many, age = r + x, alpha + T
    # The purchase rate of one alive, v from now: many / age * F(many + 1, a; a + stays; -v / age)
    end = mp.log1p(75 / (delta * age))

    def integrand(w):
        z = mp.expm1(w)
        return mp.exp(w - delta * age * z) * mp.hyp2f1(many + 1, a, a + stays, -z)
    with mp.workdps(36):
        by_time = many * integral(integrand, outward(0, end, min(end, 1 / (many + 1 + delta * age)), 1))

        # Given p: many / p * U(1, 1 - many, delta age / p), from a continued fraction (it converges for every argument here).
        def given(p):
            z = delta * age
            if p < mpf(10) ** -40:
                return many / z
            return many / p * tricomi_one(many, z / p)
        by_rate = beta_mean(given, a, stays, many / (delta * age) + 1)
    return {"p_alive": p_alive, "dert": p_alive * agree(by_time, by_rate, f"DERT {modified} {r} {alpha} {a} {b} {x} {T} {delta}")}


def tricomi_one(many, z):
    """U(1, 1 - many, z) = integral of e^(-z t) (1 + t)^(-many - 1) = e^z E_(many + 1)(z)"""
    if z > 2:
        # Lentz; e^z E_n(z) = 1/(z + n - 1 n/(z + n + 2 - 2 (n + 1)/(z + n + 4 - ...)))
        n = many + 1
        bottom = z + n
        d = 1 / bottom
        c = mpf(10) ** 60
        result = d
        for i in range(1, 4000):
            step = -i * (n - 1 + i)
            bottom += 2
            d = 1 / (step * d + bottom)
            c = bottom + step / c
            change = c * d
            result *= change
            if abs(change - 1) < mpf(10) ** -34:
                return result
    return mp.exp(z) * mp.expint(many + 1, z)


# BG/BB

def beta_binomial(alpha, beta, gamma, delta, x, t_x, n, ahead):
    alpha, beta, gamma, delta = map(mpf, (alpha, beta, gamma, delta))
    log_beta = lambda one, two: mp.loggamma(one) + mp.loggamma(two) - mp.loggamma(one + two)
    buys = lambda hits, misses: mp.exp(log_beta(alpha + hits, beta + misses) - log_beta(alpha, beta))
    lives = lambda dies, stays: mp.exp(log_beta(gamma + dies, delta + stays) - log_beta(gamma, delta))
    alive = buys(x, n - x) * lives(0, n)
    whole = alive + mp.fsum(buys(x, t_x - x + i) * lives(1, t_x + i) for i in range(n - t_x))

    # The other way: theta integrated, given the history's last living opportunity.
    def given(theta):
        return (1 - theta) ** n * buys(x, n - x) + mp.fsum(
            theta * (1 - theta) ** (t_x + i) * buys(x, t_x - x + i) for i in range(n - t_x))
    if n <= 12:
        agree(whole, beta_mean(given, gamma, delta, mpf(0)), f"BG/BB {alpha} {beta} {gamma} {delta} {x} {t_x} {n}")
    expected = mp.fsum(buys(x + 1, n - x) * lives(0, n + j) for j in range(1, ahead + 1)) / whole
    if gamma != 1:
        ratio = lambda m: mp.exp(mp.loggamma(1 + delta + m) - mp.loggamma(gamma + delta + m))
        agree(expected, buys(x + 1, n - x) / whole * delta / (gamma - 1) * mp.exp(mp.loggamma(gamma + delta) - mp.loggamma(1 + delta))
              * (ratio(n) - ratio(n + ahead)), "BG/BB expected")
    return {"log_likelihood": mp.log(whole), "p_alive": alive / whole, "p_alive_next": buys(x, n - x) * lives(0, n + 1) / whole,
            "expected": expected}


# Gamma-Gamma

def gamma_gamma(p, q, gamma, x, mean):
    p, q, gamma, x, mean = map(mpf, (p, q, gamma, x, mean))
    shape = p * x
    value = mp.loggamma(shape + q) - mp.loggamma(shape) - mp.loggamma(q) + q * mp.log(gamma) + (shape - 1) * mp.log(mean) \
        + shape * mp.log(x) - (shape + q) * mp.log(gamma + x * mean)
    # The other way: the mean of x values of shape p and rate nu is Gamma(p x, nu x), nu is Gamma(q, gamma); y = ln nu.
    mode, width = mp.log((shape + q) / (gamma + x * mean)), 1 / mp.sqrt(shape + q)

    def log_density(y):
        return (shape + q) * y - (gamma + x * mean) * mp.exp(y)
    peak = log_density(mode)
    low, high = mode - max(150 / (shape + q), 20 * width), mode + max(6, 20 * width) if shape + q < 20 else mode + 20 * width
    mixed = integral(lambda y: mp.exp(log_density(y) - peak),
                     sorted(set(outward(mode, low, min(width, 1))) | set(outward(mode, high, min(width, 1)))))
    other = shape * mp.log(x) + (shape - 1) * mp.log(mean) - mp.loggamma(shape) + q * mp.log(gamma) - mp.loggamma(q) + peak + mp.log(mixed)
    if abs(other - value) > AGREE * max(1, abs(value)):
        raise SystemExit(f"Gamma-Gamma {p} {q} {gamma} {x} {mean}: {value} {other}")
    return {"log_likelihood": value, "expected": p * (gamma + x * mean) / (shape + q - 1) if shape + q > 1 else mp.inf,
            "population_mean": p * gamma / (q - 1) if q > 1 else mp.inf}


# Rows. What goes in is a double of four digits or so, exactly; what comes out has 17 digits.

def short(value, digits=4):
    return float(f"{value:.{digits}g}")


def history(source, index, T):
    """(x, t_x): recency none, early, in the middle, a millionth before T, at T"""
    kind = index % 6
    if kind == 0:
        return 0, 0.0
    x = source.choice([1, 1, 2, 3, 5, 9, 26, 80, 200])
    return x, [1e-9 * T, short(T * source.uniform(0.05, 0.5)), short(T * source.uniform(0.5, 0.95)), T - 1e-6 * T, T][kind - 1]


def row(model, names, params, **rest):
    values = rest.pop("values")
    line = {"model": model, "params": dict(zip(names, params)), **rest}
    for key, value in values.items():
        line[key] = "inf" if value == mp.inf else mp.nstr(value, 17, strip_zeros=False, min_fixed=-4, max_fixed=18)
    return line


def pareto_rows(source):
    rows, checked = [], 0
    names = ["r", "alpha", "s", "beta"]
    fixed = [((0.5534, 10.5802, 0.6061, 11.6562), 26, 30.86, 31.0, 52.0), ((0.553, 10.578, 0.606, 11.669), 2, 30.43, 38.86, 39.0),
             ((0.553, 10.578, 0.606, 11.669), 0, 0.0, 38.86, 39.0), ((1.459, 3.806, 22.6, 27083.0), 40, 50.0, 52.0, 52.0),
             ((0.553, 10.578, 0.606, 11.669), 0, 0.0, 0.0, 39.0), ((1.0, 1.0, 1.0, 1.0), 1, 1.0, 1.0, 1.0),
             ((1.0, 1.0, 1.0, 1.0), 3, 1.0, 2.0, 1.0), ((1e4, 1e-3, 1e4, 1e3), 200, 1e3, 1e4, 10.0),
             ((1e-3, 1e3, 1e-3, 1e-3), 200, 1e3, 1e4, 10.0), ((0.5, 40.0, 1e4, 4e7), 2, 40.0, 100.0, 52.0),
             ((1e4, 1e5, 1e-3, 1.0), 2, 40.0, 100.0, 52.0)]
    shapes = [1e-3, 0.02, 0.25, 0.6, 1.0, 1.5, 4.0, 30.0, 500.0, 1e4]
    for power in range(-6, 7):
        for index in range(22):
            T = short(10 ** source.uniform(-3, 4))
            r, s = source.choice(shapes), source.choice(shapes)
            if index % 3:
                r, s = short(r * source.uniform(0.5, 1)), short(s * source.uniform(0.5, 1))
            middle = T * 10 ** source.uniform(-2.5, 2.5)
            alpha = short(middle * 10 ** (power / 2))
            beta = alpha if power == 0 and index % 2 else short(alpha / 10.0 ** power, 12)
            fixed.append(((r, alpha, s, beta), *history(source, index, T), T, short(T * 10 ** source.uniform(-2, 2))))
    # alpha and beta nearly equal, where differences of powers cancel
    for nearly in (1e-12, 1e-8, 1e-4, 1e-2, -1e-12, -1e-8, -1e-4, -1e-2):
        fixed.append(((0.6, 11.0, 0.7, 11.0 * (1 + nearly)), 3, 20.0, 39.0, 39.0))
    # s at 1 and beside it
    for s in (1.0, 1 - 1e-12, 1 + 1e-12, 1 - 1e-6, 1 + 1e-6):
        fixed.append(((0.6, 11.0, s, 12.0), 3, 20.0, 39.0, 39.0))
    for params, x, t_x, T, t in fixed:
        values, both = pareto(*params, x, t_x, T, t)
        checked += both
        rows.append(row("pareto_nbd", names, params, x=x, t_x=t_x, T=T, t=t, values=values))
    return rows, checked


def geometric_rows(source, modified):
    rows = []
    names = ["r", "alpha", "a", "b"]
    first = (0.525, 6.183, 0.891, 1.614) if modified else (0.243, 4.414, 0.793, 2.426)
    fixed = [(first, 2, 30.43, 38.86, 39.0), (first, 0, 0.0, 38.86, 39.0), (first, 0, 0.0, 0.0, 39.0), (first, 29, 38.0, 38.86, 39.0),
             ((1.42657, 3.72339, 0.068147, 37.0376), 40, 50.0, 52.0, 52.0), ((1.3721, 9.3930, 0.15286, 0.016217), 1, 8.0, 52.0, 52.0)]
    departures = [1e-3, 0.05, 0.3, 0.8, 1 - 1e-6, 1.0, 1 + 1e-6, 1 + 1e-12, 2.5, 40.0, 1e3, 1e4]
    shapes = [1e-3, 0.05, 0.24, 0.7, 1.0, 3.0, 50.0, 1e3, 1e5]
    for index in range(194):
        T = short(10 ** source.uniform(-3, 4))
        r, a, b = shapes[index % 9], departures[index % 12], source.choice([1e-3, 0.1, 0.5, 1.0, 2.4, 30.0, 1e3, 1e4])
        if index % 2:
            r, b = short(r * source.uniform(0.4, 1)), short(b * source.uniform(0.4, 1))
        alpha = short(max(T, 1e-3) * 10 ** source.uniform(-2, 2) * max(1, r / 10))
        t = short(10 ** source.uniform(-3, 5) if index % 4 == 0 else min(1e5, max(1e-3, T * 10 ** source.uniform(-2, 2))))
        fixed.append(((r, alpha, a, b), *history(source, source.randrange(6), T), T, t))
    for index, (params, x, t_x, T, t) in enumerate(fixed):
        values = geometric(modified, *params, x, t_x, T, t, index % 8 == 0)
        rows.append(row("mbg_nbd" if modified else "bg_nbd", names, params, x=x, t_x=t_x, T=T, t=t, values=values))
    return rows


def bg_bb_rows(source):
    fixed = [((1.204, 0.750, 0.657, 2.783), x, t_x, 6, 5) for x, t_x in ((0, 0), (1, 1), (1, 6), (3, 5), (6, 6), (4, 4))]
    grid = [1e-3, 0.2, 0.7, 1.0, 2.5, 30.0, 1e3, 1e4]
    for index in range(54):
        n = source.choice([1, 2, 6, 12, 52, 365])
        t_x = [0, n, source.randint(0, n), max(0, n - 1)][index % 4]
        x = source.randint(1, t_x) if t_x else 0
        params = tuple(short(source.choice(grid) * source.choice([1, source.uniform(0.5, 1)])) for _ in range(4))
        fixed.append((params, x, t_x, n, source.choice([1, 5, 52])))
    return [row("bg_bb", ["alpha", "beta", "gamma", "delta"], params, x=x, t_x=t_x, n=n, ahead=ahead,
                values=beta_binomial(*params, x, t_x, n, ahead)) for params, x, t_x, n, ahead in fixed]


def gamma_gamma_rows(source):
    fixed = [((6.25, 3.74, 15.44), 1, 22.35), ((6.25, 3.74, 15.44), 7, 73.74), ((6.25, 0.9, 15.44), 1, 22.35), ((0.05, 0.9, 15.44), 1, 22.35)]
    for index in range(56):
        p, q = (short(10 ** source.uniform(-2, 5)) for _ in range(2))
        money = short(10 ** source.uniform(-2, 8))
        gamma = short(money * q / p * 10 ** source.uniform(-1, 1), 6)
        fixed.append(((p, q, gamma), source.choice([1, 1, 2, 3, 8, 30, 200]), short(money * 10 ** source.uniform(-1, 1), 6)))
    return [row("gamma_gamma", ["p", "q", "gamma"], params, x=x, mean=mean, values=gamma_gamma(*params, x, mean))
            for params, x, mean in fixed]


def dert_rows(source):
    pareto = [((0.5534, 10.5802, 0.6061, 11.6562), 26, 30.86, 31.0, 0.0027), ((0.553, 10.578, 0.606, 11.669), 2, 30.43, 38.86, 0.0027),
              ((0.553, 10.578, 0.606, 11.669), 0, 0.0, 38.86, 0.0027), ((1.459, 3.806, 22.6, 27083.0), 40, 50.0, 52.0, 0.002)]
    for index in range(26):
        T = short(10 ** source.uniform(-1, 3))
        r, s = source.choice([0.05, 0.6, 1.0, 2.0, 15.0]), source.choice([0.05, 0.6, 1.0, 1.7, 22.6, 300.0])
        alpha, beta = short(T * 10 ** source.uniform(-2, 1)), short(T * s * 10 ** source.uniform(-2, 2))
        pareto.append(((r, alpha, s, beta), *history(source, index, T), T, short(10 ** source.uniform(-4, 0) * min(1, 10 / T))))
    rows = [row("pareto_nbd", ["r", "alpha", "s", "beta"], params, x=x, t_x=t_x, T=T, delta=delta,
                values=pareto_dert(*params, x, t_x, T, delta)) for params, x, t_x, T, delta in pareto]
    for modified in (False, True):
        first = (0.525, 6.183, 0.891, 1.614) if modified else (0.243, 4.414, 0.793, 2.426)
        fixed = [(first, 2, 30.43, 38.86, 0.0027), (first, 0, 0.0, 38.86, 0.0027), ((1.42657, 3.72339, 0.068147, 37.0376), 40, 50.0, 52.0, 0.002)]
        for index in range(27):
            T = short(10 ** source.uniform(-1, 3))
            r, a, b = (source.choice([0.05, 0.5, 1.0, 2.0, 15.0]), source.choice([0.01, 0.3, 0.9, 1.0, 2.5, 40.0]), source.choice([0.1, 1.0, 3.0, 40.0]))
            alpha = short(T * 10 ** source.uniform(-2, 1))
            x, t_x = history(source, index, T)
            fixed.append(((r, alpha, a, b), x, t_x, T, short(10 ** source.uniform(-4, 0) * min(1, 10 / T))))
        rows += [row("mbg_nbd" if modified else "bg_nbd", ["r", "alpha", "a", "b"], params, x=x, t_x=t_x, T=T, delta=delta,
                     values=geometric_dert(modified, *params, x, t_x, T, delta)) for params, x, t_x, T, delta in fixed]
    return rows


def main():
    tables = {}
    tables["pareto_nbd"], checked = pareto_rows(random.Random(2005))
    print(f"pareto_nbd: {len(tables['pareto_nbd'])} rows, {checked} also by the hypergeometric function", flush=True)
    for name, modified in (("bg_nbd", False), ("mbg_nbd", True)):
        tables[name] = geometric_rows(random.Random(5), modified)
        print(f"{name}: {len(tables[name])} rows", flush=True)
    tables["bg_bb"] = bg_bb_rows(random.Random(5))
    tables["gamma_gamma"] = gamma_gamma_rows(random.Random(5))
    tables["dert"] = dert_rows(random.Random(5))
    target = sys.argv[1] if len(sys.argv) > 1 else PLACE
    with open(target, "w") as file:
        parts = [f'"{name}":[\n' + ",\n".join(json.dumps(line, separators=(",", ":")) for line in rows) + "\n]" for name, rows in tables.items()]
        file.write("{" + ",\n".join(parts) + "}\n")
    print(f"{sum(map(len, tables.values()))} rows, {os.path.getsize(target)} bytes in {os.path.normpath(target)}")


if __name__ == "__main__":
    main()

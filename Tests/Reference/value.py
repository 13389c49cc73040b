"""Holds the fits of `clv.model` against the best maximum that scipy finds, and against PyPI `lifetimes`, on made-up purchases.

usage: value.py --binary PATH [--regimes N] [--small] [--seed S] [--limit SECONDS] [--only WORD]

Of each regime: purchases drawn from a known truth, imported as CSV, fitted by a replay. It fails where the program refuses, where its
log-likelihood (computed here at the printed parameters) is lower than the best one found by more than 1e-6 (and 1e-12 relative), where
the printed log-likelihood is another, where P(alive) or expected purchases of some customers are not those of 50 digits (with mpmath),
where another unit, money times a thousand or other names change verdicts or, in 8 digits, rescaled parameters. `boundary` may cost 1e-3 where the best maximum really lies beyond 1,000 times the data's scale. Data sets that no
model fits have to end within 10 seconds with a verdict's code. With CLM_REFERENCE_DATA naming a folder, completejourney_events.csv.gz
too. --small: six small regimes and those data sets, without `lifetimes`.

One line a regime: truth | program | scipy | lifetimes | program less best | verdicts | seconds (program, scipy). Parameters in `unit`s.
"""
import argparse
import contextlib
import csv
import datetime
import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

import value_models as models

try:
    import lifetimes
except ImportError:
    lifetimes = None
try:
    import value_vectors as exact
except ImportError:  # no mpmath
    exact = None

START = datetime.date(2012, 1, 1)
SLACK, BOUNDARY_SLACK, FAR = 1e-6, 1e-3, 3
FAMILY = {"pareto_nbd": "ParetoNBDFitter", "bg_nbd": "BetaGeoFitter", "mbg_nbd": "ModifiedBetaGeoFitter", "bg_bb": "BetaGeoBetaBinomFitter"}

# name, model, truth (days, under bg_bb opportunities), customers, days in which they come, days in all, unit in days, spend (p, q, gamma)
CDS, GROCERY, RUPIAH, CENTS, STEADY = (6.25, 3.74, 15.44), (2.0, 5.0, 60.0), (3.0, 3.2, 9e5), (1.5, 4.0, 0.9), (40.0, 8.0, 5.0)
REGIMES = [
    ("cdnow", "pareto_nbd", (0.55, 74, 0.61, 82), 2000, 84, 273, 7, CDS),
    ("few-5%", "mbg_nbd", (1.37, 65.8, 0.3, 0.0162), 1500, 180, 540, 7, CDS),
    ("cdnow", "bg_nbd", (0.243, 30.9, 0.793, 2.43), 2357, 84, 273, 7, CDS),
    ("donations", "bg_bb", (1.2, 0.75, 0.66, 2.78), 3000, 1, 2300, 365, GROCERY),
    ("few-5%", "pareto_nbd", (0.03, 30, 0.6, 60), 1500, 180, 540, 7, GROCERY),
    ("few-2%", "mbg_nbd", (0.02, 120, 0.8, 1.2), 1500, 180, 365, 7, CDS),
    ("few-2%", "bg_nbd", (0.01, 40, 0.8, 1.2), 2000, 90, 365, 30, STEADY),
    ("small", "bg_bb", (0.6, 0.9, 0.5, 3.0), 150, 60, 400, 30, CENTS),
    ("heavy-churn", "pareto_nbd", (1.0, 10, 2.0, 5), 2000, 200, 400, 7, CENTS),
    ("heavy-churn", "mbg_nbd", (1.2, 8, 4.0, 1.5), 6000, 300, 540, 1, RUPIAH),
    ("heavy-churn", "bg_nbd", (0.8, 12, 6.0, 2.0), 6000, 300, 540, 7, RUPIAH),
    ("monthly-long", "bg_bb", (2.0, 3.0, 0.3, 9.0), 2500, 600, 2400, 30, RUPIAH),
    ("loyal", "pareto_nbd", (1.0, 30, 0.05, 1000), 800, 100, 500, 7, STEADY),
    ("loyal", "mbg_nbd", (1.4, 26, 0.068, 37), 2400, 90, 400, 7, GROCERY),
    ("grocery", "bg_nbd", (1.427, 26.06, 0.0681, 37.04), 2400, 90, 400, 7, GROCERY),
    ("few-5%", "bg_bb", (0.1, 4.0, 0.8, 1.5), 1500, 200, 600, 30, CDS),
    ("long", "pareto_nbd", (0.7, 200, 0.8, 600), 600, 700, 4700, 30, GROCERY),
    ("long", "mbg_nbd", (0.7, 200, 0.9, 4), 3000, 700, 4700, 30, GROCERY),
    ("long", "bg_nbd", (0.7, 200, 0.9, 4), 3000, 700, 4700, 1, CDS),
    ("faithful", "bg_bb", (5.0, 1.0, 0.05, 5.0), 2000, 1, 400, 30, STEADY),
    ("daily", "pareto_nbd", (5.0, 10, 1.0, 100), 300, 30, 240, 1, CENTS),
    ("daily", "mbg_nbd", (5.0, 10, 1.0, 60), 1500, 60, 240, 30, CENTS),
    ("daily", "bg_nbd", (3.0, 4, 0.6, 20), 1500, 60, 240, 7, CENTS),
    ("churners", "bg_bb", (1.5, 1.5, 8.0, 3.0), 4000, 100, 500, 30, GROCERY),
    ("grocery", "pareto_nbd", (1.46, 26.6, 22.6, 190000), 500, 90, 400, 7, GROCERY),
    ("thousands", "mbg_nbd", (0.4, 30, 0.9, 2.5), 40000, 180, 540, 7, CDS),
    ("thousands", "bg_nbd", (0.25, 31, 0.8, 2.4), 40000, 180, 540, 30, CDS),
    ("sixty", "pareto_nbd", (0.6, 40, 0.7, 60), 60, 60, 365, 7, CDS),
    ("sixty", "mbg_nbd", (0.6, 40, 0.7, 2), 60, 60, 365, 7, CDS),
    ("sixty", "bg_nbd", (0.6, 40, 0.7, 2), 60, 60, 365, 7, CDS),
    ("weekly-8000", "pareto_nbd", (0.5, 70, 0.6, 80), 8000, -26, 364, 7, RUPIAH),
    ("rare", "mbg_nbd", (2.0, 4000, 0.5, 1.5), 3000, 400, 4000, 365, CDS),
    ("rare", "bg_nbd", (2.0, 4000, 0.5, 1.5), 3000, 400, 4000, 365, RUPIAH),
    ("one-day", "pareto_nbd", (0.4, 20, 0.5, 30), 3000, 1, 182, 1, RUPIAH),
    ("alike", "mbg_nbd", (200.0, 4000, 0.7, 3.0), 2000, 100, 365, 7, STEADY),
    ("alike", "bg_nbd", (200.0, 4000, 20.0, 80.0), 2000, 100, 365, 7, STEADY),
    ("few-2%", "pareto_nbd", (0.01, 25, 0.5, 90), 1500, 180, 540, 30, CDS),
    ("short", "mbg_nbd", (0.3, 3, 0.8, 1.0), 4000, 20, 24, 1, CENTS),
    ("short", "bg_nbd", (0.3, 3, 0.8, 1.0), 4000, 20, 24, 1, CENTS),
    ("few-in-300", "pareto_nbd", (0.1, 200, 0.7, 100), 300, 90, 300, 7, GROCERY)]
SMALL = [("sixty", "pareto_nbd"), ("sixty", "mbg_nbd"), ("sixty", "bg_nbd"), ("small", "bg_bb"), ("few-in-300", "pareto_nbd"), ("few-2%", "mbg_nbd")]


# Purchases: (customer, day, cents), in any order.

def drawn(regime, seed):
    name, model, truth, count, opens, days, unit, spend = regime
    key = int.from_bytes(hashlib.sha256(f"{name} {model}".encode()).digest()[:4], "big")
    random = np.random.default_rng([seed, key])
    if opens < 0:
        first = 7 * random.integers(0, -opens, count)
    else:
        first = random.integers(0, opens, count)
    if model == "bg_bb":
        who, day = drawn_opportunities(random, truth, first, (days - first) // unit, unit)
    else:
        who, day = drawn_instants(random, model, truth, first, days)
    p, q, gamma = spend
    level = random.gamma(q, 1, count) / gamma
    cents = np.maximum(1, np.rint(100 * random.gamma(p, 1, len(who)) / level[who])).astype(np.int64)
    return who, day, cents


def drawn_opportunities(random, truth, first, chances, unit):
    alpha, beta, gamma, delta = truth
    buys, dies = random.beta(alpha, beta, len(first)), random.beta(gamma, delta, len(first))
    who, day, alive = [np.arange(len(first))], [first], np.ones(len(first), bool)
    for i in range(1, int(chances.max()) + 1):
        alive &= random.random(len(first)) >= dies
        index = np.flatnonzero(alive & (i <= chances) & (random.random(len(first)) < buys))
        who.append(index), day.append(first[index] + i * unit)
    return np.concatenate(who), np.concatenate(day)


def drawn_instants(random, model, truth, first, days):
    count = len(first)
    r, alpha = truth[:2]
    rate = random.gamma(r, 1, count) / alpha
    if model == "pareto_nbd":
        leaves = random.exponential(1, count) / np.maximum(random.gamma(truth[2], 1, count) / truth[3], 1e-300)
        stops = np.zeros(count)
    else:
        leaves = np.full(count, np.inf)
        stops = random.beta(truth[2], truth[3], count)
    now, who, day = np.zeros(count), [np.arange(count)], [first]
    index = np.arange(count)
    if model == "mbg_nbd":
        index = index[random.random(count) >= stops]
    while len(index):
        now[index] += random.exponential(1, len(index)) / np.maximum(rate[index], 1e-300)
        index = index[now[index] < np.minimum(leaves[index], days - first[index])]
        who.append(index), day.append(first[index] + now[index].astype(int))
        index = index[random.random(len(index)) >= stops[index]]
    return np.concatenate(who), np.concatenate(day)


def histories(model, unit, who, day, as_of):
    """Grouped (x, t_x, T) in units, or opportunities under bg_bb, by the definitions of docs/rules.md."""
    count = int(who.max()) + 1
    pairs = np.unique(np.column_stack([who, day]), axis=0)
    customer, at = pairs.T
    first, last = np.full(count, as_of + 1), np.zeros(count, int)
    np.minimum.at(first, customer, at), np.maximum.at(last, customer, at)
    some = np.bincount(customer, minlength=count) > 0
    if model == "bg_bb":
        chance = (at - first[customer]) // unit
        chances = np.unique(np.column_stack([customer, chance]), axis=0)
        x = np.bincount(chances[:, 0], minlength=count) - 1
        t_x = np.zeros(count, int)
        np.maximum.at(t_x, chances[:, 0], chances[:, 1])
        return models.grouped(x[some], t_x[some], ((as_of - first) // unit)[some])
    x = np.bincount(customer, minlength=count) - 1
    x, t_x, T, weights = models.grouped(x[some], (last - first)[some], (as_of - first)[some])
    return x.astype(float), t_x / unit, T / unit, weights


def spends(who, day, cents):
    """Grouped (repeat days, mean of their totals in whole units of currency), of customers whose mean is above 0"""
    pairs, where = np.unique(np.column_stack([who, day]), axis=0, return_inverse=True)
    totals = np.bincount(where.ravel(), cents)
    customer = pairs[:, 0]
    leads = np.concatenate([[True], customer[1:] != customer[:-1]])
    count = int(who.max()) + 1
    x, total = np.bincount(customer[~leads], minlength=count), np.bincount(customer[~leads], totals[~leads], minlength=count)
    some = (x > 0) & (total > 0)
    return models.grouped(x[some], total[some] / x[some] / 100)


# The program

RULES = """rules: 1
model: {{ name: value, version: 1 }}
currency: {currency}
events:
  purchase: {{ types: [purchase], fields: {{ amount: money }} }}
facts:
  purchases: {{ count: purchase }}
stages: [buyer]
clv: {{ purchase: purchase.amount, model: {model}, unit: {unit}d, horizon: {horizon}d }}
"""


class Program:
    def __init__(self, binary, folder, limit):
        self.binary, self.folder, self.limit, self.stores = os.path.abspath(binary), folder, limit, 0

    def run(self, *arguments, limit=None):
        try:
            done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=limit or self.limit)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def store(self, who, day, cents, names=lambda number: f"C{number:06d}"):
        self.stores += 1
        store = f"{self.folder}/store-{self.stores}"
        called = [names(number) for number in range(int(who.max()) + 1)]
        dates = [(START + datetime.timedelta(days=number)).isoformat() for number in range(int(day.max()) + 1)]
        lines = [f"{called[w]},{dates[d]},{money(c)}\n" for w, d, c in zip(who, day, cents)]
        lines.sort(key=lambda line: line.split(",")[1] + line)
        # An event's derived id comes from its cells: two equal rows have to differ.
        with open(f"{self.folder}/purchases.csv", "w") as file:
            file.write("id,customer,date,amount\n")
            file.writelines(f"{number},{line}" for number, line in enumerate(lines))
        if self.run("import", store, f"{self.folder}/purchases.csv", "--csv",
                    "id=id,subject=customer,time=date,type:=purchase,data.amount=amount", "-q", limit=600) is None:
            raise SystemExit("import takes more than ten minutes")
        return store

    def fit(self, store, model, unit, as_of, currency="EUR", limit=None):
        """(clv of the JSON, seconds), clv None where the limit was reached"""
        rules = f"{self.folder}/rules.yaml"
        with open(rules, "w") as file:
            file.write(RULES.format(model=model, unit=unit, currency=currency, horizon=-(-364 // unit) * unit))
        begin = time.monotonic()
        output = self.run("replay", store, "--rules", rules, "--as-of", str(as_of), "--format", "json", limit=limit)
        return (json.loads(output)["clv"] if output else None), time.monotonic() - begin


def money(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def codes(clv):
    """Codes of the verdicts; of a verdict that is a bare text, the text"""
    return [verdict["code"] if isinstance(verdict, dict) else f"no code: {verdict}" for verdict in clv.get("verdicts") or []]


def params_of(model, fitted):
    fitted = fitted or {}
    fitted = fitted.get("params") or {} if model != "gamma_gamma" else fitted.get("gamma_gamma") or {}
    names = models.NAMES[model]
    return np.array([float(fitted[name]) for name in names]) if all(name in fitted for name in names) else None


# The library

class OutOfTime(Exception):
    pass


def library(model, data, limit=20):
    """Parameters, or why there are none"""
    if lifetimes is None:
        return "-"

    def stop(*_):
        raise OutOfTime
    *columns, weights = data
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(limit)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            fitter = getattr(lifetimes, "GammaGammaFitter" if model == "gamma_gamma" else FAMILY[model])(penalizer_coef=0.0)
            fitter.fit(*columns, weights=weights)
        given = dict(fitter.params_)
        names = ["p", "q", "v"] if model == "gamma_gamma" else models.NAMES[model]
        params = np.array([float(given[name]) for name in names])
        return params if np.isfinite(params).all() and (params > 0).all() else "no"
    except OutOfTime:
        return f">{limit}s"
    except Exception:  # whatever the library raises: it has no answer
        return "no"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# Checks

class Report:
    def __init__(self):
        self.failed, self.regimes, self.lines = [], 0, 0

    def line(self, name, cells, faults):
        self.lines += 1
        print(f"{'FAIL' if faults else 'ok  '} {name}: " + " | ".join(cells), flush=True)
        for fault in faults:
            print(f"       {fault}", flush=True)
        if faults:
            self.failed.append(name)


def digits(params):
    return "none" if params is None else " ".join(f"{value:.6g}" for value in params)


def held(model, data, clv, truth):
    """Cells and faults of one fit (purchases or Gamma-Gamma) against the best that is found here"""
    begin = time.monotonic()
    best_params, best, far = models.best_fit(model, data, truth)
    spent = time.monotonic() - begin
    cells = [f"truth {digits(truth)}"]
    ours, faults = params_of(model, clv), []
    verdicts = codes(clv) if clv else []
    theirs = library(model, data)
    theirs_cell = theirs if isinstance(theirs, str) else None
    if theirs_cell is None:
        with np.errstate(all="ignore"):
            their_value = models.log_likelihood(model, theirs, data)
        theirs_cell = f"{digits(theirs)} {their_value:.6f}"
        if np.isfinite(their_value) and their_value > best:
            best_params, best = theirs, their_value
    if ours is None:
        cells += ["program none"]
        if clv is None:
            faults.append("the program did not end in time")
        elif not (model == "gamma_gamma" and "spend_too_steady" in verdicts and far >= FAR):
            faults.append(f"refused, and scipy finds {digits(best_params)} with {best:.6f}: {'; '.join(verdicts) or 'no verdict'}")
        difference = "-"
    else:
        value = models.log_likelihood(model, ours, data)
        printed = float((clv["gamma_gamma"] if model == "gamma_gamma" else clv)["log_likelihood"])
        short = best - value
        allowed = (BOUNDARY_SLACK if {"boundary", "spend_too_steady"} & set(verdicts) and far >= FAR else SLACK) + 1e-12 * abs(best)
        difference = f"{value - best:+.1e}"
        cells += [f"program {digits(ours)} {value:.6f}"]
        if not short <= allowed:
            faults.append(f"lower by {short:.3g} than {digits(best_params)} with {best:.6f} ({10 ** far:.1g} times the data's scale)")
        # Nine printed digits of the parameters and of the value itself
        if not abs(value - printed) <= SLACK + 5e-9 * abs(value):
            faults.append(f"prints log-likelihood {printed!r}, which is {value!r} at the printed parameters")
    edge = f", at {10 ** far:.0e} of scale" if far >= FAR else ""
    cells += [f"scipy {digits(best_params)} {best:.6f}{edge}", f"lifetimes {theirs_cell}", difference]
    return cells, faults, spent


def rescaled(label, model, one, two, time_ratio=1, money_ratio=1):
    """Faults where a second fit is not the first one rescaled"""
    if two is None:
        return [f"{label}: did not end in time"]
    faults = []
    if codes(one) != codes(two):
        faults.append(f"{label}: verdicts {codes(two)}, were {codes(one)}")
    for kind, ratio in ((model, time_ratio), ("gamma_gamma", money_ratio)):
        before, after = params_of(kind, one), params_of(kind, two)
        if (before is None) != (after is None):
            faults.append(f"{label}: {kind} {digits(after)}, was {digits(before)}")
        elif before is not None:
            factors = np.array([ratio if i in models.SCALED[kind] else 1 for i in range(len(before))])
            # The parameters are printed with nine digits: half a unit of the ninth on either side.
            error = np.abs(after / factors / before - 1).max()
            if error > 1.5e-8:
                faults.append(f"{label}: {kind} differs by {error:.1e}: {after / factors} and {before}")
    return faults


def customers(program, store, model, unit, clv, who, day, as_of, few=4):
    """Faults in P(alive) and expected purchases of some customers, at the printed parameters, against 50 digits"""
    params = params_of(model, clv)
    if params is None or exact is None or "boundary" in codes(clv):
        return []
    faults, horizon = [], -(-364 // unit)
    rows = {row["customer"]: row for row in csv.DictReader(io.StringIO(program.run("export", store, "--table", "customers", "-o", "-")))}
    buys = np.bincount(who)
    for number in sorted({0, len(buys) - 1, int(buys.argmax()), int(np.argsort(buys, kind="stable")[len(buys) * 3 // 4])})[:few]:
        x, t_x, T, _ = (column[0] for column in histories(model, unit, who[who == number] * 0, day[who == number], as_of))
        if model == "pareto_nbd":
            right, _ = exact.pareto(*params, x, t_x, T, horizon, False)
        elif model == "bg_bb":
            right = exact.beta_binomial(*params, int(x), int(t_x), int(T), horizon)
        else:
            right = exact.geometric(model == "mbg_nbd", *params, x, t_x, T, horizon, False)
        for column, value in (("p_alive", right["p_alive"]), ("expected_purchases", right["expected"])):
            printed = float(rows[f"C{number:06d}"][column] or "nan")
            if not abs(printed - float(value)) <= 1e-9 + 1e-6 * float(value):
                faults.append(f"customer with x {x:g}, t_x {t_x:g}, T {T:g}: {column} {printed!r}, should be {float(value)!r}")
    return faults


def regime(program, report, entry, seed):
    name, model, truth, count, _, days, unit, spend = entry
    who, day, cents = drawn(entry, seed)
    currency = "IDR" if spend is RUPIAH else "EUR"
    as_of = START + datetime.timedelta(days=days)
    data, money_data = histories(model, unit, who, day, days), spends(who, day, cents)
    repeaters = int(data[-1][data[0] > 0].sum())
    label = f"{name} {model} {count} buyers {100 * repeaters / count:.3g}% repeat {unit}d seed {seed}"
    store = program.store(who, day, cents)
    clv, seconds = program.fit(store, model, unit, as_of, currency)
    scaled_truth = np.array([value / unit if i in models.SCALED[model] else value for i, value in enumerate(truth)])
    cells, faults, spent = held(model, data, clv, scaled_truth)
    if clv:
        if repeaters < 30 and "few_repeaters" not in codes(clv) and "no_repeaters" not in codes(clv):
            faults.append(f"{repeaters} repeaters, and no verdict few_repeaters")
        if model != "bg_bb":
            other_unit = 1 if unit != 1 else 7
            other, _ = program.fit(store, model, other_unit, as_of, currency)
            faults += rescaled(f"in units of {other_unit}d", model, clv, other, time_ratio=unit / other_unit)
        other, _ = program.fit(program.store(who, day, cents * 1000), model, unit, as_of, currency)
        faults += rescaled("money times 1000", model, clv, other, money_ratio=1000)
        renamed = program.store(who, day, cents, lambda number: hashlib.sha256(str(number).encode()).hexdigest()[:12])
        other, _ = program.fit(renamed, model, unit, as_of, currency)
        faults += rescaled("other names", model, clv, other)
        # The view of the first store is still that of its last fit.
        clv, _ = program.fit(store, model, unit, as_of, currency)
        faults += customers(program, store, model, unit, clv, who, day, days)
    report.regimes += 1
    report.line(label, cells + [", ".join(codes(clv)) if clv else "", f"{seconds:.1f} s, {spent:.1f} s"], faults)
    if clv and len(money_data[0]):
        cells, faults, spent = held("gamma_gamma", money_data, clv, spend)
        report.line(f"{name} {model}: gamma_gamma", cells + [f"{spent:.1f} s"], faults)


def plain(seed, count=200, repeats=0.6):
    random = np.random.default_rng([seed, 77])
    who = np.concatenate([np.arange(count)] + [np.flatnonzero(random.random(count) < repeats) for _ in range(3)])
    day = np.concatenate([random.integers(0, 60, count), random.integers(60, 300, len(who) - count)])
    return who, day, random.integers(100, 9000, len(who))


def degenerate(program, report, seed):
    def alike(count, days):
        who = np.repeat(np.arange(count), len(days))
        return who, np.tile(days, count), np.full(len(who), 2500) + np.random.default_rng(seed).integers(0, 900, len(who))
    who, day, cents = plain(seed)
    few = plain(seed, 200, 0.02)
    below = cents.copy()
    below[::10] *= -1
    random = np.random.default_rng(seed)
    sets = [("no repeaters", (np.arange(50), random.integers(0, 90, 50), random.integers(100, 900, 50)), {"no_repeaters"}, 7),
            ("one customer", alike(1, [0, 9, 30, 31, 70]), {"one_customer"}, 7),
            ("one purchase", alike(1, [0]), {"one_customer", "no_repeaters"}, 7),
            ("20 alike", alike(20, [0, 20, 40]), {"boundary"}, 20),
            ("all amounts 0.00", (who, day, cents * 0), {"amounts_zero"}, 7),
            ("all prices equal", (who, day, cents * 0 + 999), {"spend_too_steady"}, 7),
            ("negative amounts", (who, day, below), {"negative_amounts"}, 7),
            ("few repeaters", few, {"few_repeaters"}, 7)]
    for name, (who, day, cents), wanted, unit in sets:
        store = program.store(who, day, cents)
        last = 100 if name == "20 alike" else 365
        for model in FAMILY:
            clv, seconds = program.fit(store, model, unit, START + datetime.timedelta(days=last), limit=10)
            faults = []
            if clv is None:
                faults.append("no end within 10 seconds")
            elif not wanted & set(codes(clv)):
                faults.append(f"no verdict {' or '.join(sorted(wanted))}: {'; '.join(codes(clv)) or 'none'}")
            if clv and any(not (isinstance(v, dict) and v.get("message") and v.get("remedy")) for v in clv.get("verdicts") or []):
                faults.append("a verdict without code, message or remedy")
            if clv and name == "all prices equal" and params_of(model, clv) is not None:
                faults += steady(program, store)
            fitted, short = params_of(model, clv), ""
            if fitted is not None:
                data = histories(model, unit, who, day, last)
                _, best, far = models.best_fit(model, data)
                value = models.log_likelihood(model, fitted, data)
                short = f" {value - best:+.1e}"
                if best - value > (BOUNDARY_SLACK if "boundary" in codes(clv) and far >= FAR else SLACK):
                    faults.append(f"lower by {best - value:.3g}")
            report.line(f"{name} {model}", [f"program {digits(fitted)}{short}", ", ".join(codes(clv)) if clv else "", f"{seconds:.1f} s"], faults)


def steady(program, store):
    """Where all prices are 9.99, the expected value is that many times the expected purchases."""
    rows = csv.DictReader(io.StringIO(program.run("export", store, "--table", "customers", "-o", "-")))
    wrong = [row for row in rows if not abs(float(row["clv_expected"] or "nan") - 9.99 * float(row["expected_purchases"])) < 0.00501]
    return [f"{len(wrong)} customers, such as {wrong[0]['customer']}: clv_expected {wrong[0]['clv_expected']!r} of "
            f"{wrong[0]['expected_purchases']} purchases at 9.99"] if wrong else []


def complete_journey(program, report, path):
    with gzip.open(path, "rt") as file:
        rows = [(row["customer"], datetime.date.fromisoformat(row["ts"][:10]), row["amount"])
                for row in csv.DictReader(file) if row["type"] == "purchase"]
    names = {name: number for number, name in enumerate(sorted({row[0] for row in rows}))}
    who = np.array([names[row[0]] for row in rows])
    day = np.array([(row[1] - START).days for row in rows])
    cents = np.array([round(float(row[2]) * 100) for row in rows])
    store, first = program.store(who, day, cents), {}
    for model, unit in (("bg_nbd", 7), ("mbg_nbd", 1), ("mbg_nbd", 7), ("mbg_nbd", 30), ("pareto_nbd", 7), ("pareto_nbd", 1)):
        last = int(day.max())
        clv, seconds = program.fit(store, model, unit, START + datetime.timedelta(days=last))
        truth = (1.459, 26.64 / unit, 22.6, 189581.0 / unit) if model == "pareto_nbd" else (1.42657, 26.06373 / unit, 0.068147, 37.0376)
        cells, faults, spent = held(model, histories(model, unit, who, day, last), clv, np.array(truth))
        ours = params_of(model, clv)
        if model == "bg_nbd" and ours is not None and not np.allclose(ours, [1.42657, 3.72339, 0.068147, 37.0376], rtol=1e-4):
            faults.append("not the known maximum 1.42657 3.72339 .068147 37.0376")
        if model in first and clv and first[model][1]:
            before_unit, before = first[model]
            faults += rescaled(f"beside {before_unit}d", model, before, clv, time_ratio=before_unit / unit)
        first.setdefault(model, (unit, clv))
        report.line(f"completejourney {model} {unit}d", cells + [", ".join(codes(clv)) if clv else "", f"{seconds:.1f} s, {spent:.1f} s"], faults)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--regimes", type=int, default=len(REGIMES))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    vectors = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "vectors", "value.json")
    line, wrong = models.check_vectors(vectors)
    print(line)
    if wrong:
        raise SystemExit("\n".join(wrong))
    if options.small:
        globals()["lifetimes"] = None
    report, begin = Report(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        program = Program(options.binary, folder, options.limit)
        if options.small:
            chosen = [(entry, options.seed) for entry in REGIMES if entry[:2] in SMALL]
        else:
            chosen = [(REGIMES[i % len(REGIMES)], options.seed + i // len(REGIMES)) for i in range(options.regimes)]
        for entry, seed in chosen:
            if options.only in f"{entry[0]} {entry[1]}":
                regime(program, report, entry, seed)
        if options.only in "degenerate":
            degenerate(program, report, options.seed)
        path = os.path.join(os.environ.get("CLM_REFERENCE_DATA", ""), "completejourney_events.csv.gz")
        if options.small or options.only not in "completejourney":
            pass
        elif os.environ.get("CLM_REFERENCE_DATA") and os.path.exists(path):
            complete_journey(program, report, path)
        else:
            print("completejourney: left out; CLM_REFERENCE_DATA names no folder with completejourney_events.csv.gz")
    print(f"{report.regimes} regimes, {report.lines} lines, {len(report.failed)} failed, {time.monotonic() - begin:.0f} s"
          + ("".join(f"\n  {name}" for name in report.failed)))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()

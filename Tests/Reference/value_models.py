"""Log-likelihoods of the customer value models in numpy, with gradients, and the best maximum that scipy finds. From the papers alone
(value_vectors.py names them); no code and no idea is shared with the program.

A history is (x, t_x, T) with a weight: how many customers have it. Whole x makes quotients of gamma functions sums of logarithms, so
that nothing cancels at large parameters. Parameters are searched as logarithms, with time measured by the mean T.
"""
import json

import numpy as np
from scipy import optimize, special

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
NAMES = {"bg_nbd": ["r", "alpha", "a", "b"], "mbg_nbd": ["r", "alpha", "a", "b"], "pareto_nbd": ["r", "alpha", "s", "beta"],
         "bg_bb": ["alpha", "beta", "gamma", "delta"], "gamma_gamma": ["p", "q", "gamma"]}
SCALED = {"bg_nbd": [1], "mbg_nbd": [1], "pareto_nbd": [1, 3], "bg_bb": [], "gamma_gamma": [2]}


def grouped(*columns):
    rows, weights = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    return (*rows.T, weights.astype(float))


def rising(start, most):
    """ln of start (start + 1) … (start + k - 1), and its slope, for k = 0 … most"""
    steps = start + np.arange(most)
    return np.concatenate([[0], np.cumsum(np.log(steps))]), np.concatenate([[0], np.cumsum(1 / steps)])


def geometric(modified):
    def value(params, x, t_x, T):
        r, alpha, a, b = params
        count = x.astype(int)
        m = count + modified
        most = int(m.max()) + 1
        log_r, slope_r = rising(r, most)
        k = np.arange(most)
        stays = np.concatenate([[0], np.cumsum(np.where(a > b + k, np.log((b + k) / (a + b + k)), np.log1p(-a / (a + b + k))))])
        slope_b = np.concatenate([[0], np.cumsum(a / ((b + k) * (a + b + k)))])
        slope_a = np.concatenate([[0], np.cumsum(-1 / (a + b + k))])
        silent = np.log1p((T - t_x) / (alpha + t_x))
        possible = np.ones(len(x), bool) if modified else x > 0
        left = np.where(possible, b + x - (0 if modified else 1), 1.0)
        log_dead = np.where(possible, np.log(a) - np.log(left) + (r + x) * silent, -np.inf)
        total = log_r[count] - r * np.log1p(T / alpha) - x * np.log(alpha + T) + stays[m] + np.logaddexp(0, log_dead)
        dead = special.expit(log_dead)
        return total, np.array([
            slope_r[count] - np.log1p(T / alpha) + dead * silent,
            r * T / (alpha * (alpha + T)) - x / (alpha + T) - dead * (r + x) * (T - t_x) / ((alpha + T) * (alpha + t_x)),
            slope_a[m] + dead / a,
            slope_b[m] - dead / left])
    return value


def pareto(params, x, t_x, T):
    r, alpha, s, beta = params
    count = x.astype(int)
    log_r, slope_r = rising(r, int(count.max()))
    near = min(alpha, beta)
    end = np.log1p((T - t_x) / (near + t_x))
    steep = r + x + s + 1
    panels = int(np.ceil(np.log2(np.maximum(1, (steep * end).max())))) + 1
    # Edges 0, 1, 2, 4 … over the steepness, the last at the end; then panels wider than 1 are cut.
    edges = [np.zeros_like(end)] + [np.minimum(2.0 ** j / steep, end) for j in range(panels)] + [end]
    top = np.full(len(x), -np.inf)
    parts = []
    for low, high in zip(edges, edges[1:]):
        for cut in range(max(1, int(np.ceil((high - low).max())))):
            pieces = max(1, int(np.ceil((high - low).max())))
            start, half = low + (high - low) * cut / pieces, (high - low) / pieces / 2
            live = half > 0
            if not live.any():
                continue
            w = start[live, None] + half[live, None] * (1 + NODES)
            base = (near + t_x[live])[:, None]
            on = base * np.exp(w)                         # near + u
            u_rest = (T - t_x)[live, None] - base * np.expm1(w)     # T - u
            at_alpha, at_beta = on + (alpha - near), on + (beta - near)
            log_alpha, log_beta = np.log1p(u_rest / at_alpha), np.log1p(u_rest / at_beta)
            power = (r + x[live])[:, None] * log_alpha + s * log_beta + np.log(on / at_beta) + np.log(half[live])[:, None] + np.log(WEIGHTS)
            parts.append((live, power, log_alpha, log_beta, at_alpha, at_beta))
            top[live] = np.maximum(top[live], power.max(1))
    whole = np.zeros(len(x))
    moment = np.zeros((4, len(x)))
    for live, power, log_alpha, log_beta, at_alpha, at_beta in parts:
        mass = np.exp(power - top[live, None])
        whole[live] += mass.sum(1)
        moment[0, live] += (mass * log_alpha).sum(1)
        moment[1, live] += (mass / at_alpha).sum(1)
        moment[2, live] += (mass * log_beta).sum(1)
        moment[3, live] += (mass / at_beta).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_dead = np.where(whole > 0, np.log(s) + np.log(whole) + top, -np.inf)
        moment = np.where(whole > 0, moment / whole, 0)
    dead = special.expit(log_dead)
    total = log_r[count] - r * np.log1p(T / alpha) - x * np.log(alpha + T) - s * np.log1p(T / beta) + np.logaddexp(0, log_dead)
    return total, np.array([
        slope_r[count] - np.log1p(T / alpha) + dead * moment[0],
        r * T / (alpha * (alpha + T)) - x / (alpha + T) + dead * (r + x) * (1 / (alpha + T) - moment[1]),
        -np.log1p(T / beta) + dead * (1 / s + moment[2]),
        s * T / (beta * (beta + T)) + dead * (s / (beta + T) - (s + 1) * moment[3])])


def beta_binomial(params, x, t_x, n):
    alpha, beta, gamma, delta = params
    x, t_x, n = x.astype(int), t_x.astype(int), n.astype(int)
    most = int(n.max()) + 2
    (la, sa), (lb, sb), (lab, sab) = rising(alpha, most), rising(beta, most), rising(alpha + beta, most)
    (ld, sd), (lgd, sgd) = rising(delta, most), rising(gamma + delta, most)
    i = np.arange(int((n - t_x).max()))
    inside = i[None] < (n - t_x)[:, None]
    misses = np.minimum((t_x - x)[:, None] + i, most - 1)
    seen = np.minimum(t_x[:, None] + i, most - 1)
    after = np.minimum(seen + 1, most)
    dead = np.where(inside, lb[misses] - lab[seen] + np.log(gamma) + ld[seen] - lgd[after], -np.inf)
    alive = lb[n - x] - lab[n] + ld[n] - lgd[n]
    terms = np.concatenate([dead, alive[:, None]], axis=1)
    total = special.logsumexp(terms, axis=1)
    share = np.exp(terms - total[:, None])
    gone, stayed = share[:, :-1], share[:, -1]
    mean = lambda inner, outer: (gone * inner).sum(1) + stayed * outer
    return total + la[x], np.array([
        sa[x] - mean(sab[seen], sab[n]),
        mean(sb[misses] - sab[seen], sb[n - x] - sab[n]),
        mean(1 / gamma - sgd[after], -sgd[n]),
        mean(sd[seen] - sgd[after], sd[n] - sgd[n])])


def log1pmx(e):
    """ln(1 + e) - e"""
    small = np.abs(e) < 0.05
    s = np.where(small, e, 0)
    series = np.zeros_like(s)
    for k in range(16, 1, -1):
        series = s * series + (-1) ** (k + 1) / k
    return np.where(small, series * s * s, np.log1p(np.where(small, 0, e)) - e)


def stirling(z):
    """ln Gamma(z) less Stirling's main terms"""
    large = np.maximum(z, 12.0)
    inverse = 1 / (large * large)
    series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse * (1 / 1188 - inverse * 691 / 360360))))) / large
    small = np.minimum(z, 12.0)
    return np.where(z >= 12, series, special.gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * np.log(2 * np.pi))


def gamma_gamma(params, x, mean):
    p, q, gamma = params
    shape, spent = p * x, x * mean
    both = shape + q
    # how far spent / (gamma + spent) lies from shape / (shape + q): the first order of both logarithms cancels
    apart = (spent * q - shape * gamma) / (gamma + spent)
    total = -np.log(mean) + shape * log1pmx(apart / shape) + q * log1pmx(-apart / q) \
        + 0.5 * np.log(shape / both * q / (2 * np.pi)) + stirling(both) - stirling(shape) - stirling(q)
    log_share, log_rest = -np.log1p(gamma / spent), -np.log1p(spent / gamma)
    return total, np.array([
        x * (special.digamma(both) - special.digamma(shape) + log_share),
        special.digamma(both) - special.digamma(q) + log_rest,
        (q * spent - shape * gamma) / (gamma * (gamma + spent))])


MODELS = {"bg_nbd": geometric(0), "mbg_nbd": geometric(1), "pareto_nbd": pareto, "bg_bb": beta_binomial, "gamma_gamma": gamma_gamma}

STARTS = {
    "bg_nbd": [(0.3, 0.2, 0.8, 2.5), (1.5, 0.1, 0.1, 30.0), (1.0, 1.0, 1.0, 1.0), (0.05, 0.05, 3.0, 3.0), (20.0, 5.0, 0.1, 0.1), (1.0, 0.3, 30.0, 30.0)],
    "pareto_nbd": [(0.5, 0.3, 0.6, 0.3), (1.5, 0.1, 20.0, 300.0), (1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 0.01), (20.0, 5.0, 0.5, 3.0), (0.7, 0.2, 5.0, 1.0)],
    "bg_bb": [(1.0, 1.0, 1.0, 1.0), (0.3, 2.0, 0.5, 5.0), (5.0, 5.0, 0.2, 2.0), (0.1, 0.1, 10.0, 100.0)],
    "gamma_gamma": [(6.0, 4.0, 0.5), (1.0, 1.0, 1.0), (100.0, 2.0, 0.01), (0.5, 30.0, 60.0), (10.0, 100.0, 10.0)]}
STARTS["mbg_nbd"] = STARTS["bg_nbd"]
LOW, HIGH = np.log(1e-8), np.log(1e8)


def log_likelihood(model, params, data):
    """Of grouped data: columns and weights."""
    *columns, weights = data
    with np.errstate(over="ignore"):
        return float(np.dot(MODELS[model](params, *columns)[0], weights))


def scale_of(model, data):
    if model == "bg_bb":
        return 1.0
    return float(np.average(data[1] if model == "gamma_gamma" else data[2], weights=data[-1])) or 1.0


def best_fit(model, data, truth=None):
    """(params, log-likelihood, farthest: how far from 1, in powers of ten, the most extreme parameter lies after scaling)"""
    *columns, weights = data
    scale = scale_of(model, data)
    stretch = np.array([scale if i in SCALED[model] else 1.0 for i in range(len(NAMES[model]))])

    def objective(theta):
        params = np.exp(np.clip(theta, LOW - 5, HIGH + 5)) * stretch
        with np.errstate(all="ignore"):
            values, slopes = MODELS[model](params, *columns)
            value, slope = -np.dot(values, weights), -(slopes @ weights) * params
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e300, np.zeros_like(slope)
        return value, slope
    starts = [np.log(np.array(start)) for start in STARTS[model]]
    if truth is not None:
        starts.insert(0, np.log(np.array(truth) / stretch))
    bounds = [(LOW, HIGH)] * len(stretch)
    found = []
    for start in starts:
        result = optimize.minimize(objective, np.clip(start, LOW, HIGH), jac=True, method="L-BFGS-B", bounds=bounds,
                                   options={"maxiter": 1000, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-9})
        found.append((result.fun, result.x))
    found.sort(key=lambda pair: pair[0])
    value, theta = found[0]
    for _ in range(30):
        value, slope = objective(theta)
        step_size = 1e-5
        second = np.array([(objective(theta + step_size * e)[1] - objective(theta - step_size * e)[1]) / (2 * step_size) for e in np.eye(len(theta))])
        roots, basis = np.linalg.eigh((second + second.T) / 2)
        step = -basis @ ((basis.T @ slope) / np.maximum(np.abs(roots), 1e-9 * np.abs(roots).max() + 1e-300))
        step *= min(1, 2 / np.abs(step).max()) if np.abs(step).max() > 0 else 1
        for shrink in (1, 0.3, 0.05):
            other = np.clip(theta + shrink * step, LOW, HIGH)
            if objective(other)[0] < value:
                break
        else:
            break
        gain, theta = value - objective(other)[0], other
        if gain < 1e-10:
            break
    return np.exp(theta) * stretch, -objective(theta)[0], float(np.abs(theta).max() / np.log(10))


def check_vectors(path):
    """Against 50 digits; returns a line, and what differs."""
    with open(path) as file:
        tables = json.load(file)
    wrong, worst = [], 0.0
    for model, rows in tables.items():
        if model not in MODELS:
            continue
        for row in rows:
            keys = {"bg_bb": ["x", "t_x", "n"], "gamma_gamma": ["x", "mean"]}.get(model, ["x", "t_x", "T"])
            columns = [np.array([float(row[key])]) for key in keys]
            params = [row["params"][name] for name in NAMES[model]]
            with np.errstate(all="ignore"):
                value = MODELS[model](params, *columns)[0][0]
            right = float(row["log_likelihood"])
            error = abs(value - right) / max(1, abs(right))
            worst = max(worst, error)
            if not error < 1e-11:
                wrong.append(f"{model} {row['params']} {columns}: {value!r}, should be {right!r}")
    return f"likelihoods here against {sum(map(len, tables.values()))} rows in 50 digits: largest difference {worst:.1e}", wrong

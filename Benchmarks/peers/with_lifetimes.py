"""Customer values of many customers by `lifetimes` (grouped weights): parameters, P(alive), expected purchases and value of
the next 12 months.

usage: with_lifetimes.py MAKE DIR [customers]      writes DIR/purchases.csv and DIR/summary.npz
       with_lifetimes.py FIT DIR MODEL             times the library, writes DIR/lifetimes.json

MODEL is bg_nbd, mbg_nbd, pareto_nbd (weeks) or bg_bb (opportunities of 30 days).
"""
import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")

what, folder = sys.argv[1].upper(), sys.argv[2]

if what == "MAKE":
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    random = np.random.default_rng(11)
    first = random.integers(0, 180, count)
    age = 540 - first
    rate = random.gamma(0.4, 1 / 30, count)
    stops = random.beta(0.9, 2.5, count)
    level = random.gamma(15.0, 1, count)
    days, who, alive, now = [], [], np.ones(count, bool), np.zeros(count)
    days.append(first), who.append(np.arange(count))
    while alive.any():
        index = np.flatnonzero(alive)
        now[index] += random.exponential(1, len(index)) / np.maximum(rate[index], 1e-9)
        index = index[now[index] < age[index]]
        days.append(first[index] + now[index].astype(int)), who.append(index)
        alive[:] = False
        alive[index[random.random(len(index)) >= stops[index]]] = True
    days, who = np.concatenate(days), np.concatenate(who)
    cents = np.maximum(1, (random.gamma(6.0, 1, len(who)) * level[who] * 20).astype(int))
    order = np.lexsort((who, days))
    start = np.datetime64("2023-01-01")
    dates = np.datetime_as_string(start + days[order].astype("timedelta64[D]"))
    with open(f"{folder}/purchases.csv", "w") as file:
        file.write("customer,date,amount\n")
        for customer, date, amount in zip(who[order], dates, cents[order]):
            file.write(f"C{customer:07d},{date},{amount // 100}.{amount % 100:02d}\n")
    # What both start from: one row a customer.
    key = who.astype(np.int64) * 1000 + days
    unique, inverse = np.unique(key, return_inverse=True)
    spent = np.bincount(inverse, cents)
    customer, day = unique // 1000, unique % 1000
    frequency = np.bincount(customer) - 1
    last = np.zeros(count, int)
    np.maximum.at(last, customer, day)
    total = np.bincount(customer, spent) - spent[np.searchsorted(customer, np.arange(count))]
    end = days.max()
    chance = (day - first[customer]) // 30
    chances = np.unique(customer * 1000 + chance)
    bought = np.bincount(chances // 1000) - 1
    latest = np.zeros(count, int)
    np.maximum.at(latest, chances // 1000, chances % 1000)
    np.savez(f"{folder}/summary.npz", chances=bought, latest=latest, n=(end - first) // 30, frequency=frequency, recency=(last - first) / 7, T=(end - first) / 7,
             mean=np.where(frequency > 0, total / np.maximum(frequency, 1) / 100, 0))
    print(f"{count} customers, {len(who)} purchases, as of {start + end}")

elif what == "FIT":
    import pandas as pd
    import lifetimes
    which = sys.argv[3]
    data = np.load(f"{folder}/summary.npz")
    columns = ("chances", "latest", "n") if which == "bg_bb" else ("frequency", "recency", "T")
    frame = pd.DataFrame({name: data[name] for name in columns})
    x, recency, age = (frame[name] for name in columns)
    kind = {"bg_nbd": "BetaGeoFitter", "mbg_nbd": "ModifiedBetaGeoFitter", "pareto_nbd": "ParetoNBDFitter", "bg_bb": "BetaGeoBetaBinomFitter"}
    horizon = 364 / 30 if which == "bg_bb" else 52
    begin = time.time()
    grouped = frame.groupby(list(columns)).size().reset_index(name="weights")
    model = getattr(lifetimes, kind[which])()
    model.fit(*(grouped[name] for name in columns), weights=grouped["weights"])
    fitted = time.time()
    if which == "bg_bb":
        alive = model.conditional_probability_alive(int(horizon), x, recency, age)
    else:
        alive = model.conditional_probability_alive(x, recency, age)
    expected = model.conditional_expected_number_of_purchases_up_to_time(int(horizon), x, recency, age)
    frequency, mean = data["frequency"], data["mean"]
    usable = (frequency > 0) & (mean > 0)
    money = lifetimes.GammaGammaFitter()
    money.fit(frequency[usable], mean[usable])
    # 12 months at 1 % a month: the library's own steps of a month, or of an opportunity.
    if which == "bg_bb":
        amount = money.conditional_expected_average_profit(frequency, mean)
        before, value = 0, 0
        for month in range(1, 13):
            until = model.conditional_expected_number_of_purchases_up_to_time(month, x, recency, age)
            value = value + amount * (until - before) / 1.01 ** month
            before = until
    else:
        value = money.customer_lifetime_value(model, x, recency, age, pd.Series(mean), time=12, discount_rate=0.01, freq="W")
    took = time.time() - begin
    json.dump({"version": lifetimes.__version__, "seconds": took, "fit": fitted - begin, "groups": len(grouped), "params": {k: float(v) for k, v in model.params_.items()},
               "money": {k: float(v) for k, v in money.params_.items()}, "alive": float(np.sum(alive)), "expected": float(np.sum(expected))},
              open(f"{folder}/lifetimes.json", "w"))
    print(f"{which:10} lifetimes {took:8.2f} s, of which {fitted - begin:.2f} s for {len(grouped)} groups' parameters", flush=True)

"""Values of 1 M customers: parameters, P(alive), expected purchases and value of the next 12 months, by `lifetimes` (grouped
weights) and by a replay, on the same purchases in one run.

usage: value.py MAKE DIR [customers]      writes DIR/purchases.csv and DIR/summary.npz
       value.py LIFETIMES DIR             times the library, writes DIR/lifetimes.txt
       value.py COMPARE DIR               reads DIR/replay.json and DIR/replay.err, prints the ratio and the largest differences
"""
import json
import re
import sys
import time

import numpy as np

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
    np.savez(f"{folder}/summary.npz", frequency=frequency, recency=(last - first) / 7, T=(end - first) / 7,
             mean=np.where(frequency > 0, total / np.maximum(frequency, 1) / 100, 0))
    print(f"{count} customers, {len(who)} purchases, as of {start + end}")

elif what == "LIFETIMES":
    import pandas as pd
    from lifetimes import GammaGammaFitter, ModifiedBetaGeoFitter
    data = np.load(f"{folder}/summary.npz")
    frame = pd.DataFrame({name: data[name] for name in ("frequency", "recency", "T", "mean")})
    begin = time.time()
    grouped = frame.groupby(["frequency", "recency", "T"]).size().reset_index(name="weights")
    model = ModifiedBetaGeoFitter()
    model.fit(grouped["frequency"], grouped["recency"], grouped["T"], weights=grouped["weights"])
    fitted = time.time()
    alive = model.conditional_probability_alive(frame["frequency"], frame["recency"], frame["T"])
    expected = model.conditional_expected_number_of_purchases_up_to_time(52, frame["frequency"], frame["recency"], frame["T"])
    usable = frame[(frame["frequency"] > 0) & (frame["mean"] > 0)]
    money = GammaGammaFitter()
    money.fit(usable["frequency"], usable["mean"])
    value = money.customer_lifetime_value(model, frame["frequency"], frame["recency"], frame["T"], frame["mean"], time=12, discount_rate=0.01, freq="W")
    took = time.time() - begin
    json.dump({"seconds": took, "fit": fitted - begin, "groups": len(grouped), "params": {k: float(v) for k, v in model.params_.items()},
               "money": {k: float(v) for k, v in money.params_.items()}, "alive": float(np.sum(alive)), "expected": float(np.sum(expected))},
              open(f"{folder}/lifetimes.json", "w"))
    print(f"lifetimes     {took:.2f} s, of which {fitted - begin:.2f} s for {len(grouped)} groups' parameters")

else:
    theirs = json.load(open(f"{folder}/lifetimes.json"))
    ours = json.load(open(f"{folder}/replay.json"))["clv"]
    seconds = float(re.search(r"valued \d+ buyers in ([0-9.]+) s", open(f"{folder}/replay.err").read()).group(1))
    print(f"replay        {seconds:.2f} s for fit and values, of {ours['customers']} customers")
    for name, value in theirs["params"].items():
        print(f"  {name:6} {value:.6g} by lifetimes, {ours['params'][name]:.6g} here")
    for name, other in zip(("p", "q", "v"), ("p", "q", "gamma")):
        print(f"  {name:6} {theirs['money'][name]:.6g} by lifetimes, {ours['gamma_gamma'][other]:.6g} here")
    print(f"ratio         {theirs['seconds'] / seconds:.1f} times as fast as lifetimes with grouped weights")

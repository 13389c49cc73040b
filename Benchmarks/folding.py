"""Replay beside what others have: the same rows from the same file, and other rules files in the time of the same query."""
from answers import agree
from measure import HERE, Peer, last_json, run
from report import megabytes, rate, seconds, times
from shop import Shop

FIXTURES = HERE.parent / "fixtures" / "rules"
SIX = HERE / "rules" / "six-transitions.yaml"
RULES = {f"`{rules.name}`": rules for rules in (SIX, FIXTURES / "retail.yaml", FIXTURES / "first-match.yaml", HERE / "rules" / "general.yaml")}


def exported(shop):
    """The rows of the six transitions, as a file."""
    path = shop.folder / f"ours-{shop.count}.csv"
    run(shop.binary, "export", shop.store, "--view", "six-transitions", "--table", "transitions", "-o", path, "-q")
    return path


def ask(peer, request, shop, ours, who):
    """One query of a peer, its rows held against ours outside of the time."""
    took = peer.ask("query", request)
    path = shop.folder / "theirs.csv"
    peer.ask("write", path)
    agree(ours, path, who)
    path.unlink()
    return took


def beside_duckdb(report, shop, duckdb, rounds):
    """Each rules file's replay and both queries of DuckDB, in turn, the best of each; returns the best replays by rules file."""
    shop.replay(SIX)
    ours = exported(shop)
    best = {}
    for turn in range(rounds):
        for name, rules in RULES.items():
            took = shop.replay(rules)
            best[name] = min(best.get(name, took), took, key=lambda took: took.seconds)
        for query in ("windows", "running-sums"):
            took = ask(duckdb, query, shop, ours, f"DuckDB ({query})") if turn == 0 else duckdb.ask("query", query)
            best[query] = min(best.get(query, took), took, key=lambda took: took["seconds"])
    windows, sums = best["windows"], best["running-sums"]
    rows = []
    for name, rules in RULES.items():
        took = best[name]
        summary = last_json(took.output)
        memory = shop.replay(rules, watching=True)
        limit = (256 << 20) + 300 * summary["customers"]
        report.hold(f"peak memory under {name}", megabytes(memory.peak), "", f"≤ {megabytes(limit)}", memory.peak <= limit)
        rows.append([f"replay under {name}", f"{summary['transitions']:,}", seconds(took.seconds), rate(shop.count, took.seconds),
                     f"{took.cpu / shop.count * 1e6:.2f} µs", f"{megabytes(memory.peak)}, {megabytes(memory.mapped)} mapped", report.beside(f"replay under {name}", took.seconds, windows["seconds"], "DuckDB's windows"),
                     report.beside(f"replay under {name}", took.seconds, sums["seconds"], "DuckDB's running sums")])
        goal = 5 if "general.yaml" in name else 10
        ratio = windows["seconds"] / took.seconds
        report.hold(f"replay under {name} beside DuckDB's windows", times(ratio), "", f"≥ {goal} ×", ratio >= goal)
    for query, text in (("windows", "DuckDB, window query (`Benchmarks/sql/windows.sql`)"),
                        ("running-sums", "DuckDB, running sums (`Benchmarks/sql/running-sums.sql`)")):
        took = best[query]
        rows.append([text, f"{took['rows']:,}", seconds(took["seconds"]), rate(shop.count, took["seconds"]),
                     f"{took['cpu'] / shop.count * 1e6:.2f} µs", megabytes(took["peak"]), times(windows["seconds"] / took["seconds"]), times(sums["seconds"] / took["seconds"])])
    report.table(["what", "rows", "time", "events", "CPU an event", "peak memory", "DuckDB's windows take", "its running sums take"], rows)
    return {rules.stem: best[name] for name, rules in RULES.items()}


def others(report, binary, folder, sizes):
    """Polars, SQLite and the Python library at the size that each gets done, each beside a replay of the same file."""
    rows = []
    for peer_name, count, request, text in (
        ("polars", sizes["polars"], "running-sums", "data frame in memory, running sums, two threads"),
        ("sqlite", sizes["sqlite"], "running-sums", "table in memory, `Benchmarks/sql/running-sums.sql`, one thread"),
        ("eventsourcing", sizes["eventsourcing"], "", "one aggregate a customer, events in SQLite"),
    ):
        shop = Shop(binary, folder, count)
        if not shop.store.exists():
            shop.make().load()
        ours = min((shop.replay(SIX) for _ in range(3)), key=lambda took: took.seconds)
        with Peer(peer_name, shop.file) as peer:
            took = ask(peer, request, shop, exported(shop), peer.version)
            again = peer.ask("query", request)
            best = min(took, again, key=lambda took: took["seconds"])
            rows.append([f"{peer.version}: {text}", f"{count:,}", f"{took['rows']:,}", seconds(best["seconds"]), rate(count, best["seconds"]),
                         seconds(peer.load_seconds), seconds(ours.seconds),
                         report.beside(f"replay of {count:,} events", ours.seconds, best["seconds"], peer.version)])
    report.table(["what", "events", "rows, the same as ours", "time", "events", "to load or store", "replay", "takes"], rows)
    return [row[0].split(":")[0] for row in rows]  # the versions


def both_folds(report, shop):
    """Each rules file folded by both engines, which stop where a row differs."""
    for rules in RULES.values():
        shop.replay(rules, "--fold-engine", "both")
    report.say(f"Under each of these rules files both fold engines of this program give the same rows of {shop.count:,} events (`replay --fold-engine both`).\n")

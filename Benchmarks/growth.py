"""How time, memory and bytes grow with the log."""
from folding import SIX
from measure import last_json
from report import megabytes, rate, seconds
from shop import Shop

OVER_THE_LINE = 90


def table(report, binary, folder, counts):
    """Replays of six transitions of growing logs: the best of three, and one more that is watched for memory."""
    rows, times = [], []
    for count in counts:
        shop = Shop(binary, folder, count)
        if not shop.store.exists():
            shop.make().load()
        took = min((shop.replay(SIX) for _ in range(3)), key=lambda took: took.seconds)
        watched = shop.replay(SIX, watching=True)
        customers = last_json(took.output)["customers"]
        lines, log, view = shop.file.stat().st_size, shop.log_bytes, shop.view_bytes("six-transitions")
        times.append(took.seconds)
        over = (log - lines) / count
        report.hold(f"log of {count:,} events, over the lines", f"{over:.0f}", "bytes an event", f"≤ {OVER_THE_LINE}", over <= OVER_THE_LINE)
        rows.append([f"{count:,} events, {customers:,} customers", seconds(took.seconds), rate(count, took.seconds),
                     f"{took.seconds / times[0]:.1f} ×", megabytes(watched.peak), megabytes(watched.anonymous), megabytes(watched.mapped),
                     f"{log / count:.0f} ({lines / count:.0f} the line)", f"{view / customers:.0f}"])
    report.table(["log", "replay", "events", "of the first", "peak memory", "its own", "mapped files", "log, bytes an event", "view, bytes a customer"], rows)
    for small, large in zip(range(len(counts)), range(1, len(counts))):
        factor, grown = counts[large] / counts[small], times[large] / times[small]
        report.hold(f"time of {counts[large]:,} events beside {counts[small]:,}", f"{grown:.1f}", "×", f"≤ {1.1 * factor:.1f} ×", grown <= 1.1 * factor)
    if len(counts) > 2:
        factor, grown = counts[-1] / counts[0], times[-1] / times[0]
        report.hold(f"time of {counts[-1]:,} events beside {counts[0]:,}", f"{grown:.1f}", "×", f"≤ {1.1 * factor:.0f} ×", grown <= 1.1 * factor)

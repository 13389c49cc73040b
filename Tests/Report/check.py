"""Looks at pages of `report` in headless Chromium: every chart has its marks, nothing overlaps or leaves the page at 390 and
1,440 pixels, light and dark, contrast is enough, colours are told apart by the colour-blind, nothing is said on the console,
and the page prints.

  python3 Tests/Report/check.py --binary .build/release/clm-replay
  python3 Tests/Report/check.py --binary .build/release/clm-replay --picture docs/report.png
"""
import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import colors
import pages

HERE = Path(__file__).resolve().parent
WIDTHS = (390, 1440)
# Bytes of a page, whatever the log.
LIMIT = 600_000


def chromium(*arguments, timeout=120):
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("no chromium is installed (Debian: apt-get install chromium)")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def scheme(is_dark):
    return [f"--blink-settings=preferredColorScheme={0 if is_dark else 1}"]


def probed(page, width, is_dark, place):
    """What the probe measures in a frame of that width: windows of a headless browser have a least one."""
    copy = place / "probed.html"
    probe = (HERE / "probe.js").read_text()
    copy.write_text(page.read_text().replace("</body>", f"<script>{probe}</script></body>"))
    frame = place / "frame.html"
    frame.write_text(
        f'<!doctype html><meta name="color-scheme" content="light dark"><body style="margin:0"><iframe src="{copy.as_uri()}" style="border:0;width:{width}px;height:900px"></iframe>'
        "<script>addEventListener('load', () => { document.body.dataset.found = frames[0].document.getElementById('probe').textContent })</script>")
    done = chromium(
        *scheme(is_dark), "--allow-file-access-from-files", f"--window-size={max(width, 800)},900", "--dump-dom", frame.as_uri())
    match = re.search(r'data-found="([^"]*)"', done.stdout)
    if not match:
        raise SystemExit(f"{page.name}: the probe said nothing\n{done.stderr[-2000:]}")
    return json.loads(html.unescape(match.group(1)))


def judge(found, width, is_dark):
    said = []
    if found["width"] != width:
        said.append(f"was {found['width']} wide")
    if found["isDark"] != is_dark:
        said.append("is not dark" if is_dark else "is not light")
    if found["overflow"] > width:
        said.append(f"is {found['overflow']} wide inside")
    for chart in found["charts"]:
        name = chart["id"].split()[0]
        if chart["declared"] == 0 or chart["marks"] != chart["declared"]:
            said.append(f"{name}: {chart['marks']} of {chart['declared']} marks are drawn")
        if chart["tables"] != 1:
            said.append(f"{name}: {chart['tables']} tables")
        said += [f"{name}: overlap {pair}" for pair in chart["overlaps"]]
        said += [f"{name}: beyond the page: {text}" for text in chart["outside"]]
    said += [f"contrast {ratio:.2f} of {what}" for what, ratio in found["contrast"].items()]
    return said


def console(page):
    done = chromium("--enable-logging=stderr", "--v=0", "--dump-dom", page.as_uri())
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def printed(page, place):
    """Pages of the printed page."""
    file = place / "printed.pdf"
    chromium("--no-pdf-header-footer", f"--print-to-pdf={file}", page.as_uri())
    content = file.read_bytes() if file.exists() else b""
    return len(re.findall(rb"/Type\s*/Page\b", content)) if content.startswith(b"%PDF") else 0


# Ways to spoil a page, and a word of what must be said of it.
SPOILED = {
    "a text on another": ("</svg>", '<text x="50%" y="20">first text</text><text x="50%" y="22">second text</text></svg>', "overlap"),
    "a text beyond the edge": ("</svg>", '<text x="99%" y="20">a text that is too long to end on the page</text></svg>', "beyond the page"),
    "a wide block": ("</main>", '<div style="width: 3000px">.</div></main>', "wide inside"),
    "pale text": ("--soft: #57606a", "--soft: #c0c4c8", "contrast"),
    "pale marks": ("--c2: #2271b3", "--c2: #dde6ee", "contrast"),
    "a mark of no size": ('class="mark c2" x="0%"', 'class="mark c2" display="none" x="0%"', "marks are drawn"),
    "a chart without its table": ("<details><summary>Table", "<aside><summary>Table", "tables"),
}


def blind_spots(page, place):
    """Spoiled pages of which nothing is said: the probe would be of no use."""
    text, said = page.read_text(), []
    for name, (before, after, word) in SPOILED.items():
        if before not in text:
            said.append(f"the probe is not tried with {name}: the page has no {before}")
            continue
        spoiled = place / "spoiled.html"
        spoiled.write_text(text.replace(before, after))
        if not any(word in line for line in judge(probed(spoiled, 390, False, place), 390, False)):
            said.append(f"the probe does not see {name}")
    spoiled.write_text(text.replace("</body>", "<script>console.error('loud')</script></body>"))
    if not console(spoiled) or not any("a script" in line for line in pages.problems(spoiled, LIMIT)):
        said.append("a script, or what it says, is not seen")
    return said


def picture(page, file):
    chromium(*scheme(False), "--window-size=1280,1130", f"--screenshot={file}", page.as_uri())
    size = Path(file).stat().st_size
    print(f"{file}: {size} bytes")
    if size > 250_000:
        raise SystemExit("more than 250,000 bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--picture", help="make this PNG of the demo shop's report, and check nothing")
    parser.add_argument("--keep", help="a directory for the pages and pictures of them")
    options = parser.parse_args()
    binary = str(Path(options.binary).resolve())
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        if options.picture:
            return picture(pages.shop_page(binary, place), str(Path(options.picture).resolve()))
        made = pages.make(binary, place)
        problems = colors.problems() + blind_spots(made["shop"], place)
        for name, page in made.items():
            said = pages.problems(page, LIMIT) + console(page)
            charts = 0
            for width in WIDTHS:
                for is_dark in (False, True):
                    found = probed(page, width, is_dark, place)
                    charts = len(found["charts"])
                    shade = "dark" if is_dark else "light"
                    said += [f"{width} {shade}: {text}" for text in judge(found, width, is_dark)]
            sheets = printed(page, place)
            if not 1 <= sheets <= 30:
                said.append(f"prints on {sheets} pages")
            print(f"{name}: {page.stat().st_size} bytes, {charts} charts, {sheets} printed pages, {len(said)} problems")
            problems += [f"{name}: {text}" for text in said]
        if options.keep:
            shutil.copytree(place, options.keep, ignore=lambda at, names: [n for n in names if not n.endswith(".html")], dirs_exist_ok=True)
    for text in problems:
        print(text, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

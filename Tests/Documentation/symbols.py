#!/usr/bin/env python3
"""What the libraries make public, as the compiler knows it, after `swift build`.

    symbols.py                  ends with 1, and names them, where something public has no documentation comment
    symbols.py --output DIR     writes the symbol graphs for `docc`, a folder for each library (make docc)

A comment is one sentence, then units, ranges and errors; what nobody needs outside of the package is `package`.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ["CEL", "EventStore", "Projections"]


def extract(library, build, output):
    """Writes the symbol graph of one library; modules in C that it imports are named one by one."""
    maps = list(build.glob("*.build/module.modulemap")) + list((ROOT / "Sources").glob("C*/module.modulemap"))
    maps += (ROOT / ".build/checkouts").glob("*/Sources/*/include/module.modulemap")
    command = ["swift", "symbolgraph-extract", "-module-name", library, "-I", str(build / "Modules"),
               "-minimum-access-level", "public", "-skip-synthesized-members", "-output-dir", str(output)]
    target = json.loads(subprocess.run(["swift", "-print-target-info"], stdout=subprocess.PIPE, check=True).stdout)
    command += ["-target", target["target"]["unversionedTriple"]]
    for path in maps:
        command += ["-Xcc", f"-fmodule-map-file={path}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{library}: its symbols cannot be read; `swift build` comes first\n{done.stdout}")


def undocumented(graph):
    """Symbols without a comment of their own; conformances that the compiler writes itself are left out."""
    for symbol in graph["symbols"]:
        if symbol["kind"]["identifier"] == "swift.extension" or "::SYNTHESIZED::" in symbol["identifier"]["precise"]:
            continue
        if symbol.get("docComment", {}).get("lines") or "location" not in symbol:
            continue
        place = symbol["location"]
        path = pathlib.Path(place["uri"].removeprefix("file://"))
        yield str(path.relative_to(ROOT)), place["position"]["line"] + 1, ".".join(symbol["pathComponents"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, help="where symbol graphs are written")
    output = parser.parse_args().output
    build = ROOT / ".build/debug"
    if output:
        for library in LIBRARIES:
            (output / library).mkdir(parents=True, exist_ok=True)
            extract(library, build, output / library)
        return
    found, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for library in LIBRARIES:
            extract(library, build, folder)
        for path in pathlib.Path(folder).glob("*.symbols.json"):
            graph = json.loads(path.read_text())
            count += len(graph["symbols"])
            found += undocumented(graph)
    for path, line, name in sorted(found):
        print(f"{path}:{line}: {name} is public and has no documentation comment")
    print(f"{count} public symbols, {len(found)} without a documentation comment")
    sys.exit(1 if found or not count else 0)


if __name__ == "__main__":
    main()

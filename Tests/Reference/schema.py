#!/usr/bin/env python3
"""Holds `check --schema` against rules files: what `check` takes the schema takes, and a mistyped key neither of both does.

usage: schema.py --binary PATH

Every rules file of fixtures/ that has no error has to be valid, under the schema of all files and under its own. Then, file by
file, each key of it gets a letter too many: `check` has to name an error, and so has the schema, for keys that are no names of
the user's. Exit status 1 if anything differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Loader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: a date is a text, and yes is no bool."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def keys(node, above=()):
    """Each key of a document: where it stands in the text, and the keys above it."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key, above
            yield from keys(value, above + (key.value,))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from keys(item, above)


def is_users(above):
    """Whether keys below those are names that the user gives."""
    return (above in (("events",), ("facts",), ("segments",), ("population",), ("exchange",), ("rates",))
            or len(above) == 3 and above[0] == "events" and above[2] == "fields"
            or "data" in above or above[-1:] == ("prior",))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary

    def run(*arguments):
        return subprocess.run([binary, "check", *arguments], capture_output=True, text=True, check=False)

    def validator(*arguments):
        schema = json.loads(run("--schema", *arguments).stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        return jsonschema.Draft7Validator(schema)

    general = validator()
    files = sorted(ROOT.glob("fixtures/rules/*.yaml")) + sorted(ROOT.glob("fixtures/cases/*.rules.yaml"))
    right = [path for path in files if run(str(path), "--format", "json").returncode == 0]
    faults, mistyped = [], 0
    for path in right:
        text = path.read_text()
        document = yaml.load(text, Loader)
        for kind, schema in (("all files", general), ("the file", validator(str(path)))):
            for error in schema.iter_errors(document):
                faults.append(f"{path.name}: the schema of {kind}: {error.json_path}: {error.message[:200]}")
        for key, above in keys(yaml.compose(text, Loader)):
            if is_users(above):
                continue
            changed = text[:key.end_mark.index] + "x" + text[key.end_mark.index:]
            if key.style:  # within the quotes
                changed = text[:key.end_mark.index - 1] + "x" + text[key.end_mark.index - 1:]
            mistyped += 1
            if general.is_valid(yaml.load(changed, Loader)):
                faults.append(f"{path.name}:{key.start_mark.line + 1}: the schema takes `{key.value}x`")
    # A sample of them through `check`, which has to agree.
    with tempfile.TemporaryDirectory() as place:
        for path in right[:12]:
            text = path.read_text()
            for key, above in list(keys(yaml.compose(text, Loader)))[::5]:
                if is_users(above) or key.style:
                    continue
                changed = pathlib.Path(place, "changed.yaml")
                changed.write_text(text[:key.end_mark.index] + "x" + text[key.end_mark.index:])
                if run(str(changed)).returncode == 0:
                    faults.append(f"{path.name}:{key.start_mark.line + 1}: check takes `{key.value}x`")
    # A name that the file does not have.
    text = (ROOT / "fixtures/rules/retail.yaml").read_text()
    own = validator(str(ROOT / "fixtures/rules/retail.yaml"))
    for old, new in (("to: lapsed", "to: lapst"), ("count: purchase ", "count: purchasse "),
                     ("sum: purchase.amount", "sum: purchase.amout"), ("link: identify.", "link: identfy.")):
        assert old in text, old
        changed = yaml.load(text.replace(old, new, 1), Loader)
        if own.is_valid(changed) or not general.is_valid(changed):
            faults.append(f"retail.yaml with `{new}`: the file's own schema, and it alone, has to refuse it")
    for fault in faults[:20]:
        print(fault)
    print(f"{len(right)} right files, {mistyped} mistyped keys: {len(faults)} faults")
    return 1 if faults or len(right) < 60 or mistyped < 1000 else 0


sys.exit(main())

"""Checks checkpoints and proofs with nothing but hashlib, as docs/evidence.md says; shares no code with the program.

usage: evidence.py --binary PATH [--events N] [--seed S]

Makes a store by several imports and replays, takes checkpoints on the way, proves events, subjects, consistency and
control records, checks everything, and looks that changed proofs are refused.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import random
import subprocess
import sys
import tempfile

# --- Ed25519 (RFC 8032, 5.1.7) ---

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(left, right):
    (x1, y1), (x2, y2) = left, right
    cross = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + cross, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - cross, P - 2, P) % P)


def times(number, point):
    result = (0, 1)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def point(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    assert x * x % P == square, "not a point"
    return (P - x if x & 1 != sign else x, y)


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    s = int.from_bytes(signature[32:], "little")
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return s < ORDER and times(s, BASE) == add(point(signature[:32]), times(challenge, point(key)))


# --- C2SP signed-note, tlog-checkpoint ---

def checkpoint(note, verifier):
    name, key_id, encoded = verifier.split("+", 2)
    key = base64.b64decode(encoded)[1:]
    assert key_id == hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4].hex()
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    dash, signer, value = signatures.rstrip("\n").split(" ")
    value = base64.b64decode(value)
    assert (dash, signer, value[:4].hex()) == ("\u2014", name, key_id)
    assert is_signed(key, text.encode(), value[4:]), "bad signature"
    origin, size, root, register = text.splitlines()
    word, register_size, register_root = register.split(" ")
    assert word == "register"
    return origin, int(size), base64.b64decode(root), int(register_size), base64.b64decode(register_root)


# --- RFC 9162, 2.1.3.2 and 2.1.4.2 ---

def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf(content):
    return hashlib.sha256(b"\x00" + content).digest()


def included(leaf_hash, index, size, path):
    first, second, result = index, size - 1, leaf_hash
    for sibling in path:
        assert second > 0, "path too long"
        if first % 2 or first == second:
            result = node(sibling, result)
            while first % 2 == 0 and first:
                first, second = first // 2, second // 2
        else:
            result = node(result, sibling)
        first, second = first // 2, second // 2
    assert second == 0, "path too short"
    return result


def consistent(old, old_root, size, root, path):
    if old == size:
        return not path and old_root == root
    if old == 0:
        return not path
    nodes = ([old_root] if old & (old - 1) == 0 else []) + path
    first, second = old - 1, size - 1
    while first % 2:
        first, second = first // 2, second // 2
    left = right = nodes[0]
    for sibling in nodes[1:]:
        if second == 0:
            return False
        if first % 2 or first == second:
            left, right = node(sibling, left), node(sibling, right)
            while first % 2 == 0 and first:
                first, second = first // 2, second // 2
        else:
            right = node(right, sibling)
        first, second = first // 2, second // 2
    return second == 0 and left == old_root and right == root


def hashes(proof):
    return [bytes.fromhex(text) for text in proof["path"]]


def check_event(event, size, root):
    content = bytes.fromhex(event["header"]) + event["line"].encode()
    assert leaf(content).hex() == event["leaf_hash"]
    assert included(leaf(content), event["position"], size, hashes(event)) == root, event["position"]


def check_subject(proof):
    previous = 2**64 - 1
    for number, event in enumerate(proof["events"]):
        check_event(event, proof["size"], bytes.fromhex(proof["root"]))
        header = bytes.fromhex(event["header"])
        assert json.loads(event["line"])["subject"] == proof["subject"], "another subject"
        assert int.from_bytes(header[4:8], "little") == number, "left out"
        assert int.from_bytes(header[16:24], "little") == previous, "left out"
        previous = event["position"]


def check_customer(proof):
    """All subjects under one root, and each link an event of the proven chains that names the subject it joins."""
    events = {}
    for part in proof["subjects"]:
        assert (part["size"], part["root"]) == (proof["size"], proof["root"])
        check_subject(part)
        events.update({event["position"]: json.loads(event["line"]) for event in part["events"]})
    joined = {proof["customer"]}
    for link in sorted(proof["links"], key=lambda link: link["position"]):
        value = events[link["position"]]["data"]
        for step in link["path"]:
            value = value[step]
        assert value == link["named"] and events[link["position"]]["subject"] == link["subject"], "another link"
        joined |= {link["subject"], link["named"]}
    assert joined == {part["subject"] for part in proof["subjects"]}, "a subject without a link"


def refused(check, *arguments):
    try:
        return check(*arguments) is False
    except (AssertionError, ValueError, UnicodeDecodeError):
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    binary = pathlib.Path(options.binary).resolve()
    rules = pathlib.Path("fixtures/rules/retail.yaml").resolve()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as place:
        def run(*arguments):
            done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, cwd=place)
            assert done.returncode == 0, (arguments, done.returncode, done.stderr)
            return done.stdout

        def prove(*arguments):
            return json.loads(run("prove", "store", *arguments, "--format", "json"))

        run("generate", "--events", options.events, "--seed", options.seed, "-o", "all")
        lines = pathlib.Path(place, "all").read_text().splitlines(keepends=True)
        cuts = sorted({0, 1, 256, len(lines), *(chance.randrange(len(lines)) for _ in range(6))})
        kept = []
        for number, (start, end) in enumerate(zip(cuts, cuts[1:])):
            pathlib.Path(place, "part").write_text("".join(lines[start:end]))
            run("import", "store", "part")
            if number % 3 == 0:
                run("replay", "store", "--rules", rules)
            run("checkpoint", "store", "--init", "key", "-o", f"checkpoint-{number}")
            verifier = pathlib.Path(place, "key.pub").read_text().strip()
            note = pathlib.Path(place, f"checkpoint-{number}").read_text()
            kept.append(checkpoint(note, verifier))
            changed = note.replace(f"\n{kept[-1][1]}\n", f"\n{kept[-1][1] + 1}\n")
            assert refused(checkpoint, changed, verifier)
        _, size, root, register_size, register_root = kept[-1]
        assert size == len(lines)
        for number, old in enumerate(kept):
            for how in (old[1], f"checkpoint-{number}"):
                proof = prove("--consistency", how)
                assert (proof["old_size"], bytes.fromhex(proof["old_root"])) == old[1:3]
                assert consistent(old[1], old[2], size, root, hashes(proof))
            if old[1] < size:
                assert not consistent(old[1], root, size, root, hashes(proof))
                assert refused(consistent, old[1], old[2], size, root, hashes(proof)[:-1])
        positions = [0, size - 1, *(chance.randrange(size) for _ in range(20))]
        for position in positions:
            _, at, under, _, _ = chance.choice([c for c in kept if c[1] > position])
            event = prove(position, "--size", at)
            assert event["line"] + "\n" == lines[position]
            check_event(event, at, under)
            changed = dict(event, line=event["line"].replace('"', "'", 1))
            changed["leaf_hash"] = leaf(bytes.fromhex(event["header"]) + changed["line"].encode()).hex()
            assert refused(check_event, changed, at, under)
            assert refused(check_event, dict(event, path=event["path"][1:]), at, under) or not event["path"]
        subjects = sorted({json.loads(line)["subject"] for line in chance.sample(lines, 10)})
        for subject in subjects:
            proof = prove("--subject", subject)
            assert bytes.fromhex(proof["root"]) == root
            assert [e["line"] + "\n" for e in proof["events"]] == [l for l in lines if json.loads(l)["subject"] == subject]
            check_subject(proof)
            for number in range(len(proof["events"]) - 1):
                less = proof["events"][:number] + proof["events"][number + 1:]
                assert refused(check_subject, dict(proof, events=less)), "a gap was not noticed"
        links = [json.loads(line) for line in lines if '"anonymous_id"' in line]
        for link in links[:3]:
            proof = prove("--customer", link["data"]["anonymous_id"])
            assert len(proof["subjects"]) > 1
            check_customer(proof)
            assert refused(check_customer, dict(proof, links=[])), "a subject without a link was not noticed"
        assert links, "the shop joins nobody"
        served = json.loads(run("views", "store", "--history", "--format", "json"))
        assert len(served) == register_size
        for record in served:
            proof = prove("--record", record["record"])
            content = base64.b64decode(proof["bytes"])
            assert included(leaf(content), record["record"], register_size, hashes(proof)) == register_root
            for value in (record["rules_hash"], record["root"], record["output_root"]):
                assert bytes.fromhex(value) in content
        assert rules.read_bytes() in base64.b64decode(prove("--record", 0)["bytes"])
        assert run("views", "store", "--rules", served[0]["rules_hash"]).encode() == rules.read_bytes()
    print(
        f"{len(kept)} checkpoints, {len(positions)} events, {len(subjects)} subjects, {register_size} control records: "
        "all proofs hold, changed ones do not")


if __name__ == "__main__":
    sys.exit(main())

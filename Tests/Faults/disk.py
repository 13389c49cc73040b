"""Fills small file systems (tmpfs; needs root) with an import and with a replay: both must say so and leave what was safe.

usage: disk.py --binary PATH [--sizes N]
"""
import argparse, json, os, subprocess, sys, tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--binary", required=True)
parser.add_argument("--sizes", type=int, default=12)
options = parser.parse_args()
if os.geteuid() != 0:
    print("needs root for tmpfs; skipped")
    sys.exit(0)


def run(*arguments):
    return subprocess.run([options.binary, *arguments], capture_output=True, text=True)


full = 0
with tempfile.TemporaryDirectory() as place:
    events = f"{place}/e.ndjson"
    assert run("generate", "--events", "60000", "--seed", "5", "-o", events).returncode == 0
    for number in range(options.sizes):
        size = 256 + number * 2500
        disk = f"{place}/disk"
        os.makedirs(disk, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
        try:
            done = run("import", f"{disk}/store", events, "--acks")
            acknowledged = [json.loads(line)["size"] for line in done.stdout.splitlines()]
            assert done.returncode in (0, 2), (size, done.returncode, done.stderr)
            if done.returncode == 2:
                full += 1
                assert "error[disk-full]" in done.stderr, (size, done.stderr)
            if os.path.exists(f"{disk}/store/format"):
                verified = run("verify", f"{disk}/store", "--format", "json")
                report = json.loads(verified.stdout)
                assert report["ok"] and report["size"] >= max(acknowledged, default=0), (size, report)
                replayed = run("replay", f"{disk}/store", "--rules", "fixtures/rules/retail.yaml")
                assert replayed.returncode in (0, 1, 2), (size, replayed.stderr)
                if replayed.returncode == 2:
                    assert "error[" in replayed.stderr, (size, replayed.stderr)
        finally:
            subprocess.run(["umount", disk], check=True)
print(f"{options.sizes} sizes, {full} of them full during the import; nothing acknowledged was lost")

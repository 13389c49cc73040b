"""Kills imports with SIGKILL at random moments, imports again, and looks that nothing is lost and nothing is double.

usage: kill.py --binary PATH [--kills N] [--seed S] [--events N]
"""
import argparse, json, os, pathlib, random, signal, subprocess, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument("--binary", required=True)
parser.add_argument("--kills", type=int, default=20)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--events", type=int, default=300_000)
options = parser.parse_args()
print(f"seed {options.seed}")
chance = random.Random(options.seed)


def run(*arguments, ok=(0,)):
    done = subprocess.run([options.binary, *arguments], capture_output=True, text=True)
    assert done.returncode in ok, (arguments, done.returncode, done.stderr)
    return done


with tempfile.TemporaryDirectory() as place:
    events, store = f"{place}/e.ndjson", f"{place}/store"
    run("generate", "--events", str(options.events), "--seed", str(options.seed), "-o", events)
    started = time.time()
    run("import", f"{place}/whole", events)
    whole = time.time() - started
    lines = sorted(pathlib.Path(events).read_text().splitlines())
    killed = 0
    for number in range(options.kills):
        if number % 10 == 0:
            subprocess.run(["rm", "-rf", store])
        process = subprocess.Popen([options.binary, "import", store, events, "--acks"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * whole)
        process.send_signal(signal.SIGKILL)
        output = process.communicate()[0].decode()
        killed += process.returncode == -signal.SIGKILL
        acknowledged = [json.loads(line)["size"] for line in output.splitlines() if line.endswith("}")]
        if os.path.exists(f"{store}/format"):
            status = json.loads(run("status", store, "--format", "json").stdout)
            assert status["size"] >= max(acknowledged, default=0), (status["size"], acknowledged)
            verified = json.loads(run("verify", store, "--format", "json").stdout)
            assert verified["ok"], verified
        else:
            assert not acknowledged, acknowledged
        if number % 10 == 9 or number + 1 == options.kills:
            run("import", store, events)
            status = json.loads(run("status", store, "--format", "json").stdout)
            assert status["size"] == options.events, status
            assert json.loads(run("verify", store, "--format", "json").stdout)["ok"]
    run("replay", store, "--rules", "fixtures/rules/retail.yaml", ok=(0, 1))
    run("replay", f"{place}/whole", "--rules", "fixtures/rules/retail.yaml", ok=(0, 1))
    roots = [json.loads(run("status", s, "--format", "json").stdout)["views"][0]["output_root"] for s in (store, f"{place}/whole")]
    assert roots[0] == roots[1], roots
print(f"{killed} imports killed of {options.kills}; every acknowledged event was there, none was double, output roots are equal")

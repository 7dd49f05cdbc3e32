"""Times `embgap` beside its Python peers and the machine's own limit, in one run; prints one table, writes one JSON.

Usage: python Tests/Benchmarks/bench.py EMBGAP [--programs DIR] [--only gemm,step,report,read,pca,features,stream,cold]
       [--sizes 2000,20000,50000] [--repeats 3] [--out bench.json]

gemm    products of 2048 x 2048 matrices: the limit that shares are of
step    one training step (see make_step.py) with next-token loss and joint, f32 and bf16; PyTorch eager and compiled
report  `embgap measure` on made pairs, every metric, no resampling, beside numpy + scikit-learn + faiss
read    100 MB of numbers out of each kind of file, beside numpy, safetensors and torch
pca     pairs read and projected on two components, beside scikit-learn
features  images through a CLIP ViT-B/32, decoding and resizing included, beside transformers on pixels at hand
stream  1,000,000 x 768 f16, every metric that is linear in the pairs and PCA, beside its products and its reading alone
        (3 GB of disk; on request)
cold    `embgap measure` on 500 x 512 from a cold start

A peer that is not installed is left out of the table. Ratios compare bests of one run; the JSON has every sample.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
# Products of make_step.py's step: 30 layers and the head, there and back (gradients of inputs alone).
LAYER_WEIGHTS = 2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536
STEP_GFLOP = (2 * 2 * 30 * LAYER_WEIGHTS * 8 * 96 + 2 * 2 * 49152 * 576 * 8 * 32) / 1e9


def run(command, **more):
    """Seconds and peak anonymous memory of a process, and what it printed."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    peak = [0]

    def watch():
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status") as file:
                    for line in file:
                        if line.startswith("RssAnon"):
                            peak[0] = max(peak[0], int(line.split()[1]) * 1024)
            except (OSError, ProcessLookupError):
                pass
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, errors = process.communicate()
    watcher.join()
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors.decode()[-400:]}")
    return seconds, peak[0], output.decode()


def row(table, what, samples, unit, peak=None, **more):
    is_rate = unit.endswith("/s")
    entry = {"what": what, "unit": unit, "best": (max if is_rate else min)(samples),
             "median": statistics.median(samples), "worst": (min if is_rate else max)(samples), "samples": samples, "peak_bytes": peak, **more}
    table.append(entry)
    memory = f"{peak / 1e6:8.0f} MB" if peak else " " * 11
    print(f"{what:44} {entry['best']:9.3f} {entry['median']:9.3f} {entry['worst']:9.3f} {unit:8} {memory}", flush=True)
    return entry


def note(ratios, what, value, target=""):
    ratios[what] = value
    print(f"{what:64} {value:9.3f}  {target}", flush=True)


def gemm(options, table, ratios):
    if not options.programs:
        return {}
    output = run([str(options.programs / "gemm-peak"), str(options.threads)])[2]
    peaks = json.loads(output)
    for name, speed in peaks.items():
        if isinstance(speed, dict):
            row(table, f"GEMM {name}", [speed["worst"], speed["median"], speed["best"]], "GFLOP/s")
    return peaks


def step(options, table, ratios, peaks, folder):
    run([sys.executable, str(HERE / "make_step.py"), str(folder)])
    ours = {}
    settings = [(p, o) for p in ["f32", "bf16"] for o in ["ntp", "joint"]]
    # Settings take turns, so that what else the machine does falls on all of them.
    for turn in range(options.repeats):
        for precision, objective in settings:
            out = folder / f"run-{precision}-{objective}-{turn}"
            command = [options.embgap, "train", "--config", str(folder / "RUN.yaml"), "--out", str(out), "--quiet",
                       "--objective", objective, "--set", f"precision={precision}", "--set",
                       f"threads={options.threads}"]
            try:
                peak = run(command)[1]
            except RuntimeError as error:
                print(error)
                continue
            lines = [json.loads(line) for line in open(out / "metrics.jsonl")]
            seconds = [line["seconds"] for line in lines if "grad_norm" in line]
            kept = ours.setdefault((precision, objective), [[], 0])
            # Weights are packed in the first step.
            kept[0] += seconds[2:]
            kept[1] = max(kept[1], peak)
    for (precision, objective), (seconds, peak) in ours.items():
        row(table, f"step, embgap {precision} {objective}", seconds, "s", peak)
    peers = {}
    if not options.no_peers:
        output = run([sys.executable, str(HERE / "peer_step.py"), str(folder), "--threads", str(options.threads)])[2]
        for line in output.splitlines():
            if line.startswith("{"):
                peer = json.loads(line)
                peers[peer["mode"]] = row(
                    table, f"step, PyTorch {peer['mode']} ntp", peer["seconds"], "s", peer["peak_bytes"],
                    torch=peer["torch"])
    best = {key: min(value[0]) for key, value in ours.items()}
    for precision, name in [("f32", "onednn_f32"), ("bf16", "onednn_bf16")]:
        if (precision, "ntp") not in best:
            continue
        note(ratios, f"joint / ntp, {precision} (medians)",
             statistics.median(ours[precision, "joint"][0]) / statistics.median(ours[precision, "ntp"][0]), "target 1.05")
        if name in peaks:
            note(ratios, f"GEMM share of the step, {precision}",
                 STEP_GFLOP / best[precision, "ntp"] / peaks[name]["best"], "target 0.80")
    if peers:
        fastest = min(peers.values(), key=lambda peer: peer["best"])
        own = min(value for (_, objective), value in best.items() if objective == "ntp")
        note(ratios, f"step, best precision / {fastest['what'][6:]}", own / fastest["best"], "target 0.50")
        single = [peer["best"] for mode, peer in peers.items() if mode.startswith("f32")]
        if single:
            note(ratios, "step, f32 / PyTorch f32's best", best["f32", "ntp"] / min(single), "target 0.85")
        quickest = min((value, key) for key, value in best.items() if key[1] == "ntp")[1]
        note(ratios, "peak memory of the step / that mode's", ours[quickest][1] / fastest["peak_bytes"], "target 0.70")


def report(options, table, ratios, folder):
    for n in options.sizes:
        pairs = str(folder / f"{n}.npy")
        run([sys.executable, str(HERE / "make_pairs.py"), "--n", str(n), "--d", "768", "--dtype", "f32", "--out", pairs])
        samples, peaks = [], []
        for _ in range(options.repeats):
            seconds, peak, _ = run([options.embgap, "measure", pairs, "--bootstrap", "0", "--json", "--threads",
                                    str(options.threads)])
            samples.append(seconds)
            peaks.append(peak)
        own = row(table, f"report {n:,} x 768, embgap", samples, "s", max(peaks))
        if options.no_peers:
            continue
        try:
            seconds, peak, _ = run([sys.executable, str(HERE / "peer_report.py"), "--input", pairs, "--json"])
        except RuntimeError as error:
            print(error)
            continue
        row(table, f"report {n:,} x 768, Python pipeline", [seconds], "s", peak)
        note(ratios, f"report {n:,} x 768 / Python pipeline", own["best"] / seconds, "target 0.25 at 50,000")
        os.remove(pairs)


def timings(command):
    """Seconds by what each JSON line says, and the process's peak."""
    _, peak, output = run(command)
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")], peak


def part(options, *arguments, peer=False):
    program = [sys.executable, str(HERE / "peer_parts.py")] if peer else [str(options.programs / "library-speed")]
    return timings(program + [str(options.threads), str(options.repeats), *arguments])


def reader_files(folder):
    """The same 25 million numbers in every kind of file; those of PyTorch where it is installed."""
    import numpy as np

    numbers = np.random.default_rng(0).standard_normal((50_000, 500), dtype=np.float32)
    names = ["f32.npy", "f16.npy", "stored.npz", "deflated.npz"]
    np.save(folder / names[0], numbers)
    np.save(folder / names[1], numbers.astype(np.float16))
    np.savez(folder / names[2], numbers=numbers)
    np.savez_compressed(folder / names[3], numbers=numbers.astype(np.float16))
    try:
        import torch
        from safetensors.torch import save_file

        half = {"numbers": torch.from_numpy(numbers).to(torch.bfloat16)}
        save_file(half, folder / "bf16.safetensors")
        torch.save(half, folder / "bf16.pt")
        names += ["bf16.safetensors", "bf16.pt"]
    except ImportError as error:
        print(error)
    return [str(folder / name) for name in names]


def read(options, table, ratios, folder):
    if not options.programs:
        return
    files = reader_files(folder)
    own, peak = part(options, "read", *files)
    peers = {} if options.no_peers else {line["what"]: line["seconds"] for line in part(options, "read", *files, peer=True)[0]}
    for line in own:
        name, size = os.path.basename(line["what"]), line["bytes"] / 1e6
        entry = row(table, f"read {name}, embgap", [size / s for s in line["seconds"]], "MB/s", peak)
        if line["what"] in peers:
            other = row(table, f"read {name}, Python", [size / s for s in peers[line["what"]]], "MB/s")
            note(ratios, f"read {name}: seconds / Python", other["best"] / entry["best"])
        os.remove(line["what"])


def pca(options, table, ratios, folder):
    if not options.programs:
        return
    pairs = str(folder / "pca.npy")
    run([sys.executable, str(HERE / "make_pairs.py"), "--n", "50000", "--d", "768", "--dtype", "f32", "--out", pairs])
    lines, peak = part(options, "pca", pairs)
    own = row(table, "PCA 2 x 50,000 x 768, embgap", lines[0]["seconds"], "s", peak)
    if not options.no_peers:
        lines, peak = part(options, "pca", pairs, peer=True)
        if lines:
            other = row(table, "PCA 2 x 50,000 x 768, scikit-learn", lines[0]["seconds"], "s", peak)
            note(ratios, "PCA / scikit-learn", own["best"] / other["best"])
    os.remove(pairs)


def features(options, table, ratios, folder):
    run([sys.executable, str(HERE / "make_encoder.py"), str(folder)])
    llm = HERE.parent.parent / "Fixtures/checkpoints/llava-clip-llama"

    def seconds(pairs):
        return run([options.embgap, "embed", "--vision", str(folder / "vision"), "--llm", str(llm), "--projector",
                    str(folder / "projector.safetensors"), "--pairs", str(folder / pairs), "--readout", "input", "--quiet",
                    "--threads", str(options.threads), "--out", str(folder / "vectors.safetensors")])[:2]

    # 256 images more, so that loading does not count.
    samples, peaks = [], []
    for _ in range(options.repeats):
        few, (many, peak) = seconds("few.jsonl")[0], seconds("many.jsonl")
        samples.append(256 / (many - few))
        peaks.append(peak)
    own = row(table, "ViT-B/32 features, embgap", samples, "images/s", max(peaks))
    if options.no_peers:
        return
    lines, peak = part(options, "features", str(folder), peer=True)
    for line in lines:
        speeds = [line["images"] / s for s in line["seconds"]]
        other = row(table, f"ViT-B/32 features, transformers {line['what']}", speeds, "images/s", peak)
        note(ratios, f"ViT-B/32: seconds / transformers {line['what']}", other["best"] / own["best"])


def stream(options, table, ratios, folder):
    pairs = str(folder / "million.npy")
    run([sys.executable, str(HERE / "make_pairs.py"), "--n", "1000000", "--d", "768", "--dtype", "f16", "--out", pairs])
    seconds, peak, _ = run([options.embgap, "measure", pairs, "--bootstrap", "0", "--json", "--retrieval-queries", "1000",
                            "--threads", str(options.threads)])
    row(table, "report 1,000,000 x 768 f16, embgap", [seconds], "s", peak)
    if options.programs:
        lines, peak = timings([str(options.programs / "library-speed"), str(options.threads), "1", "linear", pairs])
        own = row(table, "linear metrics and PCA, embgap", lines[0]["seconds"], "s", peak)
        limit = json.loads(run([str(options.programs / "gemm-peak"), str(options.threads), pairs])[2])
        row(table, "its products alone (2 SYRK, 1 GEMM, f64)", [limit["products"]], "s")
        row(table, "reading its file alone", [limit["reading"]], "s")
        note(ratios, "linear metrics and PCA / products and reading", own["best"] / (limit["products"] + limit["reading"]),
             "target 1.5")
    os.remove(pairs)


def cold(options, table, ratios, folder):
    pairs = str(folder / "cold.npy")
    run([sys.executable, str(HERE / "make_pairs.py"), "--n", "500", "--d", "512", "--dtype", "f32", "--out", pairs])
    samples = [run([options.embgap, "measure", pairs, "--bootstrap", "0", "--json"])[0] for _ in range(9)]
    row(table, "cold start, 500 x 512, no resampling", samples, "s")


def processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embgap")
    parser.add_argument("--programs", type=pathlib.Path, help="where gemm-peak and library-speed are built")
    parser.add_argument("--only", default="gemm,step,report,read,pca,features,cold")
    parser.add_argument("--sizes", default="2000,20000,50000", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--out", default="bench.json")
    options = parser.parse_args()
    parts = options.only.split(",")
    version = run([options.embgap, "--version"])[2].splitlines()[0].split()[-1]
    machine = {"cpu": processor(), "threads": options.threads, "embgap": version, "python": platform.python_version()}
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    print(f"{'':44} {'best':>9} {'median':>9} {'worst':>9} {'unit':8} {'peak anon':>11}")
    table, ratios, peaks = [], {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if "gemm" in parts:
            peaks = gemm(options, table, ratios)
            machine["onednn"] = peaks.get("onednn_version")
        if "step" in parts:
            step(options, table, ratios, peaks, folder)
        for part, work in [("report", report), ("read", read), ("pca", pca), ("features", features), ("stream", stream),
                           ("cold", cold)]:
            if part in parts:
                work(options, table, ratios, folder)
    with open(options.out, "w") as file:
        json.dump({"machine": machine, "table": table, "ratios": ratios}, file, indent=2)
    print(f"every sample: {options.out}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs the built command on files that were good until a seeded mutation.

Every run must end within its time and its memory, with exit code 0, 64, 65 or 66, and with one line on standard error
where it is not 0. What fails is kept, with the command line that shows it again.

    python3 Tests/Fuzz/commands.py .build/release/embgap --seconds 60 --seed 1 [--only tokenizer,yaml] [--keep DIR]
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

FIXTURES = pathlib.Path(__file__).resolve().parent.parent.parent / "Fixtures"
MEMORY = 4_000_000 * 1024
SECONDS = 20
ALLOWED = {0, 64, 65, 66}

NUMBERS = [
    -1, 0, 1, 2, 3, 7, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63,
    2**64 - 1, -(2**31), -(2**63), 10**30,
]
VALUES = NUMBERS + [
    0.5, -0.5, 1e-320, 1e38, 1e308, -1e308, True, False, None, "", "a", "\0", "\n", "../../etc/passwd", "/etc/passwd",
    "é" * 50, [], {}, [[]], {"": None}, [0] * 3, [1e308] * 3, ["a", "a"], "9" * 400, "{" * 50,
]
WORDS = [
    b"null", b"-1", b"0", b"1e999", b"NaN", b"[", b"]", b"{", b"}", b'"', b"\\", b"\\u0000", b"\\ud800", b",", b":", b"\n",
    b"\r\n", b"\t", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"&a ", b"*a", b"!!binary ", b"<<: *a", b"- ", b"? ", b"| ", b"> ",
    b"%YAML 9.9\n", b"---\n", b"...\n", b"'", b"..", b"/", b"9" * 25, b"[" * 3000, b"{\"a\":" * 3000, b"- " * 3000,
]


class Mutator:
    """Changes bytes by a seed; knows JSON, safetensors headers and plain text, and takes the rest as bytes."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def __call__(self, data, name, others):
        kind = name.rsplit(".", 1)[-1]
        if kind in ("json", "jsonl") and self.random.random() < 0.6:
            return self.json_text(data, kind == "jsonl")
        if kind == "safetensors" and self.random.random() < 0.5:
            return self.safetensors(data)
        if kind == "npy" and self.random.random() < 0.4:
            return self.npy(data)
        if kind in ("yaml", "csv", "tsv", "json", "jsonl", "txt") and self.random.random() < 0.5:
            return self.text(data)
        for _ in range(self.random.choice([1, 1, 1, 2, 4, 8])):
            data = self.bytes(data, others)
        return data

    def place(self, data):
        # Headers are at the front, directories of archives at the end.
        if len(data) < 2:
            return 0
        near = min(len(data), 512)
        return self.random.choice(
            [self.random.randrange(len(data)), self.random.randrange(near), len(data) - 1 - self.random.randrange(near)]
        )

    def bytes(self, data, others):
        r = self.random
        out = bytearray(data)
        at = self.place(data)
        choice = r.randrange(9)
        if not data:
            return b"\0"
        if choice == 0:
            out[at] ^= 1 << r.randrange(8)
        elif choice == 1:
            out[at] = r.choice([0, 1, 0x7F, 0x80, 0xFF, r.randrange(256)])
        elif choice == 2:
            form, number = r.choice(["<H", "<I", "<Q", ">I", ">H"]), r.choice(NUMBERS)
            size = struct.calcsize(form)
            out[at : at + size] = struct.pack(form, number % 2 ** (8 * size))
        elif choice == 3:
            return data[:at]
        elif choice == 4:
            length = r.choice([1, 2, 4, 8, 64, 1000])
            out[at:at] = out[at : at + length] * r.choice([1, 1, 3, 50])
        elif choice == 5:
            del out[at : at + r.choice([1, 2, 4, 8, 64])]
        elif choice == 6:
            other = r.choice(others)
            start = self.place(other)
            out[at : at + r.choice([0, 8, 64])] = other[start : start + r.choice([4, 16, 256, 4096])]
        elif choice == 7:
            out[at : at + 8] = bytes([r.choice([0, 0xFF, 0x7F])]) * 8
        else:
            out[at:at] = bytes(r.randrange(256) for _ in range(r.choice([1, 4, 32])))
        return bytes(out)

    def text(self, data):
        r = self.random
        for _ in range(r.choice([1, 1, 2, 4])):
            numbers = list(re.finditer(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", data))
            at = self.place(data)
            choice = r.randrange(5)
            if choice == 0 and numbers:
                found = r.choice(numbers)
                data = data[: found.start()] + str(r.choice(NUMBERS)).encode() + data[found.end() :]
            elif choice == 1:
                data = data[:at] + r.choice(WORDS) + data[at:]
            elif choice == 2:
                lines = data.split(b"\n")
                line = r.randrange(len(lines))
                lines[line:line] = [lines[r.randrange(len(lines))]] * r.choice([1, 1, 2, 2000])
                data = b"\n".join(lines)
            elif choice == 3:
                words = list(re.finditer(rb"[A-Za-z_]+", data))
                if words:
                    found, other = r.choice(words), r.choice(words)
                    data = data[: found.start()] + other.group() + data[found.end() :]
            else:
                values = list(re.finditer(rb"(?<=[:\[,] )[^,\n\]}]+", data))
                if values:
                    found = r.choice(values)
                    data = data[: found.start()] + json.dumps(r.choice(VALUES)).encode() + data[found.end() :]
        return data

    def json_text(self, data, lines):
        try:
            values = [json.loads(line) for line in data.splitlines() if line.strip()] if lines else [json.loads(data)]
        except ValueError:
            return self.text(data)
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            values[self.random.randrange(len(values))] = self.value(values[self.random.randrange(len(values))])
        return b"\n".join(json.dumps(value).encode() for value in values) + (b"\n" if lines else b"")

    def value(self, value, depth=0):
        r = self.random
        if isinstance(value, (dict, list)) and value and (depth == 0 or r.random() < 0.9):
            copy = dict(value) if isinstance(value, dict) else list(value)
            keys = list(copy.keys()) if isinstance(copy, dict) else range(len(copy))
            key = r.choice(keys)
            choice = r.random()
            if choice < 0.1:
                del copy[key]
            elif choice < 0.15 and isinstance(copy, list):
                copy.extend([copy[key]] * r.choice([1, 2, 3000]))
            elif choice < 0.2 and isinstance(copy, dict):
                copy[r.choice(["", "a", "__metadata__", r.choice(list(keys)) + " "])] = copy[key]
            elif choice < 0.25:
                copy[key] = copy[r.choice(list(keys))]
            else:
                copy[key] = self.value(copy[key], depth + 1)
            return copy
        if isinstance(value, int) and not isinstance(value, bool) and r.random() < 0.5:
            return r.choice([value + 1, value - 1, -value, value * 2, value * 1000, value // 2, r.choice(NUMBERS)])
        return r.choice(VALUES)

    def safetensors(self, data):
        try:
            length = int.from_bytes(data[:8], "little")
            header = json.loads(data[8 : 8 + length])
        except ValueError:
            return self.bytes(data, [data])
        text = json.dumps(self.value(header)).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    def npy(self, data):
        end = data.find(b"\n") + 1
        header = self.text(data[10:end]).replace(b"\n", b" ")[:60_000] + b"\n"
        return data[:8] + struct.pack("<H", len(header)) + header + data[end:]


def tree(*parts):
    """The files of a folder of fixtures, by name."""
    root = FIXTURES.joinpath(*parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def one(*parts):
    path = FIXTURES.joinpath(*parts)
    return {path.name: path.read_bytes()}


class Case:
    """Good files, which of them are mutated, and the commands that read them ({} is the folder)."""

    def __init__(self, format, files, targets, commands):
        self.format, self.files, self.targets, self.commands = format, files, targets, commands


def npz(arrays, compression):
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, data in arrays.items():
                archive.writestr(name + ".npy", data)
        file.seek(0)
        return file.read()


def made(embgap, folder):
    """Reports, a run and a comparison, made by the command itself."""
    def run(*arguments):
        subprocess.run([embgap, *arguments], check=True, capture_output=True)

    report, other = folder / "a", folder / "b"
    ids = str(FIXTURES / "metrics/captions.ids.txt")
    run("measure", str(FIXTURES / "metrics/captions.npy"), "--ids", ids, "--out", str(report), "--bootstrap", "50")
    run("measure", str(FIXTURES / "metrics/captions.npy"), "--ids", ids, "--out", str(other), "--bootstrap", "50")
    (folder / "RUN.yaml").write_bytes(run_yaml(str(FIXTURES / "checkpoints/llava-clip-llama")))
    run("train", "--config", str(folder / "RUN.yaml"), "--out", str(folder / "run"), "--quiet")
    run("compare", "--config", str(folder / "RUN.yaml"), "--seeds", "2", "--steps", "2", "--out", str(folder / "comparison"))


def files(folder, *names):
    found = {}
    for name in names:
        for path in sorted((folder / name).rglob("*")) if (folder / name).is_dir() else [folder / name]:
            if path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def run_yaml(checkpoint):
    return f"""checkpoint: {checkpoint}
pairs: {checkpoint}/pairs.jsonl
projector: {{kind: mlp2x_gelu, init: seed, output_scale: 1.0}}
template: {{prompt: "describe", end: "\\n"}}
objective: joint
weights: {{ntp: 1.0, contrastive: 1.0}}
contrastive: {{loss: infonce, readout: "layer:1", temperature: 0.07, learn_temperature: true}}
optimizer: {{lr: 1.0e-3, betas: [0.9, 0.999], eps: 1.0e-8, weight_decay: 0, clip: 1.0}}
schedule: {{kind: cosine, warmup_ratio: 0.03}}
steps: 2
batch: 4
micro_batch: 2
evaluation: {{pairs: {checkpoint}/pairs.jsonl, every: 1, readouts: [input, "layer:1"]}}
save: {{every: 1}}
seed: 0
threads: 1
""".encode()


def cases(embgap, folder):
    made(embgap, folder)
    tensor_files = tree("tensor-files")
    keys = {
        ".npz": "::array", ".pt": "::whole", ".gguf": "::mm.0.weight", ".safetensors": "::float", ".npy": "",
    }
    result = []
    for format, ending in [("npy", ".npy"), ("npz", ".npz"), ("safetensors", ".safetensors"), ("torch", ".pt"), ("gguf", ".gguf")]:
        for name, data in tensor_files.items():
            if name.endswith(ending) and "/" not in name and len(data) < 100_000:
                sides = "measure --image {}/@KEY --text {}/@KEY --bootstrap 20".replace("KEY", keys[ending])
                result.append(Case(format, {name: data}, [name], ["inspect {}/@", "measure {}/@", sides]))
    for path in sorted((FIXTURES / "metrics").glob("*.npy")):
        result.append(Case("npy", one("metrics", path.name), [path.name], ["inspect {}/@"] + ["measure {}/@ --out {}/out --bootstrap 20"] * 3))
    pair = (FIXTURES / "metrics/half.npy").read_bytes()
    rows = (FIXTURES / "tensor-files/little-f4-c.npy").read_bytes()
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = {"pairs.npz": npz({"image": rows, "text": rows}, kind)}
        result.append(Case("npz", archive, ["pairs.npz"], ["inspect {}/@", "measure {}/@ --bootstrap 20"]))
        archive = {"pair.npz": npz({"pair": pair}, kind)}
        result += [Case("npz", archive, ["pair.npz"], ["measure {}/@ --bootstrap 20"])] * 4
    result += [Case("safetensors", one("demo", "pairs.safetensors"), ["pairs.safetensors"], ["measure {}/@ --bootstrap 20"])] * 4
    for name in ("sharded", "sharded-torch"):
        shards = tree("tensor-files", name)
        result += [Case("index", shards, list(shards), ["inspect {}", "measure {}"])] * 5
    for path in sorted((FIXTURES / "checkpoints/projectors").iterdir()):
        part = tree("checkpoints", "projectors", path.name)
        part.pop("expected.safetensors", None)
        weights = [name for name in part if name != "config.json"]
        format = {"gguf": "gguf", "bin": "torch", "pt": "torch"}.get(weights[0].rsplit(".", 1)[-1], "projector")
        commands = ["inspect {}/" + weights[0], "export --checkpoint-or-run {}/" + weights[0] + " --format llava --out {}/x.bin"]
        result.append(Case(format, part, list(part), commands))
    ids = {**one("metrics", "captions.npy"), **one("metrics", "captions.ids.txt")}
    result += [
        Case("ids", ids, ["captions.ids.txt"], ["measure {}/captions.npy --ids {}/captions.ids.txt --bootstrap 20"])
    ] * 3
    result += checkpoint_cases() + image_cases() + written_cases(folder)
    return result


MEASURE = "measure --checkpoint {} --pairs {}/pairs.jsonl --bootstrap 20 --readout layers"


def checkpoint_cases():
    result = []
    for model in ("llava-clip-llama", "llava-siglip-qwen2", "paligemma"):
        whole = {
            name: data for name, data in tree("checkpoints", model).items()
            if not name.startswith(("expected", "config.4", "tokenizer_config.no"))
        }
        embed = "embed --checkpoint {} --pairs {}/pairs.jsonl --readout last --image-prompt x --out {}/v.safetensors"
        mir = "measure --checkpoint {} --pairs {}/pairs.jsonl --bootstrap 20 --mir-mode exact"
        for format, names in {
            "config": ["config.json"] * 3, "preprocessor": ["preprocessor_config.json"],
            "tokenizer": ["tokenizer.json"] * 3 + ["tokenizer_config.json"], "weights": ["model.safetensors"],
        }.items():
            result += [Case(format, whole, names, [MEASURE, embed, "inspect {}", mir][: 4 if format != "preprocessor" else 2])] * 6
        result += [Case("captions", whole, ["pairs.jsonl"], [MEASURE, embed])] * 6
        result += [Case("weights", whole, ["model.safetensors"], ["export --checkpoint-or-run {} --format hf --out {}/x.safetensors"])]
    whole = {k: v for k, v in tree("checkpoints", "llava-clip-llama").items() if k != "expected.safetensors"}
    records = [json.loads(line) for line in whole["pairs.jsonl"].splitlines()]
    llava = [
        {"id": str(k), "image": r["image"], "conversations": [
            {"from": "human", "value": "<image>\nwhat is it?"}, {"from": "gpt", "value": r["caption"]}]}
        for k, r in enumerate(records)
    ]
    coco = {
        "images": [{"id": k, "file_name": r["image"]} for k, r in enumerate(records)],
        "annotations": [{"id": k, "image_id": k, "caption": r["caption"]} for k, r in enumerate(records)],
    }
    lines = ["image,caption,id"] + [f'{r["image"]},"{r["caption"]}",{k}' for k, r in enumerate(records)]
    for name, data in {
        "llava.json": json.dumps(llava), "coco.json": json.dumps(coco), "pairs.csv": "\n".join(lines) + "\n",
        "pairs.tsv": "\n".join(lines).replace(",", "\t") + "\n",
    }.items():
        command = "measure --checkpoint {} --pairs {}/" + name + " --bootstrap 20"
        result += [Case("captions", {**whole, name: data.encode()}, [name], [command])] * 4
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4, 18), }\n"
    numbers = b"".join(struct.pack("<f", k % 7 - 3.5) for k in range(6 * 4 * 18))
    features = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + numbers
    result.append(
        Case("features", {**whole, "features.npy": features}, ["features.npy"], [MEASURE + " --features {}/features.npy"]))
    return result


def image_cases():
    whole = {k: v for k, v in tree("checkpoints", "llava-clip-llama").items() if not k.startswith(("expected", "images"))}
    result = []
    for path in sorted((FIXTURES / "images").iterdir()):
        if path.suffix not in (".png", ".jpg"):
            continue
        pairs = {"pairs.jsonl": (json.dumps({"image": "image" + path.suffix, "caption": "a ring"}) + "\n").encode() * 3}
        image = {"image" + path.suffix: path.read_bytes()}
        format = "png" if path.suffix == ".png" else "jpeg"
        embed = "embed --checkpoint {} --pairs {}/pairs.jsonl --readout input --out {}/v.safetensors"
        result.append(Case(format, {**whole, **pairs, **image}, list(image), [embed, embed + " --skip-bad-images"]))
    return result


def written_cases(folder):
    reports = files(folder, "a", "b")
    texts = [name for name in reports if name.startswith("a/") and name.endswith((".json", ".safetensors", ".npy"))]
    plot = " --figure all --dpi 50 --out {}/figures"
    result = [
        Case("report", reports, texts, ["diff {}/a {}/b --bootstrap 20", "plot {}/a {}/b" + plot, "plot {}/b {}/a --figure pca --out {}/f"])
    ] * 12
    basis = {**reports, **one("metrics", "captions.npy")}
    result += [
        Case("basis", basis, ["a/pca_basis.safetensors"], ["measure {}/captions.npy --pca-basis {}/a/pca_basis.safetensors --out {}/out --bootstrap 20"])
    ] * 3
    result += [
        Case("comparison", files(folder, "comparison"), ["comparison/compare.json"], ["plot {}/comparison" + plot])
    ] * 8
    run = {name: data for name, data in files(folder, "run").items() if not name.endswith((".png", ".html"))}
    texts = [name for name in run if name.endswith((".json", ".jsonl", ".yaml", ".safetensors"))]
    result += [
        Case("run", run, texts, ["plot {}/run" + plot, "train --out {}/run --resume --quiet", "export --checkpoint-or-run {}/run --format hf --out {}/x"])
    ] * 10
    # The saved state is one step behind the end, so that there is something to go on with.
    yaml = {"RUN.yaml": run_yaml(str(FIXTURES / "checkpoints/llava-clip-llama"))}
    result += [Case("yaml", yaml, ["RUN.yaml"], ["train --config {}/RUN.yaml --out {}/out --quiet"])] * 25
    return result


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Time is counted as the process's own, so that a busy machine is no failure; two threads count twice.
    resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS + 1))


def attempt(embgap, case, mutator, others):
    """Runs one mutated case; returns command line, code, standard error, what is wrong with them, and the folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fuzz-"))
    target = mutator.random.choice(case.targets)
    for name, data in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mutator(data, name, others) if name == target else data)
    line = mutator.random.choice(case.commands).replace("@", target).replace("{}", str(folder))
    started = time.monotonic()
    try:
        done = subprocess.run(
            [embgap, *line.split(" ")], capture_output=True, timeout=10 * SECONDS, preexec_fn=limits, cwd=folder,
            stdin=subprocess.DEVNULL)
        code, errors = done.returncode, done.stderr.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as expired:
        code, errors = "timeout", (expired.stderr or b"").decode("utf-8", "replace")
    seconds = time.monotonic() - started
    wrong = None
    # A configuration that asks for more steps is right to take longer: what counts is that training had begun.
    steps = folder / "out/metrics.jsonl"
    if line.startswith("train") and code in ("timeout", -9, -24) and steps.exists() and steps.stat().st_size > 0:
        code = "training"
    elif code not in ALLOWED:
        wrong = f"exit {code}"
    elif code != 0 and (errors.count("\n") != 1 or not errors.startswith("embgap: ") or len(errors) > 4000):
        wrong = f"exit {code}, {errors.count(chr(10))} lines"
    elif "Fatal error" in errors or "\r" in errors:
        wrong = "trap or control characters in a message"
    return line, code, errors, wrong, folder, target, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embgap")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, help="end after so many runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="formats, with commas")
    parser.add_argument("--keep", default="fuzz-failures", help="folder for what fails")
    options = parser.parse_args()
    embgap = os.path.abspath(options.embgap)
    work = pathlib.Path(tempfile.mkdtemp(prefix="fuzz-made-"))
    all_cases = cases(embgap, work)
    formats = sorted({case.format for case in all_cases})
    if options.only:
        formats = [format for format in formats if format in options.only.split(",")]
    counts = collections.defaultdict(collections.Counter)
    failures, number, slowest = 0, 0, (0, "")
    ends = time.monotonic() + options.seconds
    while time.monotonic() < ends and (options.runs is None or number < options.runs):
        format = formats[number % len(formats)]
        seed = options.seed * 1_000_000 + number
        mutator = Mutator(seed)
        mine = [case for case in all_cases if case.format == format]
        case = mutator.random.choice(mine)
        others = [data for data in mutator.random.choice(mine).files.values() if data]
        line, code, errors, wrong, folder, target, seconds = attempt(embgap, case, mutator, others)
        counts[format][code if wrong is None else wrong] += 1
        if seconds > slowest[0]:
            slowest = (seconds, f"{format}, seed {seed}: {line}")
        if wrong:
            failures += 1
            kept = pathlib.Path(options.keep) / f"{format}-{seed}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept)
            shown = line.replace(str(folder), str(kept))
            (kept / "command.txt").write_text(f"{shown}\n{wrong}\n{target}\n{errors}")
            print(f"{format}, seed {seed}, {target}: {wrong}: {errors.strip()[:300]}\n  embgap {shown}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        number += 1
    shutil.rmtree(work, ignore_errors=True)
    for format in formats:
        print(f"{format:14}" + "  ".join(f"{code}: {count}" for code, count in sorted(counts[format].items(), key=str)))
    print(f"{number} runs, {failures} failures; the slowest took {slowest[0]:.1f} s ({slowest[1]})")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

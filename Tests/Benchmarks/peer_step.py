"""Times the training step of make_step.py in PyTorch: frozen decoder, trainable two-layer projector, next-token loss.

Usage: python Tests/Benchmarks/peer_step.py DIR [--modes f32-eager,f32-compiled,bf16-eager,bf16-compiled] [--steps 5]

DIR is what make_step.py wrote. Prints one JSON object a mode: seconds of every step, peak anonymous memory. Each mode
runs in a process of its own. bf16 has weights and activations in bf16 and the projector in f32, the faster of the usual
two ways on a CPU (autocast converts every weight in every step). Logits are taken at supervised positions alone, which
is what a careful PyTorch user does.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time


def anonymous_bytes():
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("RssAnon"):
                return int(line.split()[1]) * 1024
    return 0


def run(directory, mode, steps, threads):
    import threading

    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    dtype = torch.bfloat16 if mode.startswith("bf16") else torch.float32
    model = AutoModelForCausalLM.from_pretrained(directory / "llm", dtype=dtype, attn_implementation="sdpa")
    model.requires_grad_(False)
    model.eval()
    width = model.config.hidden_size
    features = torch.from_numpy(np.load(directory / "features.npy"))
    vocabulary = json.loads((directory / "llm" / "tokenizer.json").read_text())["model"]["vocab"]
    captions = []
    with open(directory / "pairs.jsonl") as file:
        for line in file:
            captions.append([vocabulary[word] for word in json.loads(line)["caption"].split()] + [2])
    captions = torch.tensor(captions)
    projector = torch.nn.Sequential(
        torch.nn.Linear(features.shape[-1], width), torch.nn.GELU(), torch.nn.Linear(width, width))
    optimizer = torch.optim.AdamW(projector.parameters(), lr=1e-3, weight_decay=0.0)
    embeddings = model.get_input_embeddings()
    visual, batch = features.shape[1], 8

    def loss_of(images, targets):
        tokens = projector(images).to(dtype)
        first = embeddings(torch.ones(len(images), 1, dtype=torch.long))
        inputs = torch.cat([first, tokens, embeddings(targets[:, :-1])], dim=1)
        states = model.model(inputs_embeds=inputs, use_cache=False).last_hidden_state[:, visual:]
        logits = model.lm_head(states).float()
        return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))

    if mode.endswith("compiled"):
        loss_of = torch.compile(loss_of)
    peak, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], anonymous_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds, losses = [], []
    for step in range(steps + 2):
        chosen = torch.arange(batch * step, batch * (step + 1)) % len(features)
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(features[chosen], captions[chosen])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(projector.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step >= 2:
            seconds.append(time.perf_counter() - started)
    done.set()
    watcher.join()
    print(json.dumps({"mode": mode, "seconds": seconds, "peak_bytes": peak[0], "loss": losses[-1],
                      "torch": torch.__version__, "threads": threads}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--modes", default="f32-eager,f32-compiled,bf16-eager,bf16-compiled")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", help="run this mode in this process")
    options = parser.parse_args()
    if options.one:
        return run(options.directory, options.one, options.steps, options.threads)
    for mode in options.modes.split(","):
        subprocess.run([
            sys.executable, __file__, str(options.directory), "--one", mode, "--steps", str(options.steps), "--threads",
            str(options.threads)], check=False)


if __name__ == "__main__":
    main()

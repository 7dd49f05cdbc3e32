"""Times what bench.py times of the library's parts, in Python: readers, PCA, a vision encoder.

Usage: python Tests/Benchmarks/peer_parts.py THREADS REPEATS read FILE...      numpy, safetensors, torch; as float32
       python Tests/Benchmarks/peer_parts.py THREADS REPEATS pca FILE          scikit-learn, 2 components
       python Tests/Benchmarks/peer_parts.py THREADS REPEATS features DIR      transformers, pixels at hand, f32 and bf16

Prints one JSON object a line. What is not installed is left out.
"""

import json
import pathlib
import sys
import time

import numpy as np


def timed(repeats, work):
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def tell(what, seconds, **more):
    print(json.dumps({"what": what, "seconds": seconds, **more}), flush=True)


def reader(path):
    if path.endswith((".npy", ".npz")):
        def work():
            loaded = np.load(path)
            for array in [loaded] if path.endswith(".npy") else loaded.values():
                np.asarray(array, dtype=np.float32)
    elif path.endswith(".safetensors"):
        import torch
        from safetensors.torch import load_file

        def work():
            for tensor in load_file(path).values():
                tensor.to(torch.float32).numpy()
    else:
        import torch

        def work():
            for tensor in torch.load(path, weights_only=True).values():
                tensor.to(torch.float32).numpy()
    return work


def pca(path):
    from sklearn.decomposition import PCA

    def work():
        pairs = np.load(path).astype(np.float32)
        both = np.concatenate(list(pairs))
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        PCA(2).fit_transform(both)
    return work


def features(directory, threads, repeats):
    import torch
    from transformers import CLIPVisionModel

    torch.set_num_threads(threads)
    pixels = torch.randn(64, 3, 224, 224)
    for name, dtype in [("f32", torch.float32), ("bf16", torch.bfloat16)]:
        model = CLIPVisionModel.from_pretrained(pathlib.Path(directory) / "vision", dtype=dtype).eval()

        def work():
            with torch.inference_mode():
                for start in range(0, len(pixels), 32):
                    model(pixels[start:start + 32].to(dtype))
        work()
        tell(name, timed(repeats, work), images=len(pixels))


def main():
    threads, repeats, part, *paths = sys.argv[1:]
    for path in paths:
        try:
            if part == "features":
                features(path, int(threads), int(repeats))
            else:
                tell(path, timed(int(repeats), (reader if part == "read" else pca)(path)))
        except ImportError as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main()

"""Writes made image-text pairs for benchmarks as one stacked (2, n, d) array.

Two unit clouds apart: each row is a shared low-dimensional meaning plus its
own noise plus its modality's offset, so that the gap is clear and retrieval
is neither 0 nor 1. Rows are made and written block by block, so a million
rows need little memory. The same n, d and seed give the same rows.

Usage:

    python Tests/Benchmarks/make_pairs.py --n 1000000 --d 768 --dtype f16 --out FILE.npy

Written with numpy 2.4.6.
"""

import argparse

import numpy as np

BLOCK_ROWS = 8192
LATENT = 48
SHIFT = 0.9
OWN_NOISE = 1.8
DTYPES = {"f16": np.float16, "f32": np.float32}


def blocks(n, d, seed):
    """Yields (first row, image rows, text rows), Float32 of unit length."""
    rng = np.random.default_rng([seed, 0])
    latent = min(LATENT, d)
    mixing = rng.normal(size=(latent, d)).astype(np.float32) / np.sqrt(d)
    # Real embeddings have a decaying spectrum.
    mixing *= np.linspace(1.6, 0.5, latent, dtype=np.float32)[:, None]
    offset = rng.normal(size=d).astype(np.float32)
    offset *= SHIFT * np.sqrt(latent) / 2 / np.linalg.norm(offset)
    noise_scale = np.float32(OWN_NOISE * np.sqrt(latent / d))
    for block, first in enumerate(range(0, n, BLOCK_ROWS)):
        rows = min(BLOCK_ROWS, n - first)
        rng = np.random.default_rng([seed, 1, block])
        shared = rng.standard_normal((rows, latent), dtype=np.float32) @ mixing
        sides = []
        for sign in (1, -1):
            side = rng.standard_normal((rows, d), dtype=np.float32)
            side *= noise_scale
            side += shared
            side += sign * offset
            side /= np.linalg.norm(side, axis=1, keepdims=True)
            sides.append(side)
        yield first, sides[0], sides[1]


def made_pairs(n, d, seed):
    """The whole array in memory, Float32, shape (2, n, d)."""
    pairs = np.empty((2, n, d), dtype=np.float32)
    for first, image, text in blocks(n, d, seed):
        pairs[0, first : first + len(image)] = image
        pairs[1, first : first + len(text)] = text
    return pairs


def write_pairs(path, n, d, dtype, seed):
    """Plain file writes: a memory map's dirty pages would count as ours."""
    dtype = np.dtype(dtype)
    header = {"descr": dtype.str, "fortran_order": False, "shape": (2, n, d)}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for first, image, text in blocks(n, d, seed):
            for side, rows in enumerate((image, text)):
                file.seek(start + (side * n + first) * d * dtype.itemsize)
                file.write(rows.astype(dtype).tobytes())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--d", type=int, default=768)
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="f32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, metavar="FILE.npy")
    options = parser.parse_args()
    write_pairs(
        options.out, options.n, options.d, DTYPES[options.dtype], options.seed
    )


if __name__ == "__main__":
    main()

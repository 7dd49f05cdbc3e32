"""Writes the four reference clouds that the pages of the metrics are measured on.

Usage, from the repository root:

    python Fixtures/generators/clouds.py

It writes Fixtures/clouds/{open,closed,unrelated,collapsed}.npy, each F16 of shape (2, 400, 32), image rows first.
Written with Python 3.11, numpy 2.4.6.

    closed     image and text of a pair share their content; no gap
    open       the same rows, moved apart by +g e and -g e: a gap of CLIP's size
    unrelated  no gap and no shared content: what chance gives
    collapsed  all rows near one direction
"""

from pathlib import Path

import numpy as np

FOLDER = Path("Fixtures/clouds")
PAIRS, WIDTH = 400, 32
NOISE, GAP, SPREAD = 0.8, 0.45, 0.015


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def clouds():
    rng = np.random.default_rng(11)
    content = rng.normal(size=(PAIRS, WIDTH))
    closed = unit(content + NOISE * rng.normal(size=(2, PAIRS, WIDTH)))
    gap = GAP * unit(rng.normal(size=WIDTH))
    direction = unit(rng.normal(size=WIDTH))
    return {
        "closed": closed,
        "open": unit(closed + np.stack([gap, -gap])[:, None]),
        "unrelated": unit(rng.normal(size=(2, PAIRS, WIDTH))),
        "collapsed": unit(direction + SPREAD * rng.normal(size=(2, PAIRS, WIDTH))),
    }


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, rows in clouds().items():
        np.save(FOLDER / f"{name}.npy", rows.astype(np.float16))


if __name__ == "__main__":
    main()

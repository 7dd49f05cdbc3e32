"""Writes the embedded demo pairs, whose modality gap is known in closed form.

Usage, from the repository root:

    python Fixtures/generators/demo_pairs.py

It writes Fixtures/demo/pairs.safetensors (F32 `image` and `text`, 400 x 32)
and Fixtures/demo/expected.json. Written with Python 3.11, numpy 2.4.6.

Construction, with e a fixed unit vector, g = 0.4, s = sqrt(1 - g^2):

    image_i = +g e + s u_i        text_i = -g e + s w_i
    w_i = a_i u_i + sqrt(1 - a_i^2) t_i,   t_i orthogonal to u_i and to e

u_i are unit vectors orthogonal to e, in eight clusters. Row i + 200 has -u_i
and -t_i where row i has u_i and t_i, so that u and w have mean 0 exactly. The
agreements a_i are spread evenly around their exact mean, r = 0.65. All rows
have norm 1. i and i + 200 are in the same of five folds (pair i in fold
i mod 5), so the centroids of every fold are those of the whole.

Closed forms, with n = 400 and c = s^2 r - g^2 = 0.386:

    paired_cosine.mean                    c
    cosine_gap                            1 - c
    unpaired_cosine.mean                  o = -(n g^2 + c) / (n - 1)
    matching_margin                       c - o
    centroid_distance, and _raw           2 g = 0.8
    centroid_distance_squared_unbiased    4 g^2 - (2 - 2 c - 4 g^2) / (n - 1)
    centroid_cosine                       -1
    standardized_centroid_distance        2 g / sqrt(s^2 n / (n - 1))
    image_cone, text_cone                 k = (n g^2 - 1) / (n - 1) = 3/19
    relative_modality_gap                 (1 - c) / (2 - c - k)
    alignment                             2 - 2 c
    gap_decomposition.centroid            4 g^2
    gap_decomposition.residual            2 - 2 c - 4 g^2
    gap_decomposition.centroid_fraction   4 g^2 / (2 - 2 c)
    norm.image, norm.text, norm.ratio     1
    centroid_separability                 1

Everything else (retrieval, spectra, neighbours, other distances) depends on
the drawn u, a and t, and has no closed form.
"""

import json
from pathlib import Path

import numpy as np

FOLDER = Path("Fixtures/demo")
SEED = 7
PAIRS = 400
WIDTH = 32
GAP = 0.4
AGREEMENT = 0.65
AGREEMENT_SPREAD = 0.15
CLUSTER_SHARES = [0.34, 0.28, 0.22, 0.16]
CLUSTER_PULL = 0.75


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def mirrored(rows):
    return np.concatenate([rows, -rows])


def clustered_directions(rng, count, width):
    """Unit rows around four orthogonal centres; their mirror images make eight."""
    centres = np.linalg.qr(rng.normal(size=(width, len(CLUSTER_SHARES))))[0].T
    sizes = np.round(np.array(CLUSTER_SHARES) * count).astype(int)
    owner = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    noise = unit(rng.normal(size=(count, width)))
    return unit(CLUSTER_PULL * centres[owner] + noise * np.sqrt(1 - CLUSTER_PULL**2))


def rotation_from_first_axis(target):
    """The reflection that takes e_0 to `target`, so the gap is in many axes."""
    normal = unit(np.eye(len(target))[0] - target)
    return np.eye(len(target)) - 2 * np.outer(normal, normal)


def demo_pairs():
    rng = np.random.default_rng(SEED)
    half = PAIRS // 2
    u = clustered_directions(rng, half, WIDTH - 1)
    # Even steps around the mean; a row and its mirror image share a step.
    steps = (np.arange(half) - (half - 1) / 2) / ((half - 1) / 2)
    agreement = AGREEMENT + AGREEMENT_SPREAD * rng.permutation(steps)[:, None]
    t = rng.normal(size=u.shape)
    t = unit(t - (t * u).sum(axis=1, keepdims=True) * u)
    w = agreement * u + np.sqrt(1 - agreement**2) * t

    spread = np.sqrt(1 - GAP**2)
    side = np.full((PAIRS, 1), GAP)
    image = np.hstack([side, spread * mirrored(u)])
    text = np.hstack([-side, spread * mirrored(w)])

    # Real gaps sit in a few dimensions, with a tail.
    direction = unit(0.8 ** np.arange(WIDTH) * rng.choice([-1, 1], size=WIDTH))
    turn = rotation_from_first_axis(rng.permutation(direction))
    return (image @ turn).astype(np.float32), (text @ turn).astype(np.float32)


def expected():
    n, g2 = PAIRS, GAP**2
    s2 = 1 - g2
    paired = s2 * AGREEMENT - g2
    unpaired = -(n * g2 + paired) / (n - 1)
    cone = (n * g2 - 1) / (n - 1)
    residual = 2 - 2 * paired - 4 * g2
    return {
        "paired_cosine": {"mean": paired},
        "unpaired_cosine": {"mean": unpaired},
        "cosine_gap": 1 - paired,
        "matching_margin": paired - unpaired,
        "centroid_distance": 2 * GAP,
        "centroid_distance_squared_unbiased": 4 * g2 - residual / (n - 1),
        "centroid_distance_raw": 2 * GAP,
        "centroid_cosine": -1.0,
        "standardized_centroid_distance": 2 * GAP / np.sqrt(s2 * n / (n - 1)),
        "image_cone": cone,
        "text_cone": cone,
        "relative_modality_gap": (1 - paired) / (2 - paired - cone),
        "alignment": 2 - 2 * paired,
        "gap_decomposition": {
            "centroid": 4 * g2,
            "residual": residual,
            "centroid_fraction": 4 * g2 / (2 - 2 * paired),
        },
        "norm": {"image": 1.0, "text": 1.0, "ratio": 1.0},
        "centroid_separability": 1.0,
    }


def write_safetensors(path, tensors):
    """Length of the header in 8 bytes, a JSON header, then the raw tensors."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + tensor.nbytes],
        }
        offset += tensor.nbytes
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for tensor in tensors.values():
            file.write(tensor.astype("<f4").tobytes())


def rounded(value):
    """17 significant digits would show the formulas' own rounding; 15 do not."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(format(value, ".15g"))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    image, text = demo_pairs()
    write_safetensors(FOLDER / "pairs.safetensors", {"image": image, "text": text})
    result = {
        "file": "pairs.safetensors",
        "pairs": PAIRS,
        "dimension": WIDTH,
        "tolerance": 1e-6,
        "tolerance_reason": "relative; the closed forms hold for real numbers and "
        "the rows are stored as Float32 (each entry within 6e-8 of its value)",
        "metrics": rounded(expected()),
    }
    (FOLDER / "expected.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

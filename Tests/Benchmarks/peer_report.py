"""The peer of `embgap measure`: the same report with numpy, scikit-learn, faiss.

Written as a researcher would write it today, and reasonably well: vectorised,
Float32 products, off-diagonal means from sums, sampled O(n^2) statistics
above 5,000 pairs as the toolkit samples them, faiss IndexFlatIP for
neighbours and retrieval. It prints seconds per part and in total; imports
and loading are timed apart and are not in the total.

Retrieval: a faiss search gives the top 10 only, hence recall without
median_rank and mrr (`--retrieval faiss`, the default). `--retrieval numpy`
gives exact ranks by blocks of Float32 products. Both do both directions.

Usage:

    python Tests/Benchmarks/peer_report.py --n 50000 --d 768 --seed 0
    python Tests/Benchmarks/peer_report.py --input PAIRS.npy --retrieval numpy --json

Checked with Python 3.11, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1,
faiss-cpu 1.15.1.
"""

import argparse
import json
import os
import sys
import time

IMPORT_START = time.perf_counter()
import faiss
import numpy as np
import scipy
import sklearn
from scipy import linalg
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from make_pairs import made_pairs

IMPORT_SECONDS = time.perf_counter() - IMPORT_START

SAMPLE = 5000
NEIGHBOURS = 10
FOLDS = 5
BLOCK_ROWS = 1024


class Clock:
    """Seconds per named part."""

    def __init__(self):
        self.seconds = {}

    def run(self, name, work, *arguments):
        start = time.perf_counter()
        result = work(*arguments)
        self.seconds[name] = time.perf_counter() - start
        return result


def unit_rows(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def mean_row(rows):
    return rows.mean(axis=0, dtype=np.float64)


# Core -----------------------------------------------------------------------


def core(raw_x, raw_y, x, y):
    n = len(x)
    cosines = np.einsum("ij,ij->i", x, y).astype(np.float64)
    squared = 2 - 2 * cosines
    a, b = mean_row(x), mean_row(y)
    distance2 = ((a - b) ** 2).sum()
    off_mean = (n * n * (a @ b) - cosines.sum()) / (n * (n - 1))
    off_squares = np.sum((x.T @ x) * (y.T @ y), dtype=np.float64)
    off_squares -= (cosines**2).sum()
    off_count = n * (n - 1)
    off_variance = (off_squares - off_count * off_mean**2) / (off_count - 1)
    image_cone = (n * (a @ a) - 1) / (n - 1)
    text_cone = (n * (b @ b) - 1) / (n - 1)
    residual = squared.mean() - distance2
    spread = n / (n - 1) * ((1 - a @ a) + (1 - b @ b)) / 2
    mean = cosines.mean()
    within = ((1 - image_cone) / 2 + (1 - text_cone) / 2) / 2
    norms_x, norms_y = np.linalg.norm(raw_x, axis=1), np.linalg.norm(raw_y, axis=1)
    names = ["min", "p05", "p25", "median", "p75", "p95", "max"]
    percentiles = np.percentile(cosines, [0, 5, 25, 50, 75, 95, 100])
    return {
        "paired_cosine": {
            "mean": mean,
            "std": cosines.std(ddof=1),
            **dict(zip(names, percentiles)),
        },
        "unpaired_cosine": {"mean": off_mean, "std": np.sqrt(off_variance)},
        "cosine_gap": 1 - mean,
        "matching_margin": mean - off_mean,
        "centroid_distance": np.sqrt(distance2),
        "centroid_distance_squared_unbiased": distance2 - residual / (n - 1),
        "centroid_distance_raw": np.linalg.norm(mean_row(raw_x) - mean_row(raw_y)),
        "centroid_cosine": a @ b / (np.linalg.norm(a) * np.linalg.norm(b)),
        "standardized_centroid_distance": np.sqrt(distance2 / spread),
        "mean_pair_distance": np.sqrt(np.maximum(squared, 0)).mean(),
        "relative_modality_gap": (1 - mean) / 2 / ((1 - mean) / 2 + within),
        "image_cone": image_cone,
        "text_cone": text_cone,
        "alignment": squared.mean(),
        "gap_decomposition": {
            "centroid": distance2,
            "residual": residual,
            "centroid_fraction": distance2 / squared.mean(),
        },
        "norm": {
            "image": norms_x.mean(),
            "text": norms_y.mean(),
            "image_std": norms_x.std(ddof=1),
            "text_std": norms_y.std(ddof=1),
            "ratio": norms_x.mean() / norms_y.mean(),
        },
    }


# Distributions --------------------------------------------------------------


def frechet(x, y):
    """As the usual FID code: eigenvalues of the product of the covariances."""
    sigma_x = np.cov(x, rowvar=False, dtype=np.float64)
    sigma_y = np.cov(y, rowvar=False, dtype=np.float64)
    roots = np.sqrt(linalg.eigvals(sigma_x @ sigma_y).astype(complex)).real.sum()
    centroid = ((mean_row(x) - mean_row(y)) ** 2).sum()
    trace = np.trace(sigma_x) + np.trace(sigma_y) - 2 * roots
    return {"frechet_distance": centroid + trace}


def pairwise(x, y):
    """Energy distance, MMD and the uniformities from three distance matrices."""
    n = len(x)
    xx = np.maximum(2 - 2 * (x @ x.T), 0)
    yy = np.maximum(2 - 2 * (y @ y.T), 0)
    xy = np.maximum(2 - 2 * (x @ y.T), 0)
    upper = np.triu_indices(n, k=1)
    within_x, within_y, across = xx[upper], yy[upper], xy.ravel()

    def mean_distance(squared):
        return np.sqrt(squared).mean(dtype=np.float64)

    scale = (n - 1) / n
    energy = 2 * mean_distance(across)
    energy -= scale * (mean_distance(within_x) + mean_distance(within_y))

    bandwidth2 = np.median(np.concatenate([within_x, within_y, across]))

    def kernel(squared):
        return np.exp(squared / (-2 * bandwidth2)).mean(dtype=np.float64)

    def potential_sum(squared):
        return np.exp(-2 * squared).sum(dtype=np.float64)

    off_count = n * (n - 1)
    cross = potential_sum(across) - potential_sum(np.diag(xy))
    return {
        "energy_distance": energy,
        "mmd2_rbf": kernel(within_x) + kernel(within_y) - 2 * kernel(across),
        "mmd2_bandwidth": np.sqrt(bandwidth2),
        "uniformity_image": np.log(2 * potential_sum(within_x) / off_count),
        "uniformity_text": np.log(2 * potential_sum(within_y) / off_count),
        "cross_uniformity": np.log(cross / off_count),
    }


def linear_separability(x, y):
    rows = np.vstack([x, y])
    labels = np.repeat([1, 0], len(x))
    fold = np.tile(np.arange(len(x)) % FOLDS, 2)
    decision = np.empty(len(rows))
    for held_out in range(FOLDS):
        train = fold != held_out
        model = LogisticRegression(C=1.0, max_iter=1000)
        model.fit(rows[train], labels[train])
        decision[~train] = model.decision_function(rows[~train])
    accuracy = ((decision > 0) == labels).mean()
    auc = roc_auc_score(labels, decision)
    return {"linear_separability": {"accuracy": accuracy, "auc": auc}}


def centroid_separability(x, y):
    fold = np.arange(len(x)) % FOLDS
    right = 0
    for held_out in range(FOLDS):
        train = fold != held_out
        a, b = mean_row(x[train]), mean_row(y[train])
        normal = (a - b).astype(np.float32)
        middle = (a @ a - b @ b) / 2
        right += np.count_nonzero(x[~train] @ normal > middle)
        right += np.count_nonzero(y[~train] @ normal < middle)
    return {"centroid_separability": right / (2 * len(x))}


# Neighbourhoods and retrieval -----------------------------------------------


def flat_index(rows):
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return index


def without_self(neighbours, rows):
    kept = [near[near != row][:NEIGHBOURS] for near, row in zip(neighbours, rows)]
    return np.array(kept)


def mutual_knn(x, y, index_x, index_y, rng):
    queries = rng.choice(len(x), size=min(SAMPLE, len(x)), replace=False)
    near_x = index_x.search(x[queries], NEIGHBOURS + 1)[1]
    near_y = index_y.search(y[queries], NEIGHBOURS + 1)[1]
    pairs = zip(without_self(near_x, queries), without_self(near_y, queries))
    shared = [len(np.intersect1d(a, b)) for a, b in pairs]
    return {"mutual_knn": np.mean(shared) / NEIGHBOURS}


def modality_mixing(x, y, rng):
    n = len(x)
    pooled = np.vstack([x, y])
    queries = rng.choice(2 * n, size=min(SAMPLE, 2 * n), replace=False)
    near = flat_index(pooled).search(pooled[queries], NEIGHBOURS + 1)[1]
    near = without_self(near, queries)
    return {"modality_mixing": ((near >= n) != (queries >= n)[:, None]).mean()}


def faiss_recall(queries, index):
    near = index.search(queries, NEIGHBOURS)[1]
    hits = near == np.arange(len(queries))[:, None]
    return {f"r{k}": hits[:, :k].any(axis=1).mean() for k in (1, 5, 10)}


def numpy_recall(queries, items):
    ranks = np.empty(len(queries), dtype=np.int64)
    for first in range(0, len(queries), BLOCK_ROWS):
        block = queries[first : first + BLOCK_ROWS] @ items.T
        rows = np.arange(len(block))
        true = block[rows, first + rows]
        ranks[first + rows] = np.count_nonzero(block >= true[:, None], axis=1)
    recall = {f"r{k}": (ranks <= k).mean() for k in (1, 5, 10)}
    return {**recall, "median_rank": np.median(ranks), "mrr": (1 / ranks).mean()}


def linear_cka(x, y):
    a = x - mean_row(x).astype(np.float32)
    b = y - mean_row(y).astype(np.float32)
    cross = np.linalg.norm(a.T @ b) ** 2
    return {"linear_cka": cross / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))}


# Spectrum and PCA -----------------------------------------------------------


def spectra(x, y):
    """scikit-learn picks the covariance's eigenvalues where n >> d."""
    both = np.vstack([x, y])
    joint = PCA().fit(both)
    projections = joint.transform(both)[:, :2]
    ranks, ratios = {}, {}
    fits = {"image": PCA().fit(x), "text": PCA().fit(y), "joint": joint}
    for name, fit in fits.items():
        sigma = fit.singular_values_[fit.singular_values_ > 0].astype(np.float64)
        share = sigma / sigma.sum()
        ranks[name] = np.exp(-(share * np.log(share)).sum())
        ratios[name] = (sigma**2).sum() ** 2 / (sigma**4).sum()
    return {
        "effective_rank": ranks,
        "participation_ratio": ratios,
        "pca": {
            "explained_variance_ratio": joint.explained_variance_ratio_[:50],
            "first_projection": projections[0],
        },
    }


# The report -----------------------------------------------------------------


def report(raw_x, raw_y, retrieval, seed):
    rng = np.random.default_rng(seed)
    clock, metrics = Clock(), {}
    x = clock.run("normalise", lambda: [unit_rows(raw_x), unit_rows(raw_y)])
    x, y = x
    metrics |= clock.run("core", core, raw_x, raw_y, x, y)
    metrics |= clock.run("frechet", frechet, x, y)

    chosen = np.sort(rng.choice(len(x), size=min(SAMPLE, len(x)), replace=False))
    few_x, few_y = x[chosen], y[chosen]
    metrics |= clock.run("energy, mmd, uniformity (sample)", pairwise, few_x, few_y)
    metrics |= clock.run(
        "linear separability (sample)", linear_separability, few_x, few_y
    )
    metrics |= clock.run("centroid separability", centroid_separability, x, y)

    index_x, index_y = clock.run(
        "faiss indexes", lambda: [flat_index(x), flat_index(y)]
    )
    metrics |= clock.run(
        "mutual knn (sampled queries)", mutual_knn, x, y, index_x, index_y, rng
    )
    metrics |= clock.run(
        "modality mixing (sampled queries)", modality_mixing, x, y, rng
    )
    if retrieval == "faiss":
        forward = clock.run("retrieval image to text", faiss_recall, x, index_y)
        backward = clock.run("retrieval text to image", faiss_recall, y, index_x)
    else:
        forward = clock.run("retrieval image to text", numpy_recall, x, y)
        backward = clock.run("retrieval text to image", numpy_recall, y, x)
    metrics["retrieval"] = {"image_to_text": forward, "text_to_image": backward}
    metrics |= clock.run("linear cka", linear_cka, x, y)
    metrics |= clock.run("spectra and pca", spectra, x, y)
    return metrics, clock.seconds


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=50000)
    parser.add_argument("--d", type=int, default=768)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input", metavar="FILE.npy", help="stacked (2, n, d)")
    parser.add_argument("--retrieval", choices=["faiss", "numpy"], default="faiss")
    parser.add_argument("--json", action="store_true", help="JSON on stdout, no table")
    options = parser.parse_args()

    start = time.perf_counter()
    if options.input:
        image, text = np.load(options.input).astype(np.float32)
    else:
        image, text = made_pairs(options.n, options.d, options.seed)
    load_seconds = time.perf_counter() - start
    if len(image) <= NEIGHBOURS:
        sys.exit(f"needs more than {NEIGHBOURS} pairs, found {len(image)}")

    metrics, seconds = report(image, text, options.retrieval, options.seed)
    total = sum(seconds.values())
    if options.json:
        result = {
            "pairs": len(image),
            "dimension": image.shape[1],
            "retrieval": options.retrieval,
            "cpus": os.cpu_count(),
            "versions": {
                "python": sys.version.split()[0],
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "scikit-learn": sklearn.__version__,
                "faiss": faiss.__version__,
            },
            "seconds": seconds,
            "seconds_total": total,
            "seconds_imports": IMPORT_SECONDS,
            "seconds_load": load_seconds,
            "metrics": plain(metrics),
        }
        print(json.dumps(result, indent=1))
        return
    print(f"{len(image):,} pairs x {image.shape[1]}, {options.retrieval} retrieval")
    for name, spent in {**seconds, "total": total}.items():
        print(f"{name:36}{spent:10.3f} s")
    print(f"{'(imports)':36}{IMPORT_SECONDS:10.3f} s")
    print(f"{'(load or make)':36}{load_seconds:10.3f} s")


if __name__ == "__main__":
    main()

"""Slow, obvious Float64 oracle for every metric that needs vectors only.

Each function below is one row of the metric definitions, written the way the
formula reads: full N x N matrices, explicit differences, no shortcut that
the fast code under test could share. `sliced_wasserstein` is left out (its
directions are random).

Usage, from the repository root:

    python Fixtures/generators/metrics_oracle.py
        writes the data sets and their goldens into Fixtures/metrics/
    python Fixtures/generators/metrics_oracle.py --check
        recomputes the goldens from the stored arrays and compares
    python Fixtures/generators/metrics_oracle.py --measure PAIRS.npy [--ids IDS.txt]
        prints the metrics of a stacked (2, n, d) array
    python Fixtures/generators/metrics_oracle.py --compare PAIRS.npy GOLDEN.json
        prints the worst relative error of each metric against another golden

A golden holds `files`, `metrics` (the keys of report.json), `pca` (the common
mean and the first three signed components) and, for two data sets,
`jackknife`. A comparison needs an absolute tolerance for what is zero in
exact arithmetic (trailing PCA ratios of `lowrank`, of the order 1e-33).

Goldens were written with Python 3.11, numpy 2.4.6, scipy 1.17.1.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from scipy.spatial.distance import pdist

FOLDER = Path("Fixtures/metrics")
SEED = 20240917
NEIGHBOURS = 10
FOLDS = 5
NORMAL_975 = 1.959963984540054


# Building blocks ------------------------------------------------------------


def unit_rows(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))


def scores(queries, items):
    """Dot products, each summed in the same order wherever its rows stand.

    A BLAS product may round the same pair of rows differently at different
    places of the matrix. Here bit-equal rows get bit-equal scores.
    """
    return np.stack([(items * query).sum(axis=1) for query in queries])


def distances(left, right):
    return np.stack([np.sqrt(((right - row) ** 2).sum(axis=1)) for row in left])


def off_diagonal(square):
    return square[~np.eye(len(square), dtype=bool)]


def upper(square):
    return square[np.triu_indices(len(square), k=1)]


def centred(rows):
    return rows - rows.mean(axis=0)


def covariance_trace(rows, ddof):
    return rows.var(axis=0, ddof=ddof).sum()


def first_row_of_each_id(ids):
    return [ids.index(name) for name in dict.fromkeys(ids)]


# Core -----------------------------------------------------------------------


def paired_cosine(x, y):
    cosines = (x * y).sum(axis=1)
    p05, p25, median, p75, p95 = np.percentile(cosines, [5, 25, 50, 75, 95])
    return {
        "mean": cosines.mean(),
        "std": cosines.std(ddof=1),
        "min": cosines.min(),
        "p05": p05,
        "p25": p25,
        "median": median,
        "p75": p75,
        "p95": p95,
        "max": cosines.max(),
    }


def unpaired_cosine(x, y):
    cosines = off_diagonal(scores(x, y))
    return {"mean": cosines.mean(), "std": cosines.std(ddof=1)}


def cone(rows):
    return off_diagonal(scores(rows, rows)).mean()


def centroid_distance(x, y):
    return np.linalg.norm(x.mean(axis=0) - y.mean(axis=0))


def centroid_distance_squared_unbiased(x, y):
    return centroid_distance(x, y) ** 2 - covariance_trace(x - y, ddof=1) / len(x)


def centroid_cosine(x, y):
    a, b = x.mean(axis=0), y.mean(axis=0)
    return (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))


def standardized_centroid_distance(x, y):
    spread = (covariance_trace(x, ddof=1) + covariance_trace(y, ddof=1)) / 2
    return centroid_distance(x, y) / np.sqrt(spread)


def relative_modality_gap(mean_cosine, image_cone, text_cone):
    def dissimilarity(cosine):
        return 1 - (cosine + 1) / 2

    between = dissimilarity(mean_cosine)
    within = (dissimilarity(image_cone) + dissimilarity(text_cone)) / 2
    return between / (between + within)


def log_mean_potential(distance):
    return np.log(np.exp(-2 * distance**2).mean())


def gap_decomposition(x, y):
    centroid = centroid_distance(x, y) ** 2
    residual = covariance_trace(x - y, ddof=0)
    return {
        "centroid": centroid,
        "residual": residual,
        "centroid_fraction": centroid / (centroid + residual),
    }


def norm(raw_x, raw_y):
    a = np.sqrt((raw_x**2).sum(axis=1))
    b = np.sqrt((raw_y**2).sum(axis=1))
    return {
        "image": a.mean(),
        "text": b.mean(),
        "image_std": a.std(ddof=1),
        "text_std": b.std(ddof=1),
        "ratio": a.mean() / b.mean(),
    }


# Distributions --------------------------------------------------------------


def frechet_distance(x, y):
    nuclear = np.linalg.svd(centred(x) @ centred(y).T, compute_uv=False).sum()
    return (
        centroid_distance(x, y) ** 2
        + covariance_trace(x, ddof=1)
        + covariance_trace(y, ddof=1)
        - 2 * nuclear / (len(x) - 1)
    )


def energy_distance(x, y):
    return (
        2 * distances(x, y).mean() - distances(x, x).mean() - distances(y, y).mean()
    )


def mmd2_rbf(x, y):
    """Returns (MMD squared, bandwidth)."""
    xx, yy, xy = pdist(x), pdist(y), distances(x, y).ravel()
    bandwidth = np.median(np.concatenate([xx, yy, xy]))

    def kernel_mean(distance):
        return np.exp(-(distance**2) / (2 * bandwidth**2)).mean()

    return kernel_mean(xx) + kernel_mean(yy) - 2 * kernel_mean(xy), bandwidth


def logistic_regression(rows, labels):
    """Minimises |w|^2 / 2 + sum of log losses (C = 1) by damped Newton steps."""
    design = np.hstack([rows, np.ones((len(rows), 1))])
    penalty = np.append(np.ones(rows.shape[1]), 0.0)
    signs = 2.0 * labels - 1.0

    def objective(theta):
        losses = np.logaddexp(0, -signs * (design @ theta))
        return losses.sum() + (penalty * theta**2).sum() / 2

    theta = np.zeros(design.shape[1])
    for _ in range(200):
        chance = 1 / (1 + np.exp(-(design @ theta)))
        gradient = design.T @ (chance - labels) + penalty * theta
        if np.abs(gradient).max() < 1e-10:
            return theta[:-1], theta[-1]
        weights = chance * (1 - chance)
        hessian = (design.T * weights) @ design + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-6 and objective(theta - length * step) > objective(theta):
            length /= 2
        theta = theta - length * step
    raise RuntimeError("logistic regression did not converge")


def linear_separability_scores(x, y):
    """Held-out decision values of the image rows and of the text rows."""
    fold = np.arange(len(x)) % FOLDS
    image_scores, text_scores = np.empty(len(x)), np.empty(len(x))
    for held_out in range(FOLDS):
        test, train = fold == held_out, fold != held_out
        rows = np.vstack([x[train], y[train]])
        labels = np.repeat([1.0, 0.0], train.sum())
        weights, intercept = logistic_regression(rows, labels)
        image_scores[test] = (x[test] * weights).sum(axis=1) + intercept
        text_scores[test] = (y[test] * weights).sum(axis=1) + intercept
    return image_scores, text_scores


def linear_separability(x, y):
    images, texts = linear_separability_scores(x, y)
    right = np.concatenate([images > 0, texts < 0])
    wins = images[:, None] > texts[None, :]
    draws = images[:, None] == texts[None, :]
    return {"accuracy": right.mean(), "auc": (wins + 0.5 * draws).mean()}


def centroid_separability(x, y):
    fold = np.arange(len(x)) % FOLDS
    right = []
    for held_out in range(FOLDS):
        test, train = fold == held_out, fold != held_out
        a, b = x[train].mean(axis=0), y[train].mean(axis=0)
        for row in x[test]:
            right.append(np.linalg.norm(row - a) < np.linalg.norm(row - b))
        for row in y[test]:
            right.append(np.linalg.norm(row - b) < np.linalg.norm(row - a))
    return np.mean(right)


# Neighbourhoods and retrieval -----------------------------------------------


def nearest(rows, k):
    """The k nearest other rows of every row by cosine, the lower index first."""
    similarity = scores(rows, rows)
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]


def modality_mixing(x, y):
    pairs = len(x)
    neighbours = nearest(np.vstack([x, y]), min(NEIGHBOURS, pairs - 1))
    is_text = np.arange(2 * pairs) >= pairs
    return (is_text[neighbours] != is_text[:, None]).mean()


def mutual_knn(x, y):
    k = min(NEIGHBOURS, len(x) - 1)
    both = zip(nearest(x, k), nearest(y, k))
    return np.mean([len(set(a) & set(b)) / k for a, b in both])


def ranks(queries, query_ids, items, item_ids):
    """1 + the number of items of other ids scoring at least the best true one."""
    found = []
    item_ids = np.asarray(item_ids)
    for name, row in zip(query_ids, scores(queries, items)):
        true = item_ids == name
        found.append(1 + np.count_nonzero(row[~true] >= row[true].max()))
    return np.array(found)


def recall(found):
    return {
        "r1": (found <= 1).mean(),
        "r5": (found <= 5).mean(),
        "r10": (found <= 10).mean(),
        "median_rank": np.median(found),
        "mrr": (1 / found).mean(),
    }


def retrieval(x, y, ids):
    one = first_row_of_each_id(ids)
    images, image_ids = x[one], [ids[i] for i in one]
    return {
        "image_to_text": recall(ranks(images, image_ids, y, ids)),
        "text_to_image": recall(ranks(y, ids, images, image_ids)),
    }


def linear_cka(x, y):
    a, b = centred(x), centred(y)
    cross = np.linalg.norm(a.T @ b) ** 2
    return cross / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))


# Spectrum and PCA -----------------------------------------------------------


def singular_values(rows):
    return np.linalg.svd(centred(rows), compute_uv=False)


def effective_rank(rows):
    share = singular_values(rows)
    share = share[share > 0] / share.sum()
    return np.exp(-(share * np.log(share)).sum())


def participation_ratio(rows):
    variance = singular_values(rows) ** 2
    return variance.sum() ** 2 / (variance**2).sum()


def pca(x, y):
    """Returns (explained variance ratios, signed components, mean)."""
    both = np.vstack([x, y])
    _, sigma, components = np.linalg.svd(centred(both), full_matrices=False)
    for component in components:
        if component[np.abs(component).argmax()] < 0:
            component *= -1
    return sigma**2 / (sigma**2).sum(), components, both.mean(axis=0)


# The report -----------------------------------------------------------------


def metrics(raw_x, raw_y, ids=None):
    """Every metric of one set of pairs, under the keys of report.json."""
    raw_x = np.asarray(raw_x, dtype=np.float64)
    raw_y = np.asarray(raw_y, dtype=np.float64)
    x, y = unit_rows(raw_x), unit_rows(raw_y)
    ids = ids or [str(i) for i in range(len(x))]
    both = np.vstack([x, y])

    paired = paired_cosine(x, y)
    unpaired = unpaired_cosine(x, y)
    image_cone = cone(x[first_row_of_each_id(ids)])
    text_cone = cone(y)
    mmd2, bandwidth = mmd2_rbf(x, y)
    return {
        "paired_cosine": paired,
        "unpaired_cosine": unpaired,
        "cosine_gap": 1 - paired["mean"],
        "matching_margin": paired["mean"] - unpaired["mean"],
        "centroid_distance": centroid_distance(x, y),
        "centroid_distance_squared_unbiased": centroid_distance_squared_unbiased(x, y),
        "centroid_distance_raw": centroid_distance(raw_x, raw_y),
        "centroid_cosine": centroid_cosine(x, y),
        "standardized_centroid_distance": standardized_centroid_distance(x, y),
        "mean_pair_distance": np.sqrt(((x - y) ** 2).sum(axis=1)).mean(),
        "relative_modality_gap": relative_modality_gap(
            paired["mean"], image_cone, text_cone
        ),
        "image_cone": image_cone,
        "text_cone": text_cone,
        "alignment": ((x - y) ** 2).sum(axis=1).mean(),
        "uniformity_image": log_mean_potential(pdist(x)),
        "uniformity_text": log_mean_potential(pdist(y)),
        "cross_uniformity": log_mean_potential(off_diagonal(distances(x, y))),
        "gap_decomposition": gap_decomposition(x, y),
        "norm": norm(raw_x, raw_y),
        "frechet_distance": frechet_distance(x, y),
        "energy_distance": energy_distance(x, y),
        "mmd2_rbf": mmd2,
        "mmd2_bandwidth": bandwidth,
        "linear_separability": linear_separability(x, y),
        "centroid_separability": centroid_separability(x, y),
        "modality_mixing": modality_mixing(x, y),
        "retrieval": retrieval(x, y, ids),
        "mutual_knn": mutual_knn(x, y),
        "linear_cka": linear_cka(x, y),
        "effective_rank": {
            "image": effective_rank(x),
            "text": effective_rank(y),
            "joint": effective_rank(both),
        },
        "participation_ratio": {
            "image": participation_ratio(x),
            "text": participation_ratio(y),
            "joint": participation_ratio(both),
        },
        "pca": {"explained_variance_ratio": pca(x, y)[0][:50]},
    }


def jackknife(raw_x, raw_y):
    """Leave one pair out, compute everything again; normal 95% intervals."""

    def estimates(x, y):
        mean_cosine = (x * y).sum(axis=1).mean()
        image_cone, text_cone = cone(x), cone(y)
        return {
            "centroid_distance_squared_unbiased": centroid_distance_squared_unbiased(
                x, y
            ),
            "relative_modality_gap": relative_modality_gap(
                mean_cosine, image_cone, text_cone
            ),
            "image_cone": image_cone,
            "text_cone": text_cone,
        }

    x, y = unit_rows(raw_x), unit_rows(raw_y)
    pairs = len(x)
    whole = estimates(x, y)
    left_out = [
        estimates(np.delete(x, i, axis=0), np.delete(y, i, axis=0))
        for i in range(pairs)
    ]
    errors, intervals = {}, {}
    for key, estimate in whole.items():
        values = np.array([one[key] for one in left_out])
        scatter = ((values - values.mean()) ** 2).sum()
        errors[key] = np.sqrt((pairs - 1) / pairs * scatter)
        reach = NORMAL_975 * errors[key]
        intervals[key] = [estimate - reach, estimate + reach]
    squared = intervals["centroid_distance_squared_unbiased"]
    intervals["centroid_distance"] = [np.sqrt(max(0.0, end)) for end in squared]
    return {"standard_errors": errors, "intervals": intervals}


# Data sets ------------------------------------------------------------------


def shifted_clouds(rng, pairs, width, shift, own):
    """Two clouds `shift` apart that share part of their structure."""
    shared = rng.normal(size=(pairs, width))
    direction = rng.normal(size=width)
    direction *= shift / np.linalg.norm(direction)
    image = shared + own * rng.normal(size=shared.shape) + direction / 2
    text = shared + own * rng.normal(size=shared.shape) - direction / 2
    return image, text


def clouds(rng):
    return np.stack(shifted_clouds(rng, 80, 12, shift=6.0, own=0.6))


def wide(rng):
    return np.stack(shifted_clouds(rng, 30, 100, shift=8.0, own=1.5))


def overlap(rng):
    return np.stack(shifted_clouds(rng, 120, 8, shift=0.2, own=0.5))


def norms(rng):
    both = np.stack(shifted_clouds(rng, 90, 16, shift=3.0, own=0.7))
    lengths = np.exp(rng.uniform(np.log(0.1), np.log(30.0), size=(2, 90, 1)))
    lengths[:, 0], lengths[:, 1] = 0.1, 30.0
    return both / np.linalg.norm(both, axis=2, keepdims=True) * lengths


def duplicates(rng):
    """30 equal texts, 12 equal images, and rows equal across the modalities."""
    image, text = shifted_clouds(rng, 100, 10, shift=1.0, own=0.5)
    text[rng.choice(np.delete(np.arange(80), 3), size=29, replace=False)] = text[3]
    image[rng.choice(np.delete(np.arange(80), 5), size=11, replace=False)] = image[5]
    text[90] = image[90]
    text[91] = image[92]
    text[93] = image[5]  # equals all 12 images
    image[94] = text[3]  # equals all 30 texts
    return np.stack([image, text])


def half(rng):
    return np.stack(shifted_clouds(rng, 64, 24, shift=4.0, own=0.8))


def captions(rng):
    """25 images with 1 to 5 captions each, in shuffled order; returns ids too."""
    counts = np.arange(25) % 5 + 1
    image, _ = shifted_clouds(rng, 25, 14, shift=3.0, own=0.0)
    owner = rng.permutation(np.repeat(np.arange(25), counts))
    text = image[owner] + 0.9 * rng.normal(size=(len(owner), 14)) - 0.7
    return np.stack([image[owner], text]), [f"image-{k:03d}" for k in owner]


def collapsed(rng):
    image = rng.normal(size=(70, 20))
    text = rng.normal(size=20) * 2 + 0.03 * rng.normal(size=(70, 20)) + 0.01 * image
    return np.stack([image, text])


def lowrank(rng):
    """Rank 5 in each modality, and exactly so in Float32.

    Factors are multiples of 1/64 under 8, so that products and their sums
    have fewer than 24 bits and are stored without rounding.
    """

    def factor(shape):
        return np.clip(np.round(rng.normal(size=shape) * 64), -511, 511) / 64

    shared = factor((200, 5))
    own = np.where(rng.random((200, 5)) < 0.3, factor((200, 5)), shared)
    return np.stack([shared @ factor((5, 40)), own @ factor((5, 40))])


DATA_SETS = {
    "clouds": (clouds, np.float32),
    "wide": (wide, np.float32),
    "overlap": (overlap, np.float32),
    "norms": (norms, np.float32),
    "duplicates": (duplicates, np.float32),
    "half": (half, np.float16),
    "captions": (captions, np.float32),
    "collapsed": (collapsed, np.float32),
    "lowrank": (lowrank, np.float32),
}
WITH_JACKKNIFE = ("clouds", "overlap")


def decision_margin(x, y, ids):
    """The smallest score difference that a rank or a neighbour set hangs on.

    Differences between bit-equal rows do not count: those tie by rule. A
    margin far over 1e-16 means that no order of summation changes a golden.
    """
    margins = []

    def note(row, items, deciding, allowed):
        different = (items != items[deciding]).any(axis=1) & allowed
        margins.append(np.abs(row - row[deciding])[different].min())

    def note_retrieval(queries, query_ids, items, item_ids):
        item_ids = np.asarray(item_ids)
        for name, row in zip(query_ids, scores(queries, items)):
            true = item_ids == name
            note(row, items, np.where(true, row, -np.inf).argmax(), ~true)

    def note_neighbours(rows, k):
        order = nearest(rows, k)
        for i, row in enumerate(scores(rows, rows)):
            note(row, rows, order[i, -1], np.arange(len(rows)) != i)

    one = first_row_of_each_id(ids)
    one_ids = [ids[i] for i in one]
    note_retrieval(x[one], one_ids, y, ids)
    note_retrieval(y, ids, x[one], one_ids)
    k = min(NEIGHBOURS, len(x) - 1)
    for rows in (x, y, np.vstack([x, y])):
        note_neighbours(rows, k)
    return min(margins)


def golden(name, pairs, ids):
    image, text = pairs.astype(np.float64)
    x, y = unit_rows(image), unit_rows(text)
    margin = decision_margin(x, y, ids or [str(i) for i in range(len(x))])
    line = np.abs(linear_separability_scores(x, y)).min()
    print(f"{name:11} rank margin {margin:.1e}, separability margin {line:.1e}")
    if margin < 1e-12:
        raise RuntimeError(f"{name}: a rank hangs on rounding, change the seed")
    _, components, mean = pca(x, y)
    result = {
        "files": {"pairs": f"{name}.npy", "ids": f"{name}.ids.txt" if ids else None},
        "dtype": str(pairs.dtype),
        "pairs": pairs.shape[1],
        "dimension": pairs.shape[2],
        "metrics": metrics(image, text, ids),
        "pca": {"mean": mean, "components": components[:3]},
    }
    if name in WITH_JACKKNIFE:
        result["jackknife"] = jackknife(image, text)
    return result


def write_data_sets():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for index, (name, (make, dtype)) in enumerate(DATA_SETS.items()):
        made = make(np.random.default_rng([SEED, index]))
        pairs, ids = made if isinstance(made, tuple) else (made, None)
        pairs = pairs.astype(dtype)
        np.save(FOLDER / f"{name}.npy", pairs)
        if ids:
            (FOLDER / f"{name}.ids.txt").write_text("\n".join(ids) + "\n")
        text = encoded(golden(name, pairs, ids)) + "\n"
        (FOLDER / f"{name}.golden.json").write_text(text)


# JSON and comparison --------------------------------------------------------


def encoded(value, indent=""):
    """JSON with 17 significant digits, arrays of numbers on one line."""
    if isinstance(value, dict):
        inner = indent + " "
        rows = [
            f"{inner}{json.dumps(key)}: {encoded(item, inner)}"
            for key, item in value.items()
        ]
        return "{\n" + ",\n".join(rows) + "\n" + indent + "}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ", ".join(encoded(item, indent) for item in value) + "]"
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise ValueError("a golden value is not finite")
        text = format(float(value), ".17g")
        return text if any(mark in text for mark in ".e") else text + ".0"
    return json.dumps(value)


def flat(value, name=""):
    """Yields (dotted name, number) of nested objects and arrays."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else key)
    elif isinstance(value, (list, tuple, np.ndarray)):
        for index, item in enumerate(value):
            yield from flat(item, f"{name}[{index}]")
    elif isinstance(value, (int, float, np.floating)):
        yield name, float(value)


def relative_errors(found, expected, absolute=0.0):
    """Error of each expected number; a missing one is an infinite error."""
    found = dict(flat(found))
    errors = {}
    for name, value in flat(expected):
        difference = abs(found.get(name, np.inf) - value)
        errors[name] = 0.0 if difference <= absolute else difference / abs(value or 1)
    return errors


def check():
    """Whether every stored golden still follows from its stored array."""
    good = True
    for path in sorted(FOLDER.glob("*.golden.json")):
        stored = json.loads(path.read_text())
        pairs = np.load(FOLDER / stored["files"]["pairs"])
        ids_file = stored["files"]["ids"]
        ids = (FOLDER / ids_file).read_text().split() if ids_file else None
        again = golden(path.name.split(".")[0], pairs, ids)
        errors = relative_errors(again, stored, absolute=1e-14)
        worst = max(errors, key=errors.get)
        print(f"{path.name}: worst {errors[worst]:.2e} ({worst})")
        good &= errors[worst] < 1e-9
    return good


def compare(pairs_file, golden_file):
    """Whether the oracle reproduces a golden written by another program."""
    found = metrics(*np.load(pairs_file))
    found["pca_explained_variance_ratio"] = found["pca"]["explained_variance_ratio"]
    errors = relative_errors(found, json.loads(Path(golden_file).read_text()))
    for name, error in sorted(errors.items(), key=lambda item: -item[1]):
        print(f"{error:9.2e}  {name}")
    return all(
        error < (1e-3 if name.startswith("linear_separability") else 1e-6)
        for name, error in errors.items()
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--measure", metavar="PAIRS")
    mode.add_argument("--compare", nargs=2, metavar=("PAIRS", "GOLDEN"))
    parser.add_argument("--ids", metavar="FILE")
    options = parser.parse_args()

    if options.check:
        return 0 if check() else 1
    if options.compare:
        return 0 if compare(*options.compare) else 1
    if options.measure:
        ids = Path(options.ids).read_text().split("\n") if options.ids else None
        if ids and ids[-1] == "":
            ids.pop()
        print(encoded(metrics(*np.load(options.measure), ids)))
        return 0
    write_data_sets()
    return 0


if __name__ == "__main__":
    sys.exit(main())

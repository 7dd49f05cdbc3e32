"""Times `embgap measure` beside the usual Python pipeline on the same made pairs, in one run.

Usage: python Tests/Benchmarks/compare_report.py path/to/embgap [--n 50000] [--d 768]

Both do every metric and both retrieval directions, without resampling; the Python side is peer_report.py
(numpy, scikit-learn, faiss), which gives no exact ranks beyond 10. Prints wall-clock seconds and their ratio.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("embgap")
    parser.add_argument("--n", type=int, default=50_000)
    parser.add_argument("--d", type=int, default=768)
    options = parser.parse_args()
    here = pathlib.Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        pairs = str(pathlib.Path(folder) / "pairs.npy")
        size = ["--n", str(options.n), "--d", str(options.d)]
        subprocess.run([sys.executable, str(here / "make_pairs.py"), *size, "--dtype", "f32", "--out", pairs], check=True)
        ours = seconds([options.embgap, "measure", pairs, "--bootstrap", "0", "--json"])
        theirs = seconds([sys.executable, str(here / "peer_report.py"), "--input", pairs, "--json"])
    print(f"{options.n} x {options.d}: embgap {ours:.1f} s, Python pipeline {theirs:.1f} s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()

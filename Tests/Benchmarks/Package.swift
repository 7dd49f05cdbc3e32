// swift-tools-version: 6.2
import PackageDescription

// What the machine can do at most, beside which `bench.py` puts what the product does. A package of its own, so that
// the product's build knows nothing of it.
let package = Package(
  name: "Benchmarks",
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .executableTarget(
      name: "gemm-peak", dependencies: ["COpenBLAS"], path: "GemmPeak",
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("dl")]),
  ]
)

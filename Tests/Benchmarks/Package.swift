// swift-tools-version: 6.2
import PackageDescription

// What the machine can do at most, beside which `bench.py` puts what the product does, and parts of the library that no
// command runs alone. A package of its own, so that the product's build knows nothing of it.
let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "EmbeddingGap", path: "../..")],
  targets: [
    // The product has a target of the library's own name.
    .systemLibrary(
      name: "CPeakOpenBLAS", path: "PeakOpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]
    ),
    .executableTarget(
      name: "gemm-peak", dependencies: ["CPeakOpenBLAS"], path: "GemmPeak",
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("dl")]),
    .executableTarget(
      name: "library-speed", dependencies: [.product(name: "EmbeddingGap", package: "EmbeddingGap")],
      path: "LibrarySpeed"),
  ]
)

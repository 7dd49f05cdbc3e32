// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets for every reader, built with libFuzzer and the address sanitizer by `./run fuzz`. A package of its own, so
// that the product's build knows nothing of it. The flags that instrument the readers are given on the command line,
// since they are wanted in all modules.
let package = Package(
  name: "Fuzz",
  dependencies: [.package(name: "EmbeddingGap", path: "../..")],
  targets: [
    .executableTarget(
      name: "reader-fuzz", dependencies: [.product(name: "EmbeddingGap", package: "EmbeddingGap")],
      path: "ReaderFuzz")
  ]
)

// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: Swift 6 mode, strict memory safety, warnings are errors, imports internal by default.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library target with the settings that all of them share.
func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// The tests of one target, which may read fixtures and the layers below it.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: dependencies + ["TestFolders"], swiftSettings: strict)
}

/// A notebook: an executable that walks through the library as its users see it, without what only this package sees.
func notebook(_ folder: String, _ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["EmbeddingGap", "Notebook"], path: "Notebooks-as-scripts/" + folder,
    exclude: ["expected.txt"], packageAccess: false, swiftSettings: strict)
}

let package = Package(
  name: "EmbeddingGap",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "EmbeddingGap", targets: ["EmbeddingGap"]),
    .executable(name: "embgap", targets: ["embgap"]),
  ],
  traits: [
    .trait(
      name: "OneDNN", description: "Products with frozen weights by oneDNN where this package has no kernels"),
    .default(enabledTraits: ["OneDNN"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // Only a command of the package manager, for `./run docs`: nothing that is built depends on it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    // Level 0: C libraries and C kernels.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLAPACKE", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CGapKernels"),
    .target(name: "COneDNN", dependencies: ["CGapKernels"], linkerSettings: [.linkedLibrary("dnnl")]),

    // Level 1: numbers, images, files. None of them knows another.
    library(
      "GapLinearAlgebra",
      [
        "COpenBLAS", "CLAPACKE", "CGapKernels",
        .target(name: "COneDNN", condition: .when(traits: ["OneDNN"])),
      ]),
    library("GapImages", ["CPNG", "CJPEG", "CGapKernels"]),
    library("GapTensorFiles", ["CZlib", "CGapKernels"]),
    tests("GapTensorFiles", ["GapTensorFiles"]),

    // Level 2.
    library("GapPlot", ["CCairo", "GapImages"]),
    library("GapMetrics", ["GapLinearAlgebra"]),
    library("GapLayers", ["GapLinearAlgebra", "GapTensorFiles"]),
    tests("GapLayers", ["GapLayers", "GapLinearAlgebra", "GapTensorFiles"]),
    tests("GapMetrics", ["GapMetrics", "GapLinearAlgebra", "GapDatasets", "GapTensorFiles"]),

    // Level 3.
    library("GapModels", ["GapLayers", "GapMetrics", "GapImages", "GapTensorFiles", "GapLinearAlgebra"]),
    library(
      "GapDatasets",
      [
        "GapTensorFiles", "GapMetrics", "GapImages", "GapLinearAlgebra",
        .product(name: "Crypto", package: "swift-crypto"),
      ]),

    // Level 4.
    library(
      "GapTraining",
      [
        "GapModels", "GapLayers", "GapDatasets", "GapMetrics", "GapLinearAlgebra", "GapTensorFiles",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Yams", package: "Yams"),
      ]),
    tests(
      "GapTraining",
      ["GapTraining", "GapModels", "GapLayers", "GapDatasets", "GapLinearAlgebra", "GapTensorFiles"]),
    library(
      "GapReport",
      [
        "GapModels", "GapLayers", "GapDatasets", "GapMetrics", "GapPlot", "GapImages", "GapLinearAlgebra",
        "GapTensorFiles", .product(name: "Crypto", package: "swift-crypto"),
      ],
      // Compiled in: the command stays one file that finds its page wherever it is copied to.
      resources: [.embedInCode("Page/page.html"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js")]),

    // Levels 5 and 6.
    library(
      "EmbeddingGap",
      [
        "GapReport", "GapTraining", "GapModels", "GapDatasets", "GapMetrics", "GapPlot", "GapImages",
        "GapTensorFiles", "GapLinearAlgebra",
      ]),
    .executableTarget(
      name: "embgap",
      dependencies: ["EmbeddingGap", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: strict),

    .target(
      name: "Notebook", dependencies: ["EmbeddingGap"], path: "Notebooks-as-scripts/Notebook",
      packageAccess: false, swiftSettings: strict),
    notebook("01-measure-embeddings", "measure-embeddings"),
    notebook("02-measure-a-checkpoint", "measure-a-checkpoint"),
    notebook("03-ntp-against-joint", "ntp-against-joint"),
    notebook("04-prompts-and-readouts", "prompts-and-readouts"),
    notebook("05-encoder-projector-llm", "encoder-projector-llm"),
    notebook("06-where-the-gap-lives", "where-the-gap-lives"),

    // Tests, one target for each target they test.
    .target(name: "TestFolders", path: "Tests/TestFolders", swiftSettings: strict),
    tests("GapLinearAlgebra", ["GapLinearAlgebra", "CGapKernels"]),
    tests(
      "GapModels", ["GapModels", "GapLayers", "GapMetrics", "GapImages", "GapTensorFiles", "GapLinearAlgebra"]),
    tests("GapImages", ["GapImages"]),
    tests("GapPlot", ["GapPlot", "GapImages"]),
    tests("GapDatasets", ["GapDatasets", "GapMetrics", "GapTensorFiles"]),
    tests(
      "GapReport",
      ["GapReport", "GapDatasets", "GapMetrics", "GapPlot", "GapImages", "GapLinearAlgebra", "GapTensorFiles"]),
    tests("Embgap", ["EmbeddingGap"]),
    tests("Notebook", ["Notebook"]),
  ]
)

/// The whole toolkit under one name: `import EmbeddingGap`.
@_exported public import GapDatasets
@_exported public import GapImages
@_exported public import GapLinearAlgebra
@_exported public import GapMetrics
@_exported public import GapModels
@_exported public import GapPlot
@_exported public import GapReport
@_exported public import GapTensorFiles
@_exported public import GapTraining

import GapMetrics
import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension CheckpointEmbeddings {
  /// The vectors as a safetensors file.
  ///
  /// F32 tensors `image` and `text`, [n, d], of the only readout or of `input`; `layer.K.image` and `layer.K.text` of
  /// every layer beside them. What was asked for stands in the metadata.
  public func safetensors(_ request: CheckpointRequest) -> Data {
    var writer = SafetensorsWriter(metadata: [
      ("readout", request.readout.description), ("image_prompt", request.imagePrompt),
      ("text_prompt", request.textPrompt), ("software", "EmbeddingGap \(embeddingGapVersion)"),
    ])
    for (place, vectors) in vectors.enumerated() {
      var prefix = ""
      if place > 0, case .layer(let layer) = vectors.readout { prefix = "layer.\(layer)." }
      let shape = [vectors.image.count, vectors.image.dimension]
      writer.add(prefix + "image", shape: shape, vectors.image.numbers)
      writer.add(prefix + "text", shape: shape, vectors.text.numbers)
    }
    return writer.data
  }
}

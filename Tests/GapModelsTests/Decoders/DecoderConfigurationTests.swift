import GapTensorFiles
import Testing

@testable import GapModels

/// Settings that no model has: each is an error that names the key, and none is worked with.
@Suite struct DecoderConfigurationTests {
  private static func settings(_ text: String) throws -> ModelSettings {
    ModelSettings(try JSONValue(Array(text.utf8), at: .init(path: "config.json")), path: "config.json")
  }

  static let values: [(key: String, value: String)] = [
    ("hidden_size", "0"), ("hidden_size", "-1"), ("hidden_size", "2147483647"),
    ("num_hidden_layers", "2147483647"), ("num_hidden_layers", "16777216"), ("num_hidden_layers", "-1"),
    ("num_attention_heads", "9223372036854775807"), ("num_key_value_heads", "0"), ("num_key_value_heads", "-4"),
    ("num_key_value_heads", "9223372036854775807"), ("head_dim", "9223372036854775807"), ("head_dim", "-2"),
    ("head_dim", "0"), ("intermediate_size", "9223372036854775807"),
    ("word_embed_proj_dim", "-9223372036854775808"),
    ("sliding_window", "-1"),
  ]

  @Test(arguments: values) func sizesOutOfAnyModelsRangeAreRefused(key: String, value: String) throws {
    let family = key == "sliding_window" ? "mistral" : "llama"
    let settings = try Self.settings("{\"model_type\": \"\(family)\", \"\(key)\": \(value)}")
    do {
      _ = try DecoderConfiguration(settings)
      Issue.record("read")
    } catch let error as ModelError {
      #expect(error.description.contains(key), "\(error)")
    }
  }

  @Test(arguments: ["1e308", "-1", "0", "1.0000001", "1e-320"])
  func shareOfAHeadThatIsNoneIsRefused(_ share: String) throws {
    let settings = try Self.settings("{\"model_type\": \"llama\", \"partial_rotary_factor\": \(share)}")
    do {
      _ = try DecoderConfiguration(settings)
      Issue.record("read")
    } catch let error as ModelError {
      #expect(error.description.contains("partial_rotary_factor"), "\(error)")
    }
  }

  @Test(arguments: [
    "\"mlp_ratio\": 9223372036854775807", "\"hidden_size\": 4611686018427387904",
    "\"num_hidden_layers\": 2147483647",
    "\"image_size\": 2147483647", "\"patch_size\": 0", "\"num_attention_heads\": -12",
  ]) func sizesOfEncodersAreHeldInTheSameRange(_ setting: String) throws {
    let settings = try Self.settings("{\"model_type\": \"dinov2\", \"use_swiglu_ffn\": true, \(setting)}")
    #expect(throws: ModelError.self) { try VisionConfiguration(settings) }
  }

  @Test func largestSizesDoNotOverflow() throws {
    let most = ModelSettings.largestSize
    let settings = try Self.settings(
      "{\"model_type\": \"dinov2\", \"use_swiglu_ffn\": true, \"hidden_size\": \(most), \"mlp_ratio\": \(most), "
        + "\"num_attention_heads\": 1, \"image_size\": \(most), \"patch_size\": 1}")
    #expect(try VisionConfiguration(settings).feedForwardWidth > most)
  }
}

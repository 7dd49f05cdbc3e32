import Testing

@testable import GapTensorFiles

@Suite struct ShardedSetTests {
  private static let shard = "part.safetensors"

  /// Opens an index beside one good shard that holds `a`.
  private func fault(_ index: String) throws -> (TensorFileError?, String) {
    try Fixture.withDirectory { directory in
      let path = directory + "/model.safetensors.index.json"
      try Fixture.write(Array(index.utf8), path)
      try Fixture.write(
        BrokenFile.safetensors(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: [0, 0, 0, 0]),
        directory + "/" + Self.shard)
      do {
        _ = try TensorFile(path: path)
        return (nil, path)
      } catch let error as TensorFileError {
        return (error, path)
      }
    }
  }

  @Test func aGoodIndexOpens() throws {
    #expect(try fault(#"{"weight_map":{"a":"part.safetensors"}}"#).0 == nil)
  }

  @Test(arguments: [
    "../part.safetensors", "/etc/passwd", "sub/part.safetensors", "..", ".", "", "a\\\\b", "part\\u0000",
  ])
  func aShardElsewhereIsRefused(_ name: String) throws {
    let (error, path) = try fault(#"{"weight_map":{"a":"\#(name)"}}"#)
    let stored = name == "a\\\\b" ? "a\\b" : name == "part\\u0000" ? "part\0" : name
    #expect(error == .shardNameRefused(.init(path: path, item: "a"), name: stored))
  }

  @Test func indexAndShardsAreHeldAgainstEachOther() throws {
    var (error, path) = try fault(#"{"weight_map":{"a":"gone.safetensors"}}"#)
    #expect(error == .shardMissing(index: path, shard: "gone.safetensors"))
    #expect(error?.isMissingInput == true)
    (error, path) = try fault(#"{"weight_map":{"a":"part.safetensors","b":"part.safetensors"}}"#)
    #expect(error == .shardTensorMissing(index: path, tensor: "b", shard: Self.shard))
    (error, path) = try fault(#"{"weight_map":{"b":"part.safetensors"}}"#)
    #expect(error == .shardTensorUnlisted(index: path, tensor: "a", shard: Self.shard))
    (error, path) = try fault(#"{"weight_map":{"a":"model.safetensors.index.json"}}"#)
    #expect(
      error == .unsupported(.init(path: path), found: "an index within an index", hint: "shards hold tensors"))
    (error, path) = try fault(#"{"weight_map":{"a":7}}"#)
    #expect(error == .malformed(.init(path: path, item: "a"), expected: "a file name", found: "another value"))
    (error, path) = try fault(#"{"weights":{}}"#)
    #expect(
      error == .malformed(.init(path: path, byte: 0), expected: "an object under weight_map", found: "none"))
    (error, path) = try fault(#"{"weight_map":{"a":"part.safetensors","a":"x"}}"#)
    #expect(error == .duplicateName(.init(path: path, byte: 38), name: "a"))
  }
}

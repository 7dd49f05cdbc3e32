import Foundation
import GapDatasets
import GapTensorFiles
import Testing

@Suite struct InputRecordTests {
  /// Published examples: nothing, and a million letters a.
  @Test(arguments: [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func hashesAreThoseOfTheStandard(count: Int, hash: String) throws {
    try PairsFile.withDirectory { directory in
      let reference = try PairsFile.write(
        Data(repeating: UInt8(ascii: "a"), count: count), directory + "/a")
      #expect(try InputRecord.sha256(ofFile: reference.path) == hash)
    }
  }

  @Test func everyByteOfALongFileCounts() throws {
    try PairsFile.withDirectory { directory in
      var data = Data(repeating: 7, count: (4 << 20) + 3)
      let path = try PairsFile.write(data, directory + "/a").path
      var hashes = [try InputRecord.sha256(ofFile: path)]
      for place in [0, (4 << 20) - 1, 4 << 20, data.count - 1] {
        data[place] ^= 1
        _ = try PairsFile.write(data, path)
        hashes.append(try InputRecord.sha256(ofFile: path))
        data[place] ^= 1
      }
      #expect(Set(hashes).count == 5)
    }
  }

  @Test func hashingIsAsked() throws {
    let reference = TensorReference(path: PairsFile.fixtures + "/stacked.npy")
    let hashed = try EmbeddingFiles(pairs: reference, hashing: true).inputs[0]
    #expect(hashed.sha256 == (try InputRecord.sha256(ofFile: reference.path)))
    #expect(try EmbeddingFiles(pairs: reference).inputs[0].sha256 == nil)
    #expect(hashed.bytes == (try Data(contentsOf: URL(filePath: reference.path)).count))
  }

  @Test func aMissingFileIsMissing() {
    let error = #expect(throws: DatasetError.self) { try InputRecord.sha256(ofFile: "/no/such/file") }
    #expect(error?.isMissingInput == true)
  }

  @Test(arguments: [true, false])
  func recordsSurviveJSONWithEveryKey(hashing: Bool) throws {
    let reference = TensorReference(path: PairsFile.fixtures + "/stacked.npy")
    let record = try EmbeddingFiles(pairs: reference, hashing: hashing).inputs[0]
    let data = try JSONEncoder().encode(record)
    #expect(try JSONDecoder().decode(InputRecord.self, from: data) == record)
    let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(object.keys) == ["path", "bytes", "sha256", "dtype", "shape"])
    #expect((object["sha256"] is NSNull) == !hashing)
  }
}

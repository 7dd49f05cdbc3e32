import Testing

@testable import GapTensorFiles

@Suite struct TensorReferenceTests {
  @Test(arguments: [
    ("a.npz::image", "a.npz", "image"), ("a::b::c", "a::b", "c"), ("a.npy", "a.npy", nil),
    ("a.npy::", "a.npy::", nil),
    ("::a", "::a", nil), ("a:::b", "a:", "b"), ("", "", nil), (":", ":", nil), ("::", "::", nil),
  ])
  func theLastColonsSplit(text: String, path: String, key: String?) {
    #expect(TensorReference(parsing: text) == TensorReference(path: path, key: key))
  }

  @Test func anExistingPathWins() throws {
    try Fixture.withDirectory { directory in
      let path = directory + "/odd::name.npy"
      try Fixture.write(try Fixture.bytes("vector.npy"), path)
      #expect(TensorReference(parsing: path) == TensorReference(path: path))
      #expect(try TensorReference(parsing: path + "::array").tensor().shape == [6])
      #expect(try TensorReference(parsing: path).tensor().shape == [6])
    }
  }
}

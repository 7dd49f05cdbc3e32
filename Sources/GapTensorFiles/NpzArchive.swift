/// Arrays as `numpy.savez` and `numpy.savez_compressed` write them: a zip archive of npy members.
///
/// Numbers are held against the member's CRC-32, as NumPy does it; `inspect`, which reads no numbers, is not held up.
enum NpzArchive {
  static func tensors(_ archive: ZipArchive, path: String) throws -> [Tensor] {
    try archive.members.compactMap { member in
      if member.name.hasSuffix("/"), member.region.count == 0 { return nil }
      let name = member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name
      if name != member.name {
        return try NpyArray.tensor(member.checkedRegion, path: path, member: member.name, name: name)
      }
      return try Tensor(
        name: name, elementType: .uint8, shape: [member.region.count],
        region: member.checkedRegion, path: path)
    }
  }
}

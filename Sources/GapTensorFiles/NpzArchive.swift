/// Arrays as `numpy.savez` and `numpy.savez_compressed` write them: a zip archive of npy members.
enum NpzArchive {
  static func tensors(_ archive: ZipArchive, path: String) throws -> [Tensor] {
    try archive.members.compactMap { member in
      if member.name.hasSuffix("/"), member.region.count == 0 { return nil }
      let name = member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name
      if name != member.name {
        return try NpyArray.tensor(member.region, path: path, member: member.name, name: name)
      }
      return try Tensor(
        name: name, elementType: .uint8, shape: [member.region.count],
        region: member.region, path: path)
    }
  }
}

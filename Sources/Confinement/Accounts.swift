internal import Linux

/// What the files of `/etc` say of users, groups and the subordinate numbers that users were given.
///
/// *Limits.* Only the files are read. A directory service is not asked, because that would load its
/// modules; accounts and ranges that only such a service knows are not seen.
struct Accounts<Lookup: FileLookup> {
  private let files: Lookup

  init(_ files: Lookup) { self.files = files }

  /// A user's or a group's numbers that are its own beyond the one it has (subuid(5), subgid(5)).
  struct Range: Hashable, Sendable {
    /// Whose they are: a name, or a number.
    var owner: String
    var first: UInt32, count: UInt32

    func contains(_ number: UInt32) -> Bool { number >= first && number - first < count }
  }

  /// The account with a number; nil if there is none.
  func user(_ number: UInt32) -> String? { name(of: number, in: "/etc/passwd") }

  /// The group with a number; nil if there is none.
  func group(_ number: UInt32) -> String? { name(of: number, in: "/etc/group") }

  /// The ranges in `/etc/subuid`.
  func subordinateUsers() -> [Range] { ranges("/etc/subuid") }

  /// The ranges in `/etc/subgid`.
  func subordinateGroups() -> [Range] { ranges("/etc/subgid") }

  private func name(of number: UInt32, in path: String) -> String? {
    for fields in lines(path) where fields.count >= 3 {
      if UInt32(fields[2]) == number, !fields[0].isEmpty { return fields[0] }
    }
    return nil
  }

  private func ranges(_ path: String) -> [Range] {
    lines(path).compactMap { fields in
      guard fields.count == 3, let first = UInt32(fields[1]), let count = UInt32(fields[2]),
        count > 0, !fields[0].isEmpty
      else { return nil }
      return Range(owner: fields[0], first: first, count: count)
    }
  }

  /// Small images have none of these files, and then nobody has a name or a range.
  private func lines(_ path: String) -> [[String]] {
    var text: [UInt8] = []
    do {
      while text.count < 16 << 20 {
        let part = try files.read(path, at: Int64(text.count), maximum: 1 << 20)
        if part.isEmpty { break }
        text += part
      }
    } catch { return [] }
    return text.split(separator: UInt8(ascii: "\n")).map { line in
      line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        .map { String(validating: $0, as: UTF8.self) ?? "" }
    }
  }
}

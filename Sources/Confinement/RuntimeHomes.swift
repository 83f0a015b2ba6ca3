internal import Linux

/// The home directories of people: none of them is ever granted as a whole, whatever a package or
/// an environment says of it.
///
/// *Limits.* Accounts are read from `/etc/passwd`. A directory service is not asked, because that
/// would load its modules; homes that only such a service knows count when they are the caller's
/// `HOME` or stand directly below `/home`.
struct HomeDirectories {
  /// The caller's own, as `HOME` or the account says; nil if neither does.
  let own: String?
  /// Each as it is written, and with every link resolved.
  private var paths: [String] = []

  /// Finds the homes.
  ///
  /// - Parameters:
  ///   - home: the caller's `HOME`; one that is not absolute counts as missing.
  ///   - user: the caller's id, for whom the account speaks when `HOME` is missing.
  ///   - accounts: the text of `/etc/passwd` (passwd(5)).
  ///   - resolve: follows a path; nil if nothing is there.
  init(
    home: String?, user: UInt32?, accounts: [UInt8], resolve: (String) -> String?
  ) {
    var own = home.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    var found: [String] = []
    for line in accounts.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        .map { String(validating: $0, as: UTF8.self) ?? "" }
      guard fields.count >= 6, let identifier = UInt32(fields[2]) else { continue }
      let path = fields[5]
      guard path.utf8.first == UInt8(ascii: "/") else { continue }
      let isCaller = identifier == user
      // The homes of system accounts are /bin, /usr/sbin and the like, and hold programs.
      let isPerson = identifier == 0 || identifier >= 1000 && identifier != 65534
      guard isPerson || isCaller else { continue }
      if isCaller, own == nil { own = path }
      found.append(path)
    }
    self.own = own
    for path in [own].compactMap(\.self) + found {
      let plain = "/" + Paths.components(path).joined(separator: "/")
      guard plain.utf8.count > 1 else { continue }
      for spelling in [plain, resolve(plain)].compactMap(\.self)
      where !paths.contains(where: { Paths.equal($0, spelling) }) {
        paths.append(spelling)
      }
    }
  }

  /// The homes that lie in `directory`, itself included; without links.
  func homes(in directory: String) -> [String] {
    paths.filter { Paths.equal($0, directory) || Paths.isBelow($0, directory) }
  }

  /// Whether `path` is one of the directories of a home that programs of all kinds share (XDG Base
  /// Directory Specification); without links.
  func isShared(_ path: String) -> Bool {
    let names = [
      ".local", ".local/bin", ".local/lib", ".local/share", ".local/state", ".config", ".cache",
    ]
    return paths.contains { home in
      names.contains { Paths.equal(path, Paths.join(home, $0)) }
    }
  }

  /// Whether `path` is a home directory or encloses one; without links.
  func isWithin(_ path: String) -> Bool {
    paths.contains { Paths.equal($0, path) || Paths.isBelow($0, path) }
  }
}

internal import Linux

/// Whether a user gets as far as a path by the directories of the machine, where no mount of the
/// cell's own leads there: at isolation level container.
///
/// *Limits.* Permission bits alone, as the kernel reads them for a process without capabilities
/// and further groups (path_resolution(7)); no access control list is looked at.
public enum Passage {
  /// The first directory on the way to `path` that `user` may not enter; nil when there is none.
  ///
  /// - Parameter itself: whether `path` is such a directory, too, and not only what leads there.
  public static func firstClosed(
    to path: String, itself: Bool = false, user: UInt32, group: UInt32, files: some FileLookup
  ) -> String? {
    let names = Paths.components(path)
    var place = "/"
    for index in 0..<(itself ? names.count + 1 : names.count) {
      let status: FileStatus?
      // Where we cannot look, nobody with fewer rights gets through.
      do { status = try files.status(place) } catch { return place }
      guard let status, status.kind == .directory else { return place }
      let held =
        status.user == user
        ? status.mode >> 6 : status.group == group ? status.mode >> 3 : status.mode
      if held & 0o1 == 0 { return place }
      if index < names.count { place = Paths.join(place, String(names[index])) }
    }
    return nil
  }
}

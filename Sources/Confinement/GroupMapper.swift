public import Linux

/// The program that may map a group that is not the caller's, and the group that it is asked for.
///
/// The kernel lets nobody drop groups in a user namespace whose groups the caller mapped alone. It
/// does where a privileged program mapped them, and `newgidmap` (package uidmap) is that program: it
/// maps what `/etc/subgid` gives the caller.
public struct GroupMapper: Hashable, Sendable {
  /// The real path of `newgidmap`.
  public var program: String
  /// What is there.
  public var status: FileStatus
  /// A group of the caller's range. It is mapped, and nothing in the cell has it.
  public var spare: UInt32

  /// Where the program is looked for, and nowhere else: the caller's `PATH` has no say in it.
  static let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/wrappers/bin"]

  /// Why there is none, and what mends it.
  struct Missing: Error, Hashable {
    var why: String
    var mend: String
  }

  /// Looks for the program and a range of the caller's.
  static func find(
    user: UInt32, group: UInt32, files: some FileLookup
  ) throws(Missing) -> GroupMapper {
    let accounts = Accounts(files)
    guard let name = accounts.user(user) else {
      throw Missing(
        why: "newgidmap serves accounts only, and /etc/passwd has none with the number \(user)",
        mend: "give the caller an account")
    }
    let ranges = accounts.subordinateGroups()
    let own = ranges.filter { $0.owner.utf8.elementsEqual(name.utf8) || UInt32($0.owner) == user }
    let spare = spare(in: own, apartFrom: group)
    let line = "echo \(name):\(firstFree(ranges)):65536 | sudo tee -a /etc/subgid"
    let (program, status) = try program(files, alsoMissing: spare == nil ? line : nil)
    guard let spare else {
      throw Missing(why: "/etc/subgid gives \(name) no groups", mend: line)
    }
    return GroupMapper(program: program, status: status, spare: spare)
  }

  /// The last of a range, because containers of the same user give out the first ones.
  private static func spare(
    in ranges: [Accounts<some FileLookup>.Range], apartFrom group: UInt32
  ) -> UInt32? {
    for range in ranges {
      for back in 1...min(range.count, 4) {
        let number = range.first &+ (range.count - back)
        if number != 0, number != group, number != UInt32.max { return number }
      }
    }
    return nil
  }

  /// Where a new range can begin: after all there are, and not below what is customary.
  private static func firstFree(_ ranges: [Accounts<some FileLookup>.Range]) -> UInt32 {
    ranges.reduce(100_000) { free, range in
      let (end, overflows) = range.first.addingReportingOverflow(range.count)
      return overflows || end > Plan.firstOutsideIdentifier - 65_536 ? free : max(free, end)
    }
  }

  private static func program(
    _ files: some FileLookup, alsoMissing line: String?
  ) throws(Missing) -> (String, FileStatus) {
    let install = "sudo apt install uidmap" + (line.map { " && \($0)" } ?? "")
    var unfit: String?
    for place in places {
      let found: ResolvedPath
      do { found = try PathResolver(files).resolve("\(place)/newgidmap") } catch { continue }
      guard let fault = fault(found, files) else { return (found.real, found.status) }
      unfit = unfit ?? "\(found.real): \(fault)"
    }
    if let unfit {
      throw Missing(
        why: "newgidmap is not used: \(unfit)", mend: "sudo apt install --reinstall uidmap")
    }
    throw Missing(why: "newgidmap is not installed", mend: install)
  }

  /// Why a program is not to be believed: anybody but root could have put it there.
  private static func fault(_ found: ResolvedPath, _ files: some FileLookup) -> String? {
    guard found.status.kind == .regular else { return "it is no file" }
    let links = found.links.map(\.path)
    let ways = (["/"] + ([found.real] + links).flatMap(Paths.ancestors)).map { ($0, false) }
    for (path, isFile) in [(found.real, true)] + ways {
      let status: FileStatus?
      do { status = try files.status(path) } catch { return "cannot look at \(path): \(error)" }
      guard let status else { return "nothing is at \(path)" }
      if status.user != 0 { return "\(path) does not belong to root" }
      if status.mode & 0o022 != 0, status.kind != .symbolicLink {
        return "others can write \(path)"
      }
      if isFile, status.mode & 0o001 == 0 { return "not everybody may execute it" }
    }
    return nil
  }
}

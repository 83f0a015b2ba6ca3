/// File rights of a Landlock rule (landlock(7)).
public struct LandlockAccess: OptionSet, Hashable, Sendable {
  /// The kernel's bits.
  public let rawValue: UInt64
  /// Wraps the kernel's bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_EXECUTE`.
  public static let execute = LandlockAccess(rawValue: 1 << 0)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_WRITE_FILE`.
  public static let writeFile = LandlockAccess(rawValue: 1 << 1)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_READ_FILE`.
  public static let readFile = LandlockAccess(rawValue: 1 << 2)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_READ_DIR`.
  public static let readDirectory = LandlockAccess(rawValue: 1 << 3)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_REMOVE_DIR`.
  public static let removeDirectory = LandlockAccess(rawValue: 1 << 4)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_REMOVE_FILE`.
  public static let removeFile = LandlockAccess(rawValue: 1 << 5)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_MAKE_DIR`.
  public static let makeDirectory = LandlockAccess(rawValue: 1 << 7)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_MAKE_REG`.
  public static let makeRegular = LandlockAccess(rawValue: 1 << 8)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_MAKE_FIFO`.
  public static let makeFifo = LandlockAccess(rawValue: 1 << 10)
  /// The corresponding C constant is `LANDLOCK_ACCESS_FS_MAKE_SYM`.
  public static let makeLink = LandlockAccess(rawValue: 1 << 12)
  /// Since ABI 2. The corresponding C constant is `LANDLOCK_ACCESS_FS_REFER`.
  public static let refer = LandlockAccess(rawValue: 1 << 13)
  /// Since ABI 3. The corresponding C constant is `LANDLOCK_ACCESS_FS_TRUNCATE`.
  public static let truncate = LandlockAccess(rawValue: 1 << 14)
  /// Since ABI 5. The corresponding C constant is `LANDLOCK_ACCESS_FS_IOCTL_DEV`.
  public static let deviceControl = LandlockAccess(rawValue: 1 << 15)

  /// The names of the rights, as landlock(7) has them, in lower case.
  public var names: [String] {
    let all = [
      "execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char",
      "make_dir", "make_reg", "make_sock", "make_fifo", "make_block", "make_sym", "refer",
      "truncate", "ioctl_dev",
    ]
    return all.indices.filter { rawValue & 1 << UInt64($0) != 0 }.map { all[$0] }
  }

  /// The rights that make sense for a file that is not a directory.
  public static let file: LandlockAccess = [
    .execute, .writeFile, .readFile, .truncate, .deviceControl,
  ]

  /// The rights that a kernel of ABI `version`, 1 or more, knows.
  public static func known(abi version: Int) -> LandlockAccess {
    var known = LandlockAccess(rawValue: (1 << 13) - 1)
    if version >= 2 { known.insert(.refer) }
    if version >= 3 { known.insert(.truncate) }
    if version >= 5 { known.insert(.deviceControl) }
    return known
  }
}

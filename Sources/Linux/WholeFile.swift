internal import CLinux

/// Files that are there whole or not at all, whenever their writer is ended.
extension Files {
  /// A file in memory that has no name, for reading and writing (memfd_create(2)); it has `size` bytes,
  /// zeros, and stays that large: whoever is given it cannot fill the memory of the machine with it.
  public static func inMemory(_ name: String, size: Int) throws(Errno) -> FileDescriptor {
    FileDescriptor(owning: try checked(unsafe cl_memory_file(name, Int64(size))))
  }

  /// Where reading or writing goes on in an open file, which is shared by all who have it (lseek(2)).
  public static func position(of descriptor: Int32) throws(Errno) -> Int {
    Int(try checked(cl_file_position(descriptor)))
  }

  /// Holds off others that call this for the same file, until `descriptor` is closed; waits for them, no
  /// longer than ``lockPatience`` (flock(2)).
  ///
  /// Throws `.wouldBlock` after that: whoever may open the file may lock it, and keep it locked.
  public static func lock(_ descriptor: Int32) throws(Errno) {
    let end = Clock.monotonicMicroseconds() + lockPatience
    while true {
      do throws(Errno) {
        _ = try checked(cl_lock_file(descriptor))
        return
      } catch .wouldBlock where Clock.monotonicMicroseconds() < end {
        var nothing: [PollEntry] = []
        _ = try Poll.wait(&nothing, timeoutMilliseconds: 5)
      } catch { throw error }
    }
  }

  /// How long a lock is waited for, in microseconds.
  static let lockPatience: Int64 = 3_000_000

  /// Writes a file of mode 0600 into a directory that is locked by ``lock(_:)``, to the disk and as a
  /// whole: other processes see the old contents or the new, and so does who looks after a crash.
  ///
  /// Where the file system can, the file has no name before it is whole, so that nothing is left of it
  /// when we are killed; where it is to take another's place, or cannot do without a name, that name is
  /// `NAME.new`, which the next writer takes over.
  public static func writeWhole(
    _ bytes: [UInt8], name: String, in directory: Int32, replacing: Bool
  ) throws(Errno) {
    let temporary = name + ".new"
    var isNamed = false
    let file: FileDescriptor
    do throws(Errno) {
      file = FileDescriptor(owning: try checked(cl_open_unnamed(directory)))
    } catch {
      // Not every file system has such files, and each says so in its own way (open(2)).
      try removeIfThere(temporary, in: directory)
      file = try open(
        temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, in: directory)
      isNamed = true
    }
    try Descriptor.writeAll(file.rawValue, bytes)
    _ = try checked(cl_sync_file(file.rawValue))
    if !isNamed, !replacing {
      try give(name, to: file.rawValue, in: directory)
    } else {
      if !isNamed {
        try removeIfThere(temporary, in: directory)
        try give(temporary, to: file.rawValue, in: directory)
      }
      _ = try checked(unsafe cl_rename_within(directory, temporary, name))
    }
    _ = try checked(cl_sync_file(directory))
  }

  private static func give(
    _ name: String, to descriptor: Int32, in directory: Int32
  ) throws(Errno) {
    _ = try checked(unsafe cl_name_file(descriptor, directory, name))
  }

  private static func removeIfThere(_ name: String, in directory: Int32) throws(Errno) {
    do throws(Errno) {
      _ = try checked(unsafe cl_remove_within(directory, name))
    } catch .noSuchFile { return } catch { throw error }
  }

  /// When the contents and when anything of a file was changed last, in nanoseconds since 1970; of a
  /// link itself.
  public static func times(_ path: String) throws(Errno) -> (modified: Int64, changed: Int64) {
    if path.utf8.contains(0) { throw .invalidArgument }
    var (modified, changed): (Int64, Int64) = (0, 0)
    _ = try checked(unsafe cl_file_times(-100, path, 0x100, &modified, &changed))
    return (modified, changed)
  }
}

/// What `stat` said about one file or directory.
public struct FileFacts: Sendable, Equatable {
  /// The absolute path, for messages.
  public var path: String
  /// The owner's number.
  public var owner: UInt32
  /// The permission bits with set-id and sticky bits (`st_mode & 07777`).
  public var mode: UInt32

  /// Makes facts.
  public init(path: String, owner: UInt32, mode: UInt32) {
    self.path = path
    self.owner = owner
    self.mode = mode
  }
}

/// Whether a profile is the word of someone who may give it.
///
/// Whoever can write a profile decides what its server may do. So the file and every directory
/// on the way to it must belong to root or to the caller, and be writable by nobody else.
///
/// *Limits.* The facts must be of the opened file and of the directories really walked, those
/// of symbolic links included. Access control lists count as far as the kernel shows them in the
/// group's bits, which holds for every entry that grants writing.
public enum ProfileTrust {
  /// Why a profile is not trusted, and what mends it.
  public struct Refusal: Error, Sendable, Equatable {
    /// What is wrong, in the words of a message.
    public var message: String
    /// What to do.
    public var hint: String
  }

  private static let sticky: UInt32 = 0o1000
  private static let writableByOthers: UInt32 = 0o022

  /// The first reason not to trust a profile; nil when there is none.
  ///
  /// - Parameters:
  ///   - file: the opened profile.
  ///   - directories: every directory from `/` to the file's own, and to each link's own.
  ///   - links: the symbolic links on the way; whoever owns one could point it elsewhere, even in
  ///     a sticky directory.
  ///   - caller: the effective user's number.
  public static func refusal(
    file: FileFacts, directories: [FileFacts], links: [FileFacts] = [], caller: UInt32
  ) -> Refusal? {
    for link in links {
      if let refusal = ownership(link, caller) { return refusal }
    }
    for directory in directories {
      if let refusal = ownership(directory, caller) { return refusal }
      // In a sticky directory others can add files, but not replace this one.
      let isOpen = directory.mode & writableByOthers != 0 && directory.mode & sticky == 0
      guard !isOpen else {
        return Refusal(
          message: "others can write the profile's directory \(quotedPath(directory.path))",
          hint: "chmod go-w \(shellQuoted(directory.path))")
      }
    }
    if let refusal = ownership(file, caller) { return refusal }
    guard file.mode & writableByOthers == 0 else {
      return Refusal(
        message: "others can write the profile \(quotedPath(file.path))",
        hint: "chmod go-w \(shellQuoted(file.path))")
    }
    return nil
  }

  /// The grant of a profile by which its own server could change it; nil when there is none.
  ///
  /// - Parameter path: the profile's real path, as plain absolute text.
  public static func writeGrant(over path: String, in profile: Profile) -> Profile.PathGrant? {
    profile.filesystem.write.first { PathText.covers($0.path, path) }
  }

  private static func ownership(_ facts: FileFacts, _ caller: UInt32) -> Refusal? {
    guard facts.owner != 0, facts.owner != caller else { return nil }
    return Refusal(
      message:
        "\(quotedPath(facts.path)) belongs to user \(facts.owner), who could change the profile",
      hint: "copy the profile to a directory of your own")
  }
}

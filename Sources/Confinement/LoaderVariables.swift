internal import Linux

/// Environment variables that decide what code a program loads or runs, by who reads them.
///
/// None of them reaches a server unless the profile sets it: not from the caller, not from a
/// preset. What the cell sets itself in these families is named below and loads nothing that the
/// profile's command did not ask for.
public enum LoaderVariables {
  /// Variables that belong together.
  public struct Family: Hashable, Sendable {
    /// What reads them, for messages.
    public var reader: String
    /// Names; one that ends in `*` stands for all that begin so.
    public var names: [String]

    /// Whether a name is one of these.
    public func holds(_ name: String) -> Bool {
      names.contains { pattern in
        pattern.utf8.last == UInt8(ascii: "*")
          ? name.utf8.starts(with: pattern.utf8.dropLast()) : pattern.utf8.elementsEqual(name.utf8)
      }
    }
  }

  /// All families, in the order of the docs. The first is what glibc itself takes from a program
  /// that runs with more rights than its caller (sysdeps/generic/unsecvars.h).
  public static let families = [
    Family(
      reader: "the dynamic loader",
      names: [
        "LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN",
        "LOCPATH", "MALLOC_*", "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR",
        "OPENSSL_*",
      ]),
    Family(reader: "Python", names: ["PYTHON*"]),
    Family(
      reader: "Node, Bun and Deno",
      names: ["NODE_*", "npm_config_*", "NPM_CONFIG_*", "BUN_*", "DENO_*"]),
    Family(
      reader: "shells",
      names: [
        "BASH_ENV", "ENV", "BASH_FUNC_*", "BASHOPTS", "SHELLOPTS", "PROMPT_COMMAND", "PS4", "IFS",
        "CDPATH", "ZDOTDIR",
      ]),
    Family(reader: "Perl", names: ["PERL*"]),
    Family(reader: "Ruby", names: ["RUBY*", "GEM_*", "BUNDLE_*"]),
    Family(
      reader: "Java",
      names: [
        "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "CLASSPATH",
      ]),
    Family(reader: ".NET", names: ["DOTNET_*", "CORECLR_*", "COMPlus_*"]),
    Family(
      reader: "PHP and Lua",
      names: ["PHPRC", "PHP_INI_SCAN_DIR", "LUA_INIT*", "LUA_PATH*", "LUA_CPATH*"]),
    Family(reader: "Git", names: ["GIT_*"]),
    Family(
      reader: "whatever starts another program",
      names: ["EDITOR", "VISUAL", "PAGER", "BROWSER", "SSH_ASKPASS", "SUDO_ASKPASS"]),
  ]

  /// What presets and discovery set in these families: two switches without a path, the directory
  /// of the Python packages that discovery granted, and a switch of npm.
  static let own = [
    "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONUSERBASE", "npm_config_update_notifier",
  ]

  /// The family of a name; nil if it is in none.
  public static func family(of name: String) -> Family? { families.first { $0.holds(name) } }

  /// Git's variables that name a place of data and nothing that is run.
  private static let data = [
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES",
  ]

  /// Whether a path in the value of this variable may hold code.
  static func loads(_ name: String) -> Bool {
    family(of: name) != nil && !data.contains { Paths.equal($0, name) }
  }

  /// Variables whose values are paths and nothing else: there a word without a slash is one, too, and an
  /// empty element is the working directory.
  private static let lists = [
    "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "GCONV_PATH", "PYTHONPATH", "PYTHONHOME",
    "PYTHONSTARTUP", "NODE_PATH", "BASH_ENV", "ENV", "PERL5LIB", "PERLLIB", "RUBYLIB", "GEM_PATH",
    "GEM_HOME", "CLASSPATH", "GIT_EXEC_PATH",
  ]

  /// The paths in a value, whatever stands between them; what is relative is taken from the working
  /// directory.
  static func paths(in value: String, of name: String, workdir: String) -> [String] {
    let borders: [UInt8] = [0x20, 0x09, 0x0A] + [UInt8](":;,=\"'".utf8)
    let isList = !value.isEmpty && lists.contains { Paths.equal($0, name) }
    let here = Array("/proc/self/cwd".utf8)
    let parts = value.utf8.split(omittingEmptySubsequences: !isList) { borders.contains($0) }
    return parts.compactMap { part in
      let behind = part.dropFirst(here.count)
      if part.starts(with: here), behind.isEmpty || behind.first == 0x2F {
        return workdir + String(Substring(behind))
      }
      let isRelative = part.first != UInt8(ascii: "/") && part.first != UInt8(ascii: "-")
      if isRelative, isList || part.first == UInt8(ascii: ".") && part.contains(0x2F) {
        return workdir + "/" + String(Substring(part))
      }
      // "-I/path" and "-javaagent:/path": from the first slash on.
      guard let start = part.firstIndex(of: UInt8(ascii: "/")) else { return nil }
      let head = part[..<start]
      guard head.isEmpty || head.first == UInt8(ascii: "-") else { return nil }
      // As in file:///path, of which this is what follows the colon.
      return "/" + String(Substring(part[start...].drop { $0 == 0x2F }))
    }
  }
}

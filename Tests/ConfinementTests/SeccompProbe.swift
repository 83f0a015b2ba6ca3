import Foundation

@testable import Confinement

/// Whether a lack of this machine is a failure.
let mustWork = ProcessInfo.processInfo.environment["ANCHORHOLD_MUST_WORK"] == "1"

/// Compiles and runs `Tests/SeccompProbe/seccomp_probe.c`.
enum SeccompProbe {
  enum Answer: Equatable, CustomStringConvertible {
    case value(Int)
    case errno(Int)
    case signal(Int)

    var description: String {
      switch self {
      case .value(let value): "value \(value)"
      case .errno(let errno): "errno \(errno)"
      case .signal(let signal): "signal \(signal)"
      }
    }
  }

  struct Call {
    var i386 = false
    var number: UInt64
    var arguments: [UInt64] = []

    var line: String {
      (i386 ? "i386 " : "")
        + ([number] + arguments).map { String($0, radix: 16) }.joined(separator: " ") + "\n"
    }
  }

  static let directory = FileManager.default.temporaryDirectory
    .appending(path: "anchorhold-seccomp-\(ProcessInfo.processInfo.processIdentifier)")

  static let compiler = "/usr/bin/gcc"
  static let hasCompiler = FileManager.default.isExecutableFile(atPath: compiler)

  /// There is no probe, or its source is wrong.
  struct NotCompiled: Error {}

  /// The compiled probe; nil if it cannot be compiled.
  static let executable: URL? = {
    let source = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../SeccompProbe/seccomp_probe.c")
    let output = directory.appending(path: "probe")
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let compiled = try run(
        URL(filePath: compiler),
        ["-O1", "-Wall", "-Wextra", "-Werror", "-o", output.path, source.path])
      guard compiled.status == 0 else { return nil }
      return output
    } catch {
      return nil
    }
  }()

  /// Writes a program where the probe can load it; nil stands for no filter.
  static func file(_ program: SeccompProgram?, _ name: String) throws -> String {
    guard let program else { return "none" }
    let file = directory.appending(path: name)
    try Data(program.bytes).write(to: file)
    return file.path
  }

  static func answers(_ calls: [Call], under program: SeccompProgram?) throws -> [Answer] {
    guard let executable else { throw NotCompiled() }
    let name = program.map { "\($0.rules.name)-\(UUID().uuidString)" } ?? "none"
    let output = try run(
      executable, [try file(program, name), "calls"], input: calls.map(\.line).joined())
    return output.text.split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      let number = Int(words[1]) ?? -1
      return switch words[0] {
      case "errno": .errno(number)
      case "signal": .signal(number)
      default: .value(number)
      }
    }
  }

  static func run(
    _ executable: URL, _ arguments: [String], input: String = "",
    environment: [String: String]? = nil
  ) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    if let environment { process.environment = environment }
    let inputFile = FileManager.default.temporaryDirectory
      .appending(path: "anchorhold-input-\(UUID().uuidString)")
    try Data(input.utf8).write(to: inputFile)
    defer { try? FileManager.default.removeItem(at: inputFile) }
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}

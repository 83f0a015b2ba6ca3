import Foundation
import Testing

@testable import Profile

@Suite("The shipped profiles")
struct ShippedTests {
  private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test("those inside the program are the files below profiles")
  func embedded() throws {
    let directory = Self.directory.appending(path: "profiles")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path())
      .filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(ShippedProfiles.all.map { $0.name + ".yaml" } == files, "run profiles/embed.sh")
    for (name, text) in ShippedProfiles.all {
      let file = try Data(contentsOf: directory.appending(path: name + ".yaml"))
      #expect(Array(text.utf8) == Array(file), "run profiles/embed.sh")
    }
  }

  @Test(
    "each is good, bears its own name and says what it is for",
    arguments: [
      "default", "git", "sqlite", "time",
    ])
  func good(_ name: String) throws {
    let text = try #require(ShippedProfiles.text(of: name))
    var loader = ProfileLoader(file: name)
    loader.requiresSettings = false
    let (loaded, diagnostics) = loader.load(text)
    #expect(!diagnostics.contains { $0.severity == .error })
    let profile = try #require(loaded)
    #expect(profile.name == name)
    #expect(!profile.description.isEmpty)
    #expect(profile.filesystem.write.isEmpty == (name != "sqlite"))
  }

  @Test(
    "the profile git lets only tools through that read",
    arguments: [
      "git_add", "git_commit", "git_reset", "git_checkout", "git_create_branch",
    ])
  func git(_ writing: String) throws {
    let text = try #require(ShippedProfiles.text(of: "git"))
    let setting = ProfileLoader.Setting(name: "repository", value: "/src")
    let profile = try #require(
      ProfileLoader(file: "git", settings: [setting]).load(text).profile)
    let names = profile.tools.allow.map(\.name)
    #expect(profile.tools.allow.allSatisfy { !$0.isPattern })
    #expect(names.contains { $0.value == "git_status" })
    #expect(!names.contains { $0.value == writing })
    #expect(profile.filesystem.read.map(\.path) == ["/src"])
    #expect(profile.server.programs.map(\.value) == ["git"])
    // Git compares the real path, which the profile cannot know.
    let safe = profile.server.environment.first { $0.name == "GIT_CONFIG_VALUE_0" }
    #expect(safe?.value == "*")
  }

  /// Lists that real servers gave.
  static let recordedTools =
    (ProcessInfo.processInfo.environment["ANCHORHOLD_SHARED"]
      ?? directory.appending(path: "../shared").path()) + "/data/tools"

  @Test(
    "every tool that a profile names is one that its server has",
    .enabled(
      if: FileManager.default.fileExists(atPath: recordedTools), "the shared test data is not here"),
    arguments: [
      "git", "sqlite", "time",
    ])
  func realTools(_ name: String) throws {
    let path = "\(Self.recordedTools)/tools_mcp-server-\(name).json"
    let data = try #require(FileManager.default.contents(atPath: path))
    let recorded = String(decoding: data, as: UTF8.self)
    var loader = ProfileLoader(file: name)
    loader.requiresSettings = false
    let profile = try #require(loader.load(ShippedProfiles.text(of: name) ?? []).profile)
    for tool in profile.tools.allow {
      #expect(recorded.contains("\"\(tool.name.value)\""), "\(tool.name.value)")
      for (argument, _) in tool.arguments {
        #expect(recorded.contains("\"\(argument)\""), "\(tool.name.value) \(argument)")
      }
    }
  }
}

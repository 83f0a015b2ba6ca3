import Foundation
import Testing

@testable import Profile

@Suite("Any bytes at all")
struct MutationTests {
  /// A small generator with a fixed seed, so that a failure can be seen again.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let mixed = (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd
      return mixed ^ (mixed >> 33)
    }
  }

  @Test("no mutation of a vector crashes the parser, and each gets a profile or an error")
  func mutations() throws {
    var generator = Generator(state: 42)
    let pieces = ["*", "&a ", "!x ", "${", "}", "[", "{", "\t", "\u{FEFF}", "- ", ": ", "\n", "\0"]
      .map { Array($0.utf8) }
    for vector in try Vector.all() {
      for _ in 0..<60 {
        var text = vector.text
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          let index = Int.random(in: 0...text.count, using: &generator)
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: text.insert(UInt8.random(in: 0...255, using: &generator), at: index)
          case 1: text.removeSubrange(index..<min(text.count, index + 3))
          case 2: text.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: index)
          default: text = Array(text[..<index]) + Array(text[(index / 2)...])
          }
        }
        let (profile, diagnostics) = vector.loader.load(text)
        #expect((profile == nil) == diagnostics.contains { $0.severity == .error })
        let lines = text.count { $0 == 0x0A } + 1
        #expect(
          diagnostics.allSatisfy { (0...lines).contains($0.line) },
          "\(diagnostics) \(text)")
      }
    }
  }

  @Test(
    "a pile of brackets, keys or quotes is refused without taking long",
    arguments: [
      "[", "{a: ", "- ", "? ", "\"", "'", "a: [", "!!x ", "| ", "%", "- - ", "{", "? - ",
    ])
  func piles(_ piece: String) {
    let text = Array(String(repeating: piece, count: 20_000).utf8)
    let started = ContinuousClock.now
    #expect(ProfileLoader(file: "p").load(text).profile == nil)
    #expect(ContinuousClock.now - started < .seconds(30))
  }

  @Test(
    "many keys and many anchors are refused without taking long",
    arguments: [
      "k%: 1\n", "- &a% x\n", "? [a]\n: b%\n",
    ])
  func many(_ line: String) {
    let text = (0..<20_000).map { line.replacing("%", with: "\($0)") }.joined()
    let started = ContinuousClock.now
    #expect(ProfileLoader(file: "p").load(Array(text.utf8)).profile == nil)
    #expect(ContinuousClock.now - started < .seconds(30))
  }
}

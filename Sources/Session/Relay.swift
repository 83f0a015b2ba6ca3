internal import Audit
internal import Linux
internal import Policy

/// The process that parses what client and server write (promises P2, P3, P4 and P7).
///
/// It is forked by the monitor and confined before ``run(_:)``: it can read, write and close the
/// descriptors of its configuration, wait for them, read the clock and end, and nothing else.
enum Relay {
  /// What a server is compared with; throws where that is not whole.
  private static func settings(
    _ given: RelayPins, keepsLast: Bool
  ) throws(PinBook.Fault) -> PinSettings {
    let settings = PinSettings(
      isStrict: given.isStrict, book: try PinBook(given.body[...]), keepsLast: keepsLast,
      digest: { PinDigest(Digest.sha256($0.span)) })
    // With something missing it would be taken for seen the first time, again and again.
    let digests = settings.book.digests(settings.digest)
    guard digests.tools == given.tools, digests.instructions == given.instructions else {
      throw PinBook.Fault(line: 0)
    }
    return settings
  }

  /// Relays until the session is over or the monitor is gone. The monitor must have made broken
  /// pipes errors (`Signal.ignoreBrokenPipe`) before, because no signal can be set up here.
  static func run(_ configuration: RelayConfiguration) -> Never {
    let pins: PinSettings?
    do throws(PinBook.Fault) {
      pins = try configuration.pins.map { (given) throws(PinBook.Fault) in
        try settings(given, keepsLast: configuration.inspection != nil)
      }
    } catch {
      do throws(Errno) {
        try ControlMessage(.badPins, [Int64(error.line)])
          .send(to: configuration.control, waiting: true)
      } catch { Process.exit(1) }
      Process.exit(0)
    }
    var loop = RelayLoop(configuration, pins)
    do {
      try loop.run()
    } catch {
      do {
        try loop.tell(.failed, [Int64(error.rawValue)])
      } catch {
        Process.exit(1)
      }
      Process.exit(1)
    }
    Process.exit(0)
  }
}

extension Profile {
  /// What bounds calls in time and number: of one entry of `tools.allow`, or of all calls together.
  public struct CallLimits: Sendable {
    /// How many calls may be made per time; nil is as many as one likes.
    public var rate: Located<Rate>?
    /// How many calls may be in flight; nil is as many as `messages.in_flight` lets.
    public var inFlight: Located<Int>?
    /// How long a call may take; of an entry, nil is what the section says.
    public var timeout: Timeout?
    /// When a tool that fails is closed for a while; of an entry, nil is what the section says.
    public var breaker: BreakerUse?

    /// Makes limits that bound nothing.
    public init() {}
  }

  /// How long a call may take.
  public enum Timeout: Sendable, Equatable {
    /// As long as it takes.
    case unlimited
    /// So many seconds.
    case seconds(UInt64)
  }

  /// `rate` and `burst`: so many calls per period, and so many at once.
  public struct Rate: Sendable, Equatable {
    /// What calls are counted per; raw values are the units of the format.
    public enum Period: String, Sendable, CaseIterable {
      /// Per second.
      case second = "s"
      /// Per minute.
      case minute = "min"
      /// Per hour.
      case hour = "h"

      /// How many seconds it has.
      public var seconds: Int {
        switch self {
        case .second: 1
        case .minute: 60
        case .hour: 3600
        }
      }
    }

    /// Calls per period: 1 to 1,000,000.
    public var count: Int
    /// The period.
    public var period: Period
    /// Calls that may be made at once after a time without any; as many as `count` unless given.
    public var burst: Int

    /// Makes a rate.
    public init(_ count: Int, per period: Period, burst: Int? = nil) {
      self.count = count
      self.period = period
      self.burst = burst ?? count
    }

    /// Reads `30/min`; nil when it is none.
    init?(_ text: String, burst: Int? = nil) {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let period = Period(rawValue: String(parts[1])),
        parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), parts[0].utf8.first != 0x30,
        let count = Int(parts[0]), (1...1_000_000).contains(count)
      else { return nil }
      self.init(count, per: period, burst: burst)
    }

    /// What someone may have meant by a rate that is none: `30/m`, `30 per minute` → `30/min`.
    static func likely(_ text: String) -> String? {
      let number = text.prefix { $0.isASCII && $0.isNumber }
      let rest = text.dropFirst(number.count).drop { $0 == " " || $0 == "/" }
      let word = rest.hasPrefix("per ") ? rest.dropFirst(4) : rest
      let unit: Period? =
        switch word.lowercased() {
        case "s", "sec", "second": .second
        case "m", "min", "minute": .minute
        case "h", "hr", "hour": .hour
        default: nil
        }
      return unit.map { "\(number)/\($0.rawValue)" }.flatMap { Profile.Rate($0) == nil ? nil : $0 }
    }

    /// The rate as a profile writes it.
    public var text: String { "\(count)/\(period.rawValue)" }
  }

  /// Whether there is a circuit breaker.
  public enum BreakerUse: Sendable, Equatable {
    /// There is none.
    case off
    /// There is one, for each tool its own.
    case on(Breaker)
  }

  /// When a tool that fails is closed, and when it is opened again.
  public struct Breaker: Sendable, Equatable {
    /// Failures within the window that close the tool; 5 unless given.
    public var failures = 5
    /// Answers within the window below which it is never closed; as many as failures unless given.
    public var minimum = 5
    /// How many seconds are looked back on; 60 unless given.
    public var window: UInt64 = 60
    /// How many seconds it stays closed before a call is let through on trial; 30 unless given.
    public var pause: UInt64 = 30
    /// Calls on trial that must succeed one after the other; 1 unless given.
    public var successes = 1
    /// Whether results that say `isError` are failures; true unless given.
    public var countsToolErrors = true

    /// Makes a breaker with the defaults.
    public init() {}
  }

  /// `tools.budget`: what one session may use up.
  public struct CallBudget: Sendable {
    /// Calls that reach the server; nil is as many as one likes.
    public var calls: Located<Int>?
    /// Bytes of such calls and their answers; nil is as many as one likes.
    public var bytes: Located<Int>?

    /// Makes a budget without bounds.
    public init() {}
  }
}

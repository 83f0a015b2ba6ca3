internal import CLinux

/// Readings of the kernel's clocks (clock_gettime(2)).
public enum Clock {
  /// Microseconds since some fixed point; never goes back. `CLOCK_MONOTONIC`.
  public static func monotonicMicroseconds() -> Int64 { cl_monotonic_microseconds() }
  /// Microseconds since the machine was started, sleep included. `CLOCK_BOOTTIME`.
  public static func bootMicroseconds() -> Int64 { cl_boot_microseconds() }
  /// Microseconds since 1970-01-01T00:00:00Z. `CLOCK_REALTIME`.
  public static func wallMicroseconds() -> Int64 { cl_wall_microseconds() }
}

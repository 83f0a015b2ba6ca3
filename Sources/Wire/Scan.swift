// The only file of this room with unsafe expressions. Each function stays inside the bounds of
// the spans that it is given whatever their contents are; the arguments are re-checked here and
// not trusted.

private let quotes: UInt64 = 0x2222_2222_2222_2222
private let backslashes: UInt64 = 0x5c5c_5c5c_5c5c_5c5c
private let spaces: UInt64 = 0x2020_2020_2020_2020
private let ones: UInt64 = 0x0101_0101_0101_0101
private let tops: UInt64 = 0x8080_8080_8080_8080

/// Marks (in the top bit of its byte) the first byte of eight that is a quote, a backslash, a
/// control or not ASCII; marks after the first may be wrong, no mark at all is right.
@inline(__always)
private func special(_ word: UInt64) -> UInt64 {
  let quote = word ^ quotes
  let backslash = word ^ backslashes
  let below = (word &- spaces) & ~word
  let equal = ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
  // 0x7F has its top bit set when one is added; what is carried on comes from a byte above it.
  return (below | equal | word | (word &+ ones)) & tops
}

/// Marks (in the top bit of its byte) the first byte of eight that is zero; marks after the first may
/// be wrong, no mark at all is right.
@inline(__always)
private func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & tops }

/// Whether any of 32 bytes is a quote, a backslash, a control or not ASCII.
@inline(__always)
private func hasSpecial(_ v: SIMD4<UInt64>) -> Bool {
  let quote = v ^ SIMD4(repeating: quotes)
  let backslash = v ^ SIMD4(repeating: backslashes)
  let one = SIMD4<UInt64>(repeating: ones)
  let below = (v &- SIMD4(repeating: spaces)) & ~v
  let mark =
    below | ((quote &- one) & ~quote) | ((backslash &- one) & ~backslash) | v | (v &+ one)
  return (mark[0] | mark[1] | mark[2] | mark[3]) & tops != 0
}

/// Copies bytes from `start` on as long as they may stand in a JSON string as they are and are
/// ASCII (no quote, no backslash, no control), and returns where it stopped.
///
/// It also stops where `out` is full.
@inline(__always)
func copyPlain(_ input: Span<UInt8>, from start: Int, to out: inout OutputSpan<UInt8>) -> Int {
  unsafe input.withUnsafeBytes { source in
    unsafe out.withUnsafeMutableBufferPointer { buffer, count in
      let target = UnsafeMutableRawBufferPointer(buffer)
      let room = min(source.count - start, target.count - count)
      guard start >= 0, room > 0, let from = unsafe source.baseAddress?.advanced(by: start),
        let to = unsafe target.baseAddress?.advanced(by: count)
      else { return start }
      var done = 0
      while done + 8 <= room {
        let word = unsafe from.loadUnaligned(fromByteOffset: done, as: UInt64.self)
        unsafe to.storeBytes(of: word, toByteOffset: done, as: UInt64.self)
        let mark = special(UInt64(littleEndian: word))
        if mark != 0 {
          done += mark.trailingZeroBitCount / 8
          count += done
          return start + done
        }
        done += 8
        if done >= 32 {
          while done + 32 <= room {
            let block = unsafe from.loadUnaligned(fromByteOffset: done, as: SIMD4<UInt64>.self)
            if hasSpecial(block) { break }
            unsafe to.storeBytes(of: block, toByteOffset: done, as: SIMD4<UInt64>.self)
            done += 32
          }
        }
      }
      while done < room {
        let byte = unsafe from.load(fromByteOffset: done, as: UInt8.self)
        if byte == 0x22 || byte == 0x5c || byte < 0x20 || byte >= 0x7F { break }
        unsafe to.storeBytes(of: byte, toByteOffset: done, as: UInt8.self)
        done += 1
      }
      count += done
      return start + done
    }
  }
}

/// Where the first byte is, from `start` on, that is a quote, a backslash, a control or not ASCII;
/// the end if there is none.
public func plainEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
  unsafe bytes.withUnsafeBytes { source in
    var at = max(start, 0)
    let end = source.count
    guard at < end, let base = source.baseAddress else { return end }
    while at + 8 <= end {
      let word = unsafe base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      let mark = special(UInt64(littleEndian: word))
      if mark != 0 { return at + mark.trailingZeroBitCount / 8 }
      at += 8
      while at + 32 <= end {
        let block = unsafe base.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self)
        if hasSpecial(block) { break }
        at += 32
      }
    }
    while at < end {
      let byte = unsafe base.load(fromByteOffset: at, as: UInt8.self)
      if byte == 0x22 || byte == 0x5c || byte < 0x20 || byte >= 0x7F { break }
      at += 1
    }
    return at
  }
}

/// Where the first byte equal to `one` or `other` is, from `start` on; the end if there is none.
@inline(__always)
func firstIndex(of one: UInt8, or other: UInt8, in bytes: Span<UInt8>, from start: Int) -> Int {
  unsafe bytes.withUnsafeBytes { source in
    var at = max(start, 0)
    let end = source.count
    guard at < end, let base = source.baseAddress else { return end }
    let first = SIMD4<UInt64>(repeating: ones &* UInt64(one))
    let second = SIMD4<UInt64>(repeating: ones &* UInt64(other))
    let low = SIMD4<UInt64>(repeating: ones)
    while at + 32 <= end {
      let block = unsafe base.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self)
      let a = block ^ first
      let b = block ^ second
      let mark = ((a &- low) & ~a) | ((b &- low) & ~b)
      if (mark[0] | mark[1] | mark[2] | mark[3]) & tops != 0 { break }
      at += 32
    }
    while at + 8 <= end {
      let word = unsafe UInt64(
        littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      let mark = zeros(word ^ first[0]) | zeros(word ^ second[0])
      if mark != 0 { return at + mark.trailingZeroBitCount / 8 }
      at += 8
    }
    while at < end {
      let byte = unsafe base.load(fromByteOffset: at, as: UInt8.self)
      if byte == one || byte == other { break }
      at += 1
    }
    return at
  }
}

/// Where the first byte equal to `one` is, from `start` on; the end if there is none.
func firstIndex(of one: UInt8, in bytes: Span<UInt8>, from start: Int) -> Int {
  unsafe bytes.withUnsafeBytes { source in
    var at = max(start, 0)
    let end = source.count
    guard at < end, let base = source.baseAddress else { return end }
    let wanted = SIMD8<UInt64>(repeating: ones &* UInt64(one))
    let low = SIMD8<UInt64>(repeating: ones)
    while at + 64 <= end {
      let block =
        unsafe base.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt64>.self) ^ wanted
      let mark = (block &- low) & ~block
      let half = mark.lowHalf | mark.highHalf
      if (half[0] | half[1] | half[2] | half[3]) & tops != 0 { break }
      at += 64
    }
    while at + 8 <= end {
      let word = unsafe UInt64(
        littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      let mark = zeros(word ^ wanted[0])
      if mark != 0 { return at + mark.trailingZeroBitCount / 8 }
      at += 8
    }
    while at < end, unsafe base.load(fromByteOffset: at, as: UInt8.self) != one { at += 1 }
    return at
  }
}

/// A hash of some bytes with the seed of this process, so that nobody can prepare collisions.
public func seededHash(_ bytes: Span<UInt8>) -> UInt64 {
  var hasher = Hasher()
  unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
  return UInt64(UInt(bitPattern: hasher.finalize()))
}

extension StaticString {
  /// Whether a range of bytes is exactly this text.
  @inline(__always)
  func equals(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    guard range.count == utf8CodeUnitCount else { return false }
    let start = unsafe utf8Start
    var index = 0
    while index < range.count {
      if unsafe start[index] != bytes[range.lowerBound + index] { return false }
      index += 1
    }
    return true
  }

  /// Whether the bytes of a span from `start` to `end` are exactly this text.
  @inline(__always)
  func equals(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard end - start == utf8CodeUnitCount else { return false }
    let text = unsafe utf8Start
    var index = 0
    while start + index < end {
      if unsafe text[index] != bytes[start + index] { return false }
      index += 1
    }
    return true
  }

  /// Appends this text's bytes.
  @inline(__always)
  func append(to bytes: inout [UInt8]) {
    unsafe bytes.append(
      contentsOf: UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount))
  }
}

/// Writing in place, for text whose size is known before. Each call traps where the room is too small.
extension OutputSpan<UInt8> {
  /// Appends a text that the program itself wrote.
  @inlinable @inline(__always)
  public mutating func append(text: StaticString) {
    let length = text.utf8CodeUnitCount
    precondition(length <= freeCapacity)
    unsafe withUnsafeMutableBufferPointer { buffer, count in
      guard let base = buffer.baseAddress else { return }
      unsafe (base + count).update(from: text.utf8Start, count: length)
      count += length
    }
  }

  /// Appends bytes as they are.
  @inlinable @inline(__always)
  public mutating func append(bytes: Span<UInt8>) {
    let length = bytes.count
    precondition(length <= freeCapacity)
    unsafe withUnsafeMutableBufferPointer { buffer, count in
      unsafe bytes.withUnsafeBufferPointer { source in
        guard let base = buffer.baseAddress, let from = source.baseAddress else { return }
        unsafe (base + count).update(from: from, count: length)
        count += length
      }
    }
  }

  /// Appends the UTF-8 bytes of a name.
  @inlinable @inline(__always)
  public mutating func append(name: String) {
    let done: Void? = unsafe name.utf8.withContiguousStorageIfAvailable { source in
      unsafe append(bytes: source.span)
    }
    if done == nil { for byte in name.utf8 { append(byte) } }
  }

  /// Appends a number in decimal, at most 20 bytes.
  @inlinable
  public mutating func append(decimal number: Int64) {
    if number < 0 { append(UInt8(ascii: "-")) }
    let magnitude = number.magnitude
    var width = 1
    var bound: UInt64 = 10
    while width < 19, magnitude >= bound {
      width += 1
      bound &*= 10
    }
    append(digits: magnitude, width: width)
  }

  /// Appends the last `width` (1 to 20) decimal digits of a number.
  @inlinable @inline(__always)
  public mutating func append(digits number: UInt64, width: Int) {
    precondition(width >= 1 && width <= freeCapacity)
    unsafe withUnsafeMutableBufferPointer { buffer, count in
      var rest = number
      var index = count + width
      while index > count + 1 {
        let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
        let tens = UInt8(truncatingIfNeeded: pair / 10)
        index -= 2
        unsafe buffer[index] = 0x30 &+ tens
        unsafe buffer[index + 1] = 0x30 &+ UInt8(truncatingIfNeeded: pair) &- tens &* 10
        rest = quotient
      }
      if index > count {
        unsafe buffer[count] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      }
      count += width
    }
  }

  /// Appends bytes as lower-case hexadecimal digits.
  @inlinable
  public mutating func append(hex bytes: Span<UInt8>) {
    precondition(bytes.count * 2 <= freeCapacity)
    unsafe withUnsafeMutableBufferPointer { buffer, count in
      for index in 0..<bytes.count {
        // Both digits at once, one in each half of a word: above 9 the letters begin.
        let byte = UInt16(bytes[index])
        let digits = byte >> 4 | (byte & 0xf) << 8
        let letters = ((digits &+ 0x0606) >> 4) & 0x0101
        let text = digits &+ 0x3030 &+ letters &* 0x27
        unsafe buffer[count] = UInt8(truncatingIfNeeded: text)
        unsafe buffer[count + 1] = UInt8(truncatingIfNeeded: text >> 8)
        count += 2
      }
    }
  }
}

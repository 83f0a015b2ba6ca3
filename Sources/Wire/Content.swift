extension Document {
  /// Whether a range of the canonical bytes, such as the key of a member, is exactly this text.
  @inline(__always)
  public func content(_ range: Range<Int>, equals text: StaticString) -> Bool {
    text.equals(bytes, range)
  }
}

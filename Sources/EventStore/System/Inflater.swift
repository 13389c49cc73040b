import CZlib

/// Takes bytes out of one gzip stream (RFC 1952) by zlib, which checks header, CRC-32 and length of each member.
@safe final class Inflater {
  enum State: Equatable {
    /// More input is needed, or there is more output to fetch.
    case goesOn
    /// A member ended, and its checks held; call ``beginMember()`` before the next.
    case memberEnded
    /// What is wrong, in zlib's words.
    case damaged(String)
  }

  // zlib keeps the address of the stream, so it has a fixed place until the end.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isReady: Bool

  init() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15 bits of window, and 16 for gzip's own header and trailer.
    isReady =
      unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    // Safe because nothing else knows the stream.
    unsafe inflateEnd(stream)
    unsafe stream.deinitialize(count: 1)
    unsafe stream.deallocate()
  }

  func beginMember() {
    unsafe isReady = inflateReset(stream) == Z_OK
  }

  /// Puts at most `limit` bytes behind `output`.
  ///
  /// - Returns: how many bytes of `input` were used, and how it goes on.
  func inflate(
    _ input: Span<UInt8>, behind output: inout [UInt8], atMost limit: Int
  ) -> (used: Int, state: State) {
    guard isReady else { return (0, .damaged("zlib cannot be set up")) }
    let before = output.count
    output.append(contentsOf: repeatElement(0, count: limit))
    // Safe because zlib gets the exact lengths, and both pointers are taken back before they end.
    let result = unsafe input.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
          mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = UInt32(source.count)
        unsafe stream.pointee.next_out =
          target.baseAddress?.advanced(by: before).assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(limit)
        let code = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
        return code
      }
    }
    output.removeLast(Int(unsafe stream.pointee.avail_out))
    let used = input.count - Int(unsafe stream.pointee.avail_in)
    switch result {
    case Z_OK, Z_BUF_ERROR: return (used, .goesOn)
    case Z_STREAM_END: return (used, .memberEnded)
    default:
      // Safe because the text is a constant of zlib.
      let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      return (used, .damaged(text ?? "zlib's error \(result)"))
    }
  }
}

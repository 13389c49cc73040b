import Glibc

/// Lines that could not be taken, as NDJSON: `file`, `line`, `code`, `message`, and `text` or `text_base64`.
///
/// The file is made with the first rejected line, and appended to if it is there.
final class RejectsFile {
  let path: String
  private var file: CInt = -1
  private var buffer: [UInt8] = []

  init(path: String) { self.path = path }

  deinit { if file >= 0 { Glibc.close(file) } }

  var isOpen: Bool { file >= 0 }

  func add(
    file name: String, line: Int, _ rejection: Rejection, _ text: Span<UInt8>
  ) throws(EventStoreError) {
    if file < 0 {
      do throws(LMDBError) {
        file = try Files.open(path, O_WRONLY | O_CREAT | O_APPEND)
      } catch {
        throw EventStoreError(error, "open the rejects file `\(path)`", path: path)
      }
    }
    buffer += "{\"file\":".utf8
    JSONWriting.append(Array(name.utf8), to: &buffer)
    buffer += ",\"line\":\(line),\"code\":\"\(rejection.code)\",\"message\":".utf8
    JSONWriting.append(Array(rejection.message.utf8), to: &buffer)
    var bytes: [UInt8] = []
    bytes.append(text)
    if isUTF8(bytes) {
      buffer += ",\"text\":".utf8
      JSONWriting.append(bytes, to: &buffer)
    } else {
      buffer += ",\"text_base64\":\"".utf8
      Base64.append(bytes, to: &buffer)
      buffer.append(UInt8(ascii: "\""))
    }
    buffer += "}\n".utf8
    if buffer.count > 1 << 16 { try flush() }
  }

  private func isUTF8(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }

  private func flush() throws(EventStoreError) {
    do throws(LMDBError) {
      try Files.write(buffer.span, to: file)
    } catch {
      throw EventStoreError(error, "write the rejects file `\(path)`", path: path)
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Flushes to the medium.
  func close() throws(EventStoreError) {
    guard file >= 0 else { return }
    try flush()
    guard fsync(file) == 0 || errno == EINVAL || errno == EROFS else {
      throw EventStoreError(
        LMDBError(errno, "flush"), "write the rejects file `\(path)`", path: path)
    }
  }
}

import EventStore
import Glibc

/// Where a command's data goes. A file appears whole, by a rename, when it is closed; one that is there passes its permissions
/// on, and a symbolic link stays one to what was written.
///
/// Several threads may write by turns.
final class OutputFile: @unchecked Sendable {
  // Safe to share: only `close` changes anything, and it is called when no thread writes any more.
  /// Of the file, behind symbolic links.
  let path: String
  private let temporary: String?
  private var file: CInt

  private init(path: String, temporary: String?, file: CInt) {
    self.path = path
    self.temporary = temporary
    self.file = file
  }

  /// Where the bytes of a plain file are until it is closed, for a library that writes files by itself; nil for a stream.
  var pathUntilClosed: String? { temporary }

  deinit {
    if let temporary, file >= 0 {
      Glibc.close(file)
      Files.remove(temporary)
    }
  }

  /// `-` is standard output; what is there and no plain file (a pipe, a device) is written as it is.
  static func open(_ path: String) throws -> OutputFile {
    if path == "-" { return OutputFile(path: path, temporary: nil, file: 1) }
    // Safe because the status outlives the call.
    var status = stat()
    let isThere = unsafe stat(path, &status) == 0
    let isSpecial = isThere && status.st_mode & S_IFMT != S_IFREG
    if isSpecial && status.st_mode & S_IFMT == S_IFDIR {
      throw failure(path, EISDIR)
    }
    do throws(SystemError) {
      if isSpecial {
        return OutputFile(path: path, temporary: nil, file: try Files.open(path, O_WRONLY))
      }
      let target = Files.linked(path) ?? path
      Files.removeStale(besides: target)
      let name = Files.temporary(for: target)
      let file = try Files.open(name, O_WRONLY | O_CREAT | O_TRUNC)
      let output = OutputFile(path: target, temporary: name, file: file)
      if isThere && fchmod(file, status.st_mode & 0o777) != 0 { throw SystemError(errno, "write") }
      return output
    } catch {
      throw failure(path, error.code)
    }
  }

  static func write(_ text: String, to path: String) throws {
    try open(path).end(with: text)
  }

  func end(with text: String) throws {
    try write(Array(text.utf8))
    try close()
  }

  func write(_ bytes: [UInt8]) throws {
    do throws(SystemError) {
      try Files.write(bytes.span, to: file)
    } catch {
      throw Self.failure(path, error.code)
    }
  }

  /// Flushes to the medium what was written, under the name that it has until it is closed.
  func flush() throws {
    guard temporary != nil else { return }
    if fsync(file) != 0 && errno != EINVAL && errno != EROFS { throw Self.failure(path, errno) }
  }

  func close() throws {
    guard let temporary else { return }
    let isFlushed = fsync(file) == 0 || errno == EINVAL || errno == EROFS
    let code = errno
    Glibc.close(file)
    file = -1
    do throws(SystemError) {
      if !isFlushed { throw SystemError(code, "flush") }
      try Files.rename(temporary, path)
    } catch {
      Files.remove(temporary)
      throw Self.failure(path, error.code)
    }
  }

  private static func failure(_ path: String, _ code: CInt) -> CommandError {
    let error = SystemError(code, "write")
    let isFull = code == ENOSPC || code == EDQUOT
    let free = Files.freeBytes(path) ?? Files.freeBytes(Files.parent(of: path))
    let room = isFull ? free.map { ", \($0) bytes are free" } ?? "" : ""
    return CommandError(
      exit: .couldNotRun, code: isFull ? "disk-full" : "cannot-write",
      message: "`\(path == "-" ? "standard output" : path)` cannot be written: \(error.text)\(room)"
    )
  }
}

enum StandardOutput {
  /// Columns of the terminal that standard output is; nil for files and pipes, and where it does not say.
  static let terminalWidth: Int? = {
    if isatty(1) != 1 { return nil }
    // Safe because the size outlives the call, which fills it.
    var size = winsize()
    let isKnown = unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0
    return isKnown && size.ws_col > 0 ? Int(size.ws_col) : nil
  }()

  /// Text for people: control characters of names and ids are spelled out, lines and tabs stay.
  static func show(_ text: String) throws { try write(text.printableLines) }

  static func write(_ text: String) throws {
    let file = try OutputFile.open("-")
    try file.write(Array(text.utf8))
  }
}

enum InputFile {
  private static let maximumBytes = 16 << 20

  /// The bytes of a small file; `-` is standard input.
  static func read(_ path: String, what: String) throws -> [UInt8] {
    do throws(SystemError) {
      let name = path == "-" ? "/dev/stdin" : path
      if Files.isDirectory(name) { throw SystemError(EISDIR, "read") }
      let bytes = try Files.read(name)
      if bytes.count <= maximumBytes { return bytes }
    } catch {
      throw CommandError(
        exit: .couldNotRun, code: "cannot-read",
        message: "the \(what) `\(path)` cannot be read: \(error.text)")
    }
    throw CommandError(
      exit: .couldNotRun, code: "too-large",
      message: "the \(what) `\(path)` has more than \(maximumBytes) bytes")
  }
}

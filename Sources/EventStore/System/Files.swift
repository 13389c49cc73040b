import Glibc

/// The few calls on files and directories that a store needs, with errors that name the path.
package enum Files {
  package static func exists(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0
  }

  /// - Throws: where it cannot be told, as without permission for a directory above.
  package static func isThere(_ path: String) throws(SystemError) -> Bool {
    if unsafe access(path, F_OK) == 0 { return true }
    let error = SystemError(errno, "open \(path)")
    if error.kind == .missing { return false }
    throw error
  }

  package static func isDirectory(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
  }

  package static func size(_ path: String) -> Int {
    status(path).map { Int($0.st_size) } ?? 0
  }

  /// The same file or directory, by whatever path.
  package static func isSame(_ left: String, _ right: String) -> Bool {
    guard let first = status(left), let second = status(right) else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Which file it is, whatever its name.
  struct Identity: Equatable {
    var device: UInt64
    var node: UInt64
  }

  /// What an open file is.
  struct OpenState {
    var identity: Identity
    var size: Int
    /// Not a directory, a pipe or a device.
    var isPlain: Bool
    var isDirectory: Bool
  }

  static func state(ofOpen file: CInt) throws(SystemError) -> OpenState {
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw SystemError(errno, "fstat") }
    let kind = status.st_mode & S_IFMT
    return OpenState(
      identity: Identity(device: UInt64(status.st_dev), node: UInt64(status.st_ino)),
      size: Int(status.st_size), isPlain: kind == S_IFREG, isDirectory: kind == S_IFDIR)
  }

  /// A plain file: not a directory, a pipe or a device.
  package static func isPlain(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }

  /// A path, of what may not be there yet, lies within a directory.
  package static func isPath(_ path: String, within directory: String) -> Bool {
    var place = absolute(path)
    while place != "/" {
      place = parent(of: place)
      if isSame(place, directory) { return true }
    }
    return false
  }

  /// Takes the place of standard descriptors that are closed: else the next files opened get their numbers, and what is
  /// printed ends up in them. Reading and writing fail as before.
  package static func fillStandardDescriptors() {
    // Ascending, since a file that is opened gets the lowest free number. O_PATH, which glibc shows to GNU sources only.
    let pathOnly: CInt = 0o10000000
    for number in CInt(0)...2 where fcntl(number, F_GETFD) < 0 {
      _ = unsafe Glibc.open("/", pathOnly)
    }
  }

  /// Names in a directory, sorted by their bytes; empty where it cannot be read.
  package static func list(_ path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Names in a directory, sorted by their bytes; none where it is not there.
  package static func names(in path: String) throws(SystemError) -> [String] {
    guard try isThere(path) else { return [] }
    if unsafe access(path, R_OK | X_OK) != 0 { throw SystemError(errno, "open \(path)") }
    return list(path)
  }

  /// Opens a file, which the caller closes; one that is made can be read by all.
  package static func open(_ path: String, _ flags: CInt) throws(SystemError) -> CInt {
    let file = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw SystemError(errno, "open \(path)") }
    return file
  }

  /// The bytes of a file.
  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let file = try open(path, O_RDONLY)
    defer { close(file) }
    var result: [UInt8] = []
    while try read(file, behind: &result, atMost: 1 << 16) > 0 {}
    return result
  }

  /// Reads from an open file to the end of a buffer; how many bytes, 0 at the end of the file.
  package static func read(
    _ file: CInt, behind buffer: inout [UInt8], atMost limit: Int
  ) throws(SystemError) -> Int {
    let before = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: limit))
    while true {
      // Safe because the buffer has room for `limit` bytes behind those it had.
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(file, $0.baseAddress?.advanced(by: before), limit)
      }
      let code = errno
      if count < 0 && code == EINTR { continue }
      buffer.removeLast(limit - max(0, count))
      guard count >= 0 else { throw SystemError(code, "read") }
      return count
    }
  }

  /// Writes at an offset of an open file, as far as it goes.
  static func write(_ bytes: Span<UInt8>, to file: CInt, at offset: Int) {
    // Safe because the pointer does not leave the call.
    unsafe bytes.withUnsafeBytes {
      _ = unsafe pwrite(file, $0.baseAddress, $0.count, off_t(offset))
    }
  }

  /// Writes all bytes to an open file.
  package static func write(_ bytes: Span<UInt8>, to file: CInt) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(file, $0.baseAddress?.advanced(by: done), $0.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw SystemError(errno, "write") }
      done += count
    }
  }

  /// Puts a small file in place so that after a crash it is the old one or the new one.
  package static func replace(_ path: String, with text: String) throws(SystemError) {
    let temporary = path + ".tmp"
    try create(temporary, with: text)
    guard unsafe Glibc.rename(temporary, path) == 0 else {
      throw SystemError(errno, "rename \(temporary)")
    }
    try syncDirectory(parent(of: path))
  }

  /// Writes a small file and flushes it.
  package static func create(_ path: String, with text: String) throws(SystemError) {
    let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
    defer { close(file) }
    try write(Array(text.utf8).span, to: file)
    guard fsync(file) == 0 else { throw SystemError(errno, "flush \(path)") }
  }

  /// Writes a small file that only its owner may read, and flushes it; it must not be there yet.
  package static func createPrivate(_ path: String, with text: String) throws(SystemError) {
    let file = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw SystemError(errno, "create \(path)") }
    defer { close(file) }
    try write(Array(text.utf8).span, to: file)
    guard fsync(file) == 0 else { throw SystemError(errno, "flush \(path)") }
  }

  /// The path from the root of the file system.
  package static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let directory = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(directory) }
    return unsafe String(cString: directory) + "/" + path
  }

  /// The file that a symbolic link leads to; nil where `path` is none, or leads nowhere.
  package static func linked(_ path: String) -> String? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let found = unsafe realpath(path, nil)
    else { return nil }
    defer { unsafe free(found) }
    return unsafe String(cString: found)
  }

  package static func makeDirectory(_ path: String) throws(SystemError) {
    guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw SystemError(errno, "make directory \(path)")
    }
  }

  package static func syncDirectory(_ path: String) throws(SystemError) {
    let directory = try open(path, O_RDONLY | O_DIRECTORY)
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw SystemError(errno, "flush directory \(path)") }
  }

  package static func rename(_ from: String, _ to: String) throws(SystemError) {
    guard unsafe Glibc.rename(from, to) == 0 else {
      throw SystemError(errno, "rename \(from) to \(to)")
    }
  }

  /// Gives a file another name; it is gone once the last of its names is.
  package static func link(_ from: String, _ to: String) throws(SystemError) {
    guard unsafe Glibc.link(from, to) == 0 else {
      throw SystemError(errno, "link \(from) to \(to)")
    }
  }

  /// Removes a file or a directory with all that is in it; nothing happens where there is none.
  package static func remove(_ path: String) {
    if isDirectory(path) {
      for name in list(path) { remove("\(path)/\(name)") }
      unsafe rmdir(path)
    } else {
      unsafe unlink(path)
    }
  }

  /// Where something is made that shall appear under `path`: beside it, named after this process.
  package static func temporary(for path: String) -> String {
    let trimmed = path.hasSuffix("/") && path.count > 1 ? String(path.dropLast()) : path
    return "\(trimmed).tmp-\(processID())"
  }

  /// Removes what processes that are no more have left beside `path` under the names of ``temporary(for:)``.
  package static func removeStale(besides path: String) {
    let parent = parent(of: path)
    let name = temporary(for: path).split(separator: "/").last.map(String.init) ?? ""
    guard let dash = name.lastIndex(of: "-") else { return }
    let prefix = name[...dash]
    for found in list(parent) where found.hasPrefix(prefix) {
      guard let process = Int32(found.dropFirst(prefix.count)), process > 0,
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      remove("\(parent)/\(found)")
    }
  }

  package static func parent(of path: String) -> String {
    let trimmed = path.hasSuffix("/") && path.count > 1 ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// Free bytes where `path` is; nil where the system does not say.
  package static func freeBytes(_ path: String) -> Int? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  // MARK: Locks

  /// A lock on a file, held while the value lives; the system lets it go with the process.
  package final class Lock: Sendable {
    private let file: CInt
    init(file: CInt) { self.file = file }
    deinit { close(file) }

    /// The file that is locked is the one that is at `path` now: it was not removed meanwhile.
    package func isOf(_ path: String) -> Bool {
      var own = stat()
      // Safe because the status outlives the call.
      guard unsafe fstat(file, &own) == 0, let there = status(path) else { return false }
      return own.st_dev == there.st_dev && own.st_ino == there.st_ino
    }

    /// Says in the file who holds it.
    package func describe(_ text: String) {
      ftruncate(file, 0)
      lseek(file, 0, SEEK_SET)
      do throws(SystemError) {
        try Files.write(Array(text.utf8).span, to: file)
      } catch {
        // The text is for people; the lock holds without it.
        return
      }
    }
  }

  /// Takes a lock; nil where another process (or another opening in this one) holds it.
  package static func lock(_ path: String, shared: Bool = false) throws(SystemError) -> Lock? {
    let file = try open(path, shared ? O_RDONLY : O_RDWR | O_CREAT)
    if flock(file, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 { return Lock(file: file) }
    let code = errno
    close(file)
    if code == EWOULDBLOCK || code == EINTR { return nil }
    throw SystemError(code, "lock \(path)")
  }

  // MARK: Process, clock, chance

  package static func processID() -> Int32 { getpid() }

  /// A variable of the environment; nil where it is not set or empty.
  package static func environment(_ name: String) -> String? {
    // Safe because the text is copied at once, and nothing here changes the environment while threads run.
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
  }

  /// Processors that the system runs threads on.
  package static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  package static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    unsafe gethostname(&buffer, 255)
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Microseconds since 1970.
  package static func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  /// Seconds of a clock that only goes forward.
  package static func monotonicSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  package static func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }

  /// Bytes from the system's random source.
  package static func random(_ count: Int) -> [UInt8] {
    let file = unsafe Glibc.open("/dev/urandom", O_RDONLY | O_CLOEXEC)
    precondition(file >= 0, "the system's random source is always there")
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = unsafe bytes.withUnsafeMutableBytes {
        unsafe Glibc.read(file, $0.baseAddress?.advanced(by: done), $0.count - done)
      }
      if got < 0 && errno == EINTR { continue }
      precondition(got > 0, "the system's random source does not end")
      done += got
    }
    return bytes
  }
}

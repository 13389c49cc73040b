import CProcessor

/// What the C library does with memory that is let go.
package enum Memory {
  /// Keeps it for the next piece of work; for a program to say once, before it has threads.
  ///
  /// Threads take and let go of arrays of some hundred kilobytes for each block of the log; given back each time, they cost the
  /// kernel as much as reading the block. What a process holds grows by a few percent.
  package static func keepWhatIsLetGo() { processor_keep_memory(256 << 20, 32 << 20) }
}

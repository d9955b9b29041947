import Foundation

/// A value that one thread at a time reads and writes.
///
/// `Synchronization.Mutex` waits in code of the Swift runtime that the thread
/// sanitizer does not see: it reports a race wherever two threads meet there, and
/// the real ones drown. It sees the lock of a Foundation lock.
package final class Locked<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  /// Only touched while `lock` is held, which is what makes the class Sendable.
  private var value: Value

  package init(_ value: Value) {
    self.value = value
  }

  /// The result of a function that alone holds the value.
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}

import Foundation

/// Starts processes that take signals as those of a terminal do: a test runs on a thread
/// that blocks them, and its own process may ignore them, both of which are inherited.
public func takingSignals<Value>(_ start: () throws -> Value) rethrows -> Value {
  let signals = [SIGINT, SIGQUIT, SIGTERM, SIGHUP]
  var (none, before) = (sigset_t(), sigset_t())
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, &before)
  let handlers = signals.map { signal($0, SIG_DFL) }
  defer {
    for (number, handler) in zip(signals, handlers) { signal(number, handler) }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
  return try start()
}

import Dispatch
import Synchronization

/// The values of a function for all elements, on all CPUs, in their order.
public func concurrently<Element: Sendable, Value: Sendable>(
  _ elements: [Element], _ value: @Sendable (Element) -> Value
) -> [Value] {
  let results = Mutex([Value?](repeating: nil, count: elements.count))
  DispatchQueue.concurrentPerform(iterations: elements.count) { index in
    let result = value(elements[index])
    results.withLock { $0[index] = result }
  }
  return results.withLock { $0.compactMap { $0 } }
}

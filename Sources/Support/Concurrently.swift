import Dispatch

/// The values of a function for all elements, on all CPUs, in their order.
///
/// - Parameter progress: Called with the fraction done, from any thread.
package func concurrently<Element: Sendable, Value: Sendable>(
  _ elements: [Element], progress: @Sendable (Double) -> Void = { _ in },
  _ value: @Sendable (Element) -> Value
) -> [Value] {
  let results = Locked((values: [Value?](repeating: nil, count: elements.count), done: 0))
  DispatchQueue.concurrentPerform(iterations: elements.count) { index in
    let result = value(elements[index])
    let done = results.withLock { results in
      results.values[index] = result
      results.done += 1
      return results.done
    }
    progress(Double(done) / Double(elements.count))
  }
  return results.withLock { $0.values.compactMap { $0 } }
}

/// The values of two functions, side by side where there are two CPUs.
package func concurrently<One: Sendable, Two: Sendable>(
  _ one: @Sendable () -> One, _ two: @Sendable () -> Two
) -> (One, Two) {
  let values = Locked((one: One?.none, two: Two?.none))
  DispatchQueue.concurrentPerform(iterations: 2) { index in
    if index == 0 {
      let value = one()
      values.withLock { $0.one = value }
    } else {
      let value = two()
      values.withLock { $0.two = value }
    }
  }
  let (first, second) = values.withLock { $0 }
  return (first ?? one(), second ?? two())
}

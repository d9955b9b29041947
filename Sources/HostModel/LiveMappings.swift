import TraceEvents

/// The mappings of a trace that have not ended, by device and address.
struct LiveMappings {
  /// A mapping, an entry of a scatter list, or an allocation.
  struct Mapping {
    var device: Int32
    var start: UInt64
    var length: UInt64
    var direction: TraceDirection
    var isAllocation: Bool
  }

  private struct Key: Hashable {
    let device: Int32
    let page: UInt64
  }

  private struct List: Hashable {
    let device: Int32
    let first: UInt64
    let count: Int32
  }

  private var pages: [Key: [Mapping]] = [:]
  private var lists: [List: [TraceEvent.Run]] = [:]

  mutating func add(_ mapping: Mapping) {
    pages[Key(device: mapping.device, page: mapping.start >> 12), default: []].append(mapping)
  }

  /// Remembers a scatter list, which ends by its physical addresses.
  mutating func add(list: TraceEvent.Run, first: UInt64, count: Int32, device: Int32) {
    lists[List(device: device, first: first, count: count), default: []].append(list)
  }

  /// Takes the list out again; nil if it is not known.
  mutating func end(first: UInt64, count: Int32, device: Int32) -> TraceEvent.Run? {
    let key = List(device: device, first: first, count: count)
    guard var runs = lists[key] else { return nil }
    let run = runs.popLast()
    lists[key] = runs.isEmpty ? nil : runs
    return run
  }

  /// Takes the mapping out that begins at an address; nil if it is not known.
  mutating func end(_ start: UInt64, device: Int32, isAllocation: Bool) -> Mapping? {
    let key = Key(device: device, page: start >> 12)
    guard var found = pages[key],
      let index = found.lastIndex(where: { $0.start == start && $0.isAllocation == isAllocation })
    else { return nil }
    let mapping = found.remove(at: index)
    pages[key] = found.isEmpty ? nil : found
    return mapping
  }

  /// The mapping that holds an address: it begins in the same page or, for a sync of a
  /// part, up to 1 MiB before.
  func holding(_ address: UInt64, length: UInt64, device: Int32) -> Mapping? {
    var page = address >> 12
    for _ in 0...256 {
      if let found = pages[Key(device: device, page: page)],
        let mapping = found.last(where: {
          $0.start <= address && address - $0.start <= $0.length
            && length <= $0.length - (address - $0.start)
        })
      {
        return mapping
      }
      guard page > 0 else { return nil }
      page -= 1
    }
    return nil
  }
}

/// Bounces whose mapping has not come yet; a mapping's own come right before it.
struct PendingBounces {
  private var bounces: [Int32: [TraceEvent]] = [:]

  mutating func add(_ event: TraceEvent) { bounces[event.device, default: []].append(event) }

  /// Takes the latest bounce of so many bytes of the buffer.
  mutating func take(
    device: Int32, physical: UInt64, size: UInt64
  ) -> TraceEvent? {
    guard var pending = bounces[device], !pending.isEmpty else { return nil }
    let index = pending.lastIndex { bounce in
      bounce.size == size
        && (bounce.physical == TraceEvent.mappingError
          || (bounce.physical ^ physical) & 4095 == 0)
    }
    guard let index else { return nil }
    let found = pending.remove(at: index)
    bounces[device] = pending
    return found
  }

  /// Takes all bounces of a device: those of a scatter list that failed.
  mutating func takeAll(device: Int32) -> [TraceEvent] {
    bounces.removeValue(forKey: device) ?? []
  }

  /// Those whose mapping never came.
  var rest: Int { bounces.values.reduce(0) { $0 + $1.count } }
}

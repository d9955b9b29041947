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
    let run = lists[key]?.popLast()
    if lists[key]?.isEmpty == true { lists[key] = nil }
    return run
  }

  /// Takes the mapping out that begins at an address; nil if it is not known.
  mutating func end(_ start: UInt64, device: Int32, isAllocation: Bool) -> Mapping? {
    let key = Key(device: device, page: start >> 12)
    let index = pages[key]?.lastIndex { $0.start == start && $0.isAllocation == isAllocation }
    guard let index else { return nil }
    let mapping = pages[key]?.remove(at: index)
    if pages[key]?.isEmpty == true { pages[key] = nil }
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
  /// Bounces that one mapping could be of.
  private struct Key: Hashable {
    let device: Int32
    let size: UInt64
    /// The buffer's place in its page; nil where the event does not have it.
    let offset: UInt64?
  }

  private var bounces: [Key: [(number: Int, event: TraceEvent)]] = [:]
  private var keys: [Int32: Set<Key>] = [:]
  private var number = 0
  /// Those whose mapping never came.
  private(set) var rest = 0

  mutating func add(_ event: TraceEvent) {
    let key = Key(
      device: event.device, size: event.size,
      offset: event.physical == TraceEvent.mappingError ? nil : event.physical & 4095)
    bounces[key, default: []].append((number, event))
    keys[event.device, default: []].insert(key)
    number += 1
    rest += 1
  }

  /// Takes the latest bounce of so many bytes of the buffer.
  mutating func take(device: Int32, physical: UInt64, size: UInt64) -> TraceEvent? {
    guard rest > 0 else { return nil }
    let known = Key(device: device, size: size, offset: physical & 4095)
    let unknown = Key(device: device, size: size, offset: nil)
    let (one, other) = (bounces[known]?.last?.number, bounces[unknown]?.last?.number)
    guard one != nil || other != nil else { return nil }
    let key = (one ?? -1) > (other ?? -1) ? known : unknown
    let found = bounces[key]?.popLast()?.event
    if bounces[key]?.isEmpty == true {
      bounces[key] = nil
      keys[device]?.remove(key)
    }
    rest -= 1
    return found
  }

  /// Takes all bounces of a device, in their order: those of a scatter list that failed.
  mutating func takeAll(device: Int32) -> [TraceEvent] {
    var found: [(number: Int, event: TraceEvent)] = []
    for key in keys.removeValue(forKey: device) ?? [] {
      found += bounces.removeValue(forKey: key) ?? []
    }
    rest -= found.count
    return found.sorted { $0.number < $1.number }.map(\.event)
  }
}

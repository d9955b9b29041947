/// RAM that is still free, as memblock and then the page allocator hand it out.
///
/// The page allocator is the worst case: the highest free block of the highest
/// allowed zone. An allocation that fails here is one that is not guaranteed.
struct FreeMemory: Sendable {
  /// Ascending and disjoint.
  private(set) var ranges: [PhysicalRange]

  init(_ machine: Machine) { ranges = machine.ram }

  /// `memblock_alloc()` below `limit`: the highest free range, or with
  /// `bottomUp` the lowest one at or above `floor`.
  mutating func takeMemblock(
    _ size: UInt64,
    below limit: UInt64 = .max,
    bottomUp: Bool = false,
    floor: UInt64 = 0
  ) -> UInt64? {
    if bottomUp {
      for range in ranges {
        let start = max(range.start, floor)
        if start + size <= min(range.end, limit) { return take(start, size) }
      }
      return nil
    }
    for range in ranges.reversed() {
      let end = min(range.end, limit)
      if end >= size, end - size >= range.start { return take(end - size, size) }
    }
    return nil
  }

  /// Removes a range that something else owns, where it is free.
  mutating func reserve(_ reserved: PhysicalRange) {
    ranges = ranges.flatMap { range -> [PhysicalRange] in
      if reserved.end <= range.start || range.end <= reserved.start { return [range] }
      var rest: [PhysicalRange] = []
      if range.start < reserved.start { rest.append(PhysicalRange(range.start, reserved.start)) }
      if reserved.end < range.end { rest.append(PhysicalRange(reserved.end, range.end)) }
      return rest
    }
  }

  /// `alloc_pages()`: the highest free, naturally aligned block in one zone, left
  /// free.
  func highestBlock(_ size: UInt64, in zone: PhysicalRange) -> UInt64? {
    for range in ranges.reversed() {
      let end = min(range.end, zone.end) & ~(size - 1)
      if end >= size, end - size >= max(range.start, zone.start) { return end - size }
    }
    return nil
  }

  private mutating func take(_ start: UInt64, _ size: UInt64) -> UInt64 {
    reserve(PhysicalRange(start, start + size))
    return start
  }
}

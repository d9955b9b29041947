import DMAModel
import GRDB

/// What boots and requests have in common.
extension MatrixWriter {
  /// The key of what a boot answers, which is stored where it is new.
  ///
  /// - Parameters:
  ///   - outcomes: The keys of the boot's outcomes.
  ///   - profiles: The keys of its profiles.
  mutating func id(
    ofSet matrix: BootMatrix, outcomes: [Int64], profiles: [Int64], _ database: Database
  ) throws -> Int64 {
    let insert = try RawInsert("block_line", columns: 3, on: database)
    defer { insert.finalize() }
    // By circumstance and request, the devices in their order.
    let lines = (matrix.lines + matrix.alteredLines).sorted { one, two in
      (one.circumstance, one.request, one.device) < (two.circumstance, two.request, two.device)
    }
    var set: [Int64] = []
    var start = 0
    while start < lines.count {
      let (circumstance, request) = (lines[start].circumstance, lines[start].request)
      var end = start
      while end < lines.count, lines[end].circumstance == circumstance,
        lines[end].request == request
      {
        end += 1
      }
      let block = try id(
        ofBlock: lines[start..<end], matrix, outcomes: outcomes, profiles: profiles, insert,
        database)
      set += [Int64(circumstance), Int64(request), block]
      start = end
    }
    if let id = sets[set] { return id }
    let (id, isStored) = try sets.add(set, text: Self.text(set))
    if isStored { return id }
    try database.execute(
      sql: "INSERT INTO answer_set VALUES (?, ?)", arguments: [id, matrix.combinations])
    let blocks = try RawInsert("answer_block", columns: 4, on: database)
    defer { blocks.finalize() }
    for place in stride(from: 0, to: set.count, by: 3) {
      try blocks.insert(id, set[place], set[place + 1], set[place + 2])
    }
    return id
  }

  private mutating func id(
    ofBlock lines: ArraySlice<BootMatrix.Line>, _ matrix: BootMatrix, outcomes: [Int64],
    profiles: [Int64], _ insert: RawInsert, _ database: Database
  ) throws -> Int64 {
    let block = lines.flatMap { [Int64($0.device), profiles[Int($0.profile)]] }
    if let id = blocks[block] { return id }
    let (id, isStored) = try blocks.add(block, text: Self.text(block))
    if isStored { return id }
    try database.execute(
      sql: "INSERT INTO block VALUES (?, ?)", arguments: [id, lines.count])
    var counts: [Int64: Int] = [:]
    for line in lines {
      try insert.insert(id, Int64(line.device), profiles[Int(line.profile)])
      for span in matrix.profiles[Int(line.profile)] {
        counts[outcomes[Int(span.outcome)], default: 0] += Int(span.last - span.first) + 1
      }
    }
    for (outcome, count) in counts.sorted(by: { $0.key < $1.key }) {
      try database.execute(
        sql: "INSERT INTO block_count VALUES (?, ?, ?)", arguments: [id, outcome, count])
    }
    return id
  }

  private static func text(_ numbers: [Int64]) -> String {
    numbers.map(String.init).joined(separator: ",")
  }
}

/// The same question in a form that SQLite answers without walking every combination.
///
/// Two kinds are known, each of one SELECT from `behavior` that has no other SELECT in it:
///
/// - One that counts, by columns other than the mask and the scenario, is asked of
///   `behavior_count` or `behavior_span`, whose rows say how many rows of `behavior` they
///   stand for; all other columns are the same in these.
/// - One that compares the scenario with a key of twelve parts is asked for the parts too.
///   A row whose scenario is that key has eleven slashes in it, all of them its own, so
///   that each of its columns is one part.
///
/// What is not understood word for word stays as it is.
enum FasterQuestion {
  /// The columns of `behavior` in the order of a scenario's key.
  private static let parts = [
    "platform", "iommu", "swiotlb", "mem", "mask", "coherent_mask", "bus_limit", "coherent",
    "external", "op", "attrs", "buf",
  ]
  private static let device = ["coherent_mask", "bus_limit", "coherent", "external"]
  /// The columns that `behavior_span` has as well.
  private static let shared: Set<String> = [
    "kernel", "platform", "iommu", "swiotlb", "mem", "coherent_mask", "bus_limit", "coherent",
    "external", "op", "attrs", "buf", "result", "dma", "enc", "mem_state", "pte", "warn",
    "max_map", "decided_by", "where", "verdict", "exposure",
  ]
  /// Columns that only one of the views has: no alias may be called so.
  private static let others: Set<String> = [
    "combinations", "mask", "mask_first", "mask_last", "scenario",
  ]
  private static let keywords: Set<String> = [
    "SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "HAVING", "LIMIT", "AS", "AND", "OR", "NOT",
    "IN", "IS", "NULL", "LIKE", "GLOB", "BETWEEN", "ASC", "DESC",
  ]

  /// A statement with the same answer, or nil.
  static func form(of sql: String) -> String? {
    guard let words = SQLWord.words(of: sql), words.first?.isWord("SELECT") == true,
      words.filter({ $0.isWord("SELECT") }).count == 1,
      let from = words.firstIndex(where: { $0.isWord("FROM") }), from + 1 < words.count,
      words[from + 1].name == "behavior"
    else { return nil }
    return counting(sql, words, from: from) ?? lookingUp(sql, words, from: from)
  }

  /// What ends the list of tables, and with it names that may be given to one.
  private static let afterTables: Set<String> = ["WHERE", "GROUP", "ORDER", "HAVING", "LIMIT"]

  // MARK: - Counts

  private static func counting(_ sql: String, _ words: [SQLWord], from: Int) -> String? {
    guard from + 2 == words.count || afterTables.contains(words[from + 2].text),
      let group = words.firstIndex(where: { $0.isWord("GROUP") }), group > from,
      group + 2 < words.count, words[group + 1].isWord("BY")
    else { return nil }
    let counts = words.indices.filter { isCount(words, at: $0) }
    guard !counts.isEmpty else { return nil }
    let having = words.firstIndex { $0.isWord("HAVING") }
    let order = words.firstIndex { $0.isWord("ORDER") }
    let limit = words.firstIndex { $0.isWord("LIMIT") }
    let groupEnd = [having, order, limit].compactMap { $0 }.filter { $0 > group }.min()
    // Columns, or places of columns, and no expression of them.
    let terms = words[(group + 2)..<(groupEnd ?? words.count)].split { $0.isSign(",") }
    let byPlace = terms.contains { $0.first?.kind == .number }
    guard terms.allSatisfy({ $0.count == 1 && ($0.first?.kind == .number) == byPlace }) else {
      return nil
    }
    let grouped = Set(terms.compactMap(\.first?.name))

    var (used, aliases) = (Set<String>(), Set<String>())
    var index = 0
    while index < words.count {
      let word = words[index]
      if counts.contains(index) {
        guard index < from || index > groupEnd ?? words.count else { return nil }
        index += 4
        continue
      }
      switch word.kind {
      case .string, .parameter, .number: break
      case .sign: if word.text == "*" || word.text == "." || word.text == ";" { return nil }
      case .word where keywords.contains(word.text): break
      case .word, .quoted:
        guard let name = word.name, index != from + 1 else { break }
        if words[index - 1].isWord("AS") {
          guard index < from, !shared.contains(name), !others.contains(name) else { return nil }
          aliases.insert(name)
        } else if aliases.contains(name) {
          guard let order, index > order else { return nil }
        } else if shared.contains(name) {
          used.insert(name)
          // A column that is not grouped by is of any row.
          if index < from || index > group, !byPlace, !grouped.contains(name) { return nil }
        } else {
          return nil
        }
      }
      index += 1
    }
    if byPlace, !isGroupedByPlace(words, from: from, group: group, end: groupEnd) { return nil }

    let view = used.isDisjoint(with: device) ? "behavior_count" : "behavior_span"
    var result = sql
    for index in ([from + 1] + counts).sorted(by: >) {
      if index == from + 1 {
        result.replaceSubrange(words[index].range, with: view)
        continue
      }
      let range = words[index].range.lowerBound..<words[index + 3].range.upperBound
      var text = "sum(combinations)"
      if index < from {
        // A whole item of the list keeps its name; part of one would lose it.
        guard words[index - 1].isWord("SELECT") || words[index - 1].isSign(",") else { return nil }
        let next = words[index + 4]
        if next.isSign(",") || next.isWord("FROM") {
          text += " AS \"\(sql[range].replacing("\"", with: "\"\""))\""
        } else if !next.isWord("AS") {
          return nil
        }
      }
      result.replaceSubrange(range, with: text)
    }
    return result
  }

  /// Whether `count(*)` begins at a word.
  private static func isCount(_ words: [SQLWord], at index: Int) -> Bool {
    index + 3 < words.count && words[index].isWord("COUNT") && words[index + 1].isSign("(")
      && words[index + 2].isSign("*") && words[index + 3].isSign(")")
  }

  /// Whether every item of the list that is no count is a column, and grouped by its place.
  private static func isGroupedByPlace(
    _ words: [SQLWord], from: Int, group: Int, end: Int?
  ) -> Bool {
    let items = words[1..<from].split { $0.isSign(",") }
    let places = words[(group + 2)..<(end ?? words.count)].filter { !$0.isSign(",") }
    guard places.allSatisfy({ $0.kind == .number }), end == nil || words[(end ?? 0)].isWord("ORDER")
    else { return false }
    let numbers = Set(places.compactMap { Int($0.text) })
    // What it is ordered by is a place as well, or an alias, or counted.
    if let end {
      let ordered = words[end...].compactMap(\.name).filter {
        !keywords.contains($0.uppercased()) && $0 != "count"
      }
      guard ordered.allSatisfy({ !shared.contains($0) }) else { return false }
    }
    return items.enumerated().allSatisfy { place, item in
      isCount(words, at: item.startIndex)
        || numbers.contains(place + 1) && (item.count == 1 || item.count == 3)
    } && numbers.allSatisfy { $0 >= 1 && $0 <= items.count }
      && !items.enumerated().contains { place, item in
        numbers.contains(place + 1) && isCount(words, at: item.startIndex)
      }
  }

  // MARK: - Look-ups

  private static func lookingUp(_ sql: String, _ words: [SQLWord], from: Int) -> String? {
    guard let start = words.firstIndex(where: { $0.isWord("WHERE") }), start > from else {
      return nil
    }
    let end =
      words.indices.first { $0 > start && afterTables.contains(words[$0].text) } ?? words.count
    // What depends on the order of rows that have none stays as it is.
    guard end == words.count || words[end].isWord("ORDER"),
      !words.contains(where: { $0.isWord("LIMIT") }),
      !words[..<from].contains(where: { $0.isSign("(") })
    else { return nil }
    // `behavior`, `behavior b` or `behavior AS b`, and no other table.
    let given = words[(from + 2)..<start].filter { !$0.isWord("AS") }
    // The AND of a BETWEEN is none.
    guard !words.contains(where: { $0.isWord("BETWEEN") }), given.count <= 1,
      start - from <= 4, given.allSatisfy({ $0.name != nil })
    else {
      return nil
    }
    let name = given.first?.name ?? "behavior"

    var result = sql
    var isChanged = false
    for index in (start + 1..<end).reversed()
    where words[index].name == "scenario" && index + 2 < end && words[index + 2].kind == .string
      && (words[index + 1].isSign("=") || words[index + 1].isSign("=="))
    {
      var first = index
      if words[index - 1].isSign(".") {
        guard words[index - 2].name == name else { return nil }
        first = index - 2
      }
      guard index + 3 == end || isBoundary(words[index + 3]), isBoundary(words[first - 1]) else {
        return nil
      }
      let values = words[index + 2].text.split(separator: "/", omittingEmptySubsequences: false)
      guard values.count == parts.count, let mask = Int(values[4]) else { continue }
      let range = words[first].range.lowerBound..<words[index + 2].range.upperBound
      let prefix = sql[words[first].range.lowerBound..<words[index].range.lowerBound]
      let terms = zip(parts, values).map { part, value in
        let text =
          part == "mask" ? String(mask) : "'\(value.replacing("'", with: "''"))'"
        return " AND \(prefix)\(part) = \(text)"
      }
      result.replaceSubrange(range, with: "(\(sql[range])\(terms.joined()))")
      isChanged = true
    }
    return isChanged ? result : nil
  }

  /// Whether a comparison ends or begins at a word.
  private static func isBoundary(_ word: SQLWord) -> Bool {
    ["AND", "OR", "WHERE"].contains { word.isWord($0) } || word.isSign("(") || word.isSign(")")
      || word.isSign(";")
  }
}

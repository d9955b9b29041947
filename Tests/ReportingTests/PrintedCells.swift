import DMAModel
import Testing

/// What a reader takes from the text of a report: for each kernel and scenario the
/// cell, and the values that the report says it is limited to.
struct PrintedCells {
  /// By `KERNEL SCENARIO`, without the places that have no scenario.
  private(set) var cells: [String: String] = [:]
  /// Scenarios that two tables speak of.
  private(set) var repeated: [String] = []
  /// Values of axes that are fixed, or taken by default.
  private(set) var fixed: [String: [String]] = [:]
  private(set) var defaults: [String: [String]] = [:]

  private var products: [[String: [String]]] = [[:]]
  private var mapRows: [(products: [[String: [String]]], lines: [String])] = []

  init(_ text: String) throws {
    for block in text.split(separator: "\n\n") {
      let lines = block.split(separator: "\n").map(String.init)
      if lines.count > 2, lines[1].contains("-"), lines[1].allSatisfy({ $0 == "-" || $0 == " " }) {
        try readTable(lines)
      } else if lines[0].hasPrefix("  ") {
        mapRows.append((products, lines.map { String($0.dropFirst(2)) }))
      } else {
        try readProse(lines)
      }
    }
  }

  private mutating func readProse(_ lines: [String]) throws {
    let text = lines.dropFirst().reduce(lines[0]) {
      $0 + ($0.hasSuffix("|") ? "" : " ") + $1
    }
    if text.hasPrefix("Fixed: ") {
      fixed = try Self.product(String(text.dropFirst("Fixed: ".count).dropLast()))
    } else if text.hasPrefix("Defaults, for axes that no filter names: ") {
      defaults = try Self.product(
        String(text.dropFirst("Defaults, for axes that no filter names: ".count).dropLast()))
    } else if let columns = text.split(separator: "Columns are DMA masks in bits: ").last,
      columns.count < text.count
    {
      try readMap(
        masks: String(columns.dropLast()).split(separator: ", ").flatMap {
          try Self.masks(String($0))
        })
    } else if text.wholeMatch(of: #/(\w+=[^ ;]+(, |; |$))+/#) != nil {
      products = try text.split(separator: "; ").map { try Self.product(String($0)) }
    }
  }

  private static func product(_ text: String) throws -> [String: [String]] {
    var product: [String: [String]] = [:]
    for term in text.split(separator: ", ") {
      let parts = term.split(separator: "=", maxSplits: 1)
      product[String(parts[0])] = try #require(parts.last)
        .split(separator: "|").map(String.init)
    }
    return product
  }

  private static func masks(_ text: String) throws -> [Int] {
    let ends = try text.split(separator: "-").map { try #require(Int($0)) }
    return Array(try #require(ends.first)...(try #require(ends.last)))
  }

  private mutating func readTable(_ lines: [String]) throws {
    var columns: [Range<Int>] = []
    for (place, character) in lines[1].enumerated() where character == "-" {
      if let last = columns.last, last.upperBound == place {
        columns[columns.count - 1] = last.lowerBound..<(place + 1)
      } else {
        columns.append(place..<(place + 1))
      }
    }
    func cells(_ line: String) -> [String] {
      columns.map { column in
        let text = line.dropFirst(column.lowerBound).prefix(column.count)
        return String(text.reversed().drop { $0 == " " }.reversed())
      }
    }
    let head = cells(lines[0])
    for line in lines.dropFirst(2) {
      let row = cells(line)
      for (title, cell) in zip(head, row).dropFirst() {
        if head[0] == "mask" {
          record(cell, ["kernel": [title]], masks: try Self.masks(row[0]), products)
        } else {
          let label = row[0].split(separator: " ").map { $0.split(separator: "|").map(String.init) }
          record(
            cell, ["iommu": label[0], "swiotlb": label[1]], masks: try Self.masks(title), products)
        }
      }
    }
  }

  private mutating func readMap(masks: [Int]) throws {
    for (products, lines) in mapRows {
      for line in lines.dropFirst(2) {
        let words = line.split(separator: " ")
        let signs = Array(line.suffix(masks.count))
        for (mask, sign) in zip(masks, signs) {
          record(String(sign), ["kernel": [String(words[0])]], masks: [mask], products)
        }
      }
    }
    mapRows = []
  }

  private mutating func record(
    _ cell: String, _ own: [String: [String]], masks: [Int], _ products: [[String: [String]]]
  ) {
    if cell == "-" { return }
    for product in products {
      let values = fixed.merging(product) { $1 }.merging(own) { $1 }
      var keys = (values["kernel"] ?? ["?"]).map { $0 + " " }
      for (place, axis) in Scenario.axes.enumerated() {
        let names = axis == "mask" ? masks.map(String.init) : values[axis] ?? ["?"]
        keys = keys.flatMap { key in names.map { key + (place == 0 ? "" : "/") + $0 } }
      }
      for key in keys where cells.updateValue(cell, forKey: key) != nil { repeated.append(key) }
    }
  }
}

import DMAModel
import MatrixStore

/// The axes of a report's scenarios: which are fixed, and which tell its tables apart.
///
/// Every axis but the mask is fixed, stands in every heading, or is shown by the table
/// itself; none is dropped, so that two tables never have one heading.
struct Configurations {
  /// All axes but the mask, the kernel first.
  static let axes = ["kernel"] + Scenario.axes.filter { $0 != DMAMask.axis }

  /// Places in ``axes`` of those that have one value in the whole report.
  private let fixed: [(place: Int, value: String)]
  /// Places of the others that the tables do not show themselves.
  private let varying: [Int]

  /// - Parameter shown: The axes that are rows or columns of the tables.
  init(_ spans: [BehaviorSpan], shown: Set<String>) {
    var fixed: [(place: Int, value: String)] = []
    var varying: [Int] = []
    for (place, axis) in Self.axes.enumerated() where !shown.contains(axis) {
      let values = distinct(spans.map { $0.axisValues[place] })
      if values.count > 1 {
        varying.append(place)
      } else if let value = values.first {
        fixed.append((place, value))
      }
    }
    (self.fixed, self.varying) = (fixed, varying)
  }

  /// What all tables have in common, `platform=x86, mem=64G`.
  var fixedText: String {
    fixed.map { "\(Self.axes[$0.place])=\($0.value)" }.joined(separator: ", ")
  }

  /// The values of a span by which its table differs from others.
  func key(_ span: BehaviorSpan) -> [String] {
    let values = span.axisValues
    return varying.map { values[$0] }
  }

  /// The heading of tables that are the same: exactly their keys, every varying axis
  /// named; nil where nothing varies.
  ///
  /// Keys that differ in one axis alone become one product, `op=map|map_sg, buf=high`.
  func heading(_ keys: [[String]]) -> String? {
    guard !varying.isEmpty else { return nil }
    var products = keys.map { $0.map { [$0] } }
    var count = 0
    while products.count != count {
      count = products.count
      for axis in varying.indices.reversed() {
        let groups = grouped(products) { product in
          product.enumerated().map { $0.offset == axis ? [] : $0.element }
        }
        products = groups.map { _, members in
          var product = members[0]
          product[axis] = members.flatMap { $0[axis] }
          return product
        }
      }
    }
    return products.map { product in
      zip(varying, product).map { "\(Self.axes[$0])=\($1.joined(separator: "|"))" }
        .joined(separator: ", ")
    }.joined(separator: "; ")
  }
}

extension BehaviorSpan {
  /// The value of every axis but the mask, in the order of ``Configurations/axes``.
  var axisValues: [String] {
    [
      kernel, platform, iommu, swiotlb, mem, coherentMask, busLimit, coherent, external, op, attrs,
      buf,
    ]
  }
}

/// Elements by a key, both in the order of first appearance.
func grouped<Element, Key: Hashable>(
  _ elements: some Sequence<Element>, by key: (Element) -> Key
) -> [(key: Key, elements: [Element])] {
  var order: [Key] = []
  var groups: [Key: [Element]] = [:]
  for element in elements {
    let key = key(element)
    if groups[key] == nil { order.append(key) }
    groups[key, default: []].append(element)
  }
  return order.map { ($0, groups[$0] ?? []) }
}

/// Distinct elements in the order of their first appearance.
func distinct<Element: Hashable>(_ elements: some Sequence<Element>) -> [Element] {
  var seen: Set<Element> = []
  return elements.filter { seen.insert($0).inserted }
}

/// One text for each element, none twice: the first of several wordings that tells an
/// element from all others, and where none does, its number among its likes.
func unambiguous<Element>(
  _ elements: [Element], _ wordings: [(Element) -> String]
) -> [String] {
  guard let first = wordings.first else { return [] }
  var texts = elements.map(first)
  func repeated() -> Set<String> {
    Set(Dictionary(grouping: texts) { $0 }.filter { $0.value.count > 1 }.keys)
  }
  for wording in wordings.dropFirst() {
    let repeated = repeated()
    for index in texts.indices where repeated.contains(texts[index]) {
      texts[index] = wording(elements[index])
    }
  }
  for text in repeated() {
    let places = texts.indices.filter { texts[$0] == text }
    for (number, place) in places.enumerated() {
      texts[place] += " (\(number + 1) of \(places.count))"
    }
  }
  return texts
}

/// The device tables of a C file: what `MODULE_DEVICE_TABLE` exports.
struct DeviceTables {
  private let file: CFile
  private let evaluator: MaskEvaluator
  /// The kinds of table, each once, in order.
  private(set) var buses: [String] = []
  private(set) var ids: [DeviceID] = []

  /// 7.3's longest table has some 3000 entries.
  private static let entryLimit = 20_000
  /// 7.3's files have at most a handful.
  private static let tableLimit = 64

  init(_ file: CFile, headers: Headers) {
    var file = file
    file.index = NameIndex(file)
    self.file = file
    evaluator = MaskEvaluator(file, headers: headers, functions: [])
    var read: Set<String> = []
    for index in file.tokens(named: "MODULE_DEVICE_TABLE").prefix(Self.tableLimit)
    where index + 5 < file.tokens.count && file.tokens[index + 1].is("(") {
      let bus = file.text(file.tokens[index + 2])
      if !buses.contains(bus) { buses.append(bus) }
      let table = file.text(file.tokens[index + 4])
      if ["pci", "usb", "of", "acpi"].contains(bus), read.insert(bus + " " + table).inserted {
        self.read(bus, table: table)
      }
    }
  }

  private mutating func read(_ bus: String, table name: String) {
    for index in file.tokens(named: name)
    where index + 3 < file.tokens.count && file.tokens[index].depth == 0
      && file.tokens[index + 1].is("[")
    {
      guard let close = file.closing(of: index + 1, before: file.tokens.count),
        let open = (close..<min(close + 8, file.tokens.count)).first(where: {
          file.tokens[$0].is("{")
        })
      else { continue }
      let entries = file.split(file.insideBraces(of: open))
      for entry in entries.prefix(Self.entryLimit) where !entry.isEmpty { add(bus, entry) }
      return
    }
  }

  private mutating func add(_ bus: String, _ entry: Range<Int>) {
    let line = Int(file.tokens[entry.lowerBound].line)
    func add(_ vendor: Int?, _ device: Int?, _ text: String) {
      ids.append(
        DeviceID(
          bus: bus, vendor: vendor, device: device, text: text, file: file.path, line: line))
    }
    if bus == "of" || bus == "acpi" {
      // The first string is the name; the end of a table has none.
      let strings = evaluator.expanded(entry: evaluator.words(entry)).filter { $0.kind == .string }
      if let text = strings.first?.text.dropFirst().dropLast(), !text.isEmpty {
        add(nil, nil, String(text))
      }
      return
    }
    let names = bus == "pci" ? ("vendor", "device") : ("idVendor", "idProduct")
    let fields = fields(evaluator.expanded(entry: evaluator.words(entry)))
    guard !fields.isEmpty else { return }
    func number(_ name: String, _ position: Int) -> (value: Int?, isAny: Bool) {
      guard
        let words = fields.first(where: { $0.name == name })?.words
          ?? (position < fields.count && fields[position].name == nil
            ? fields[position].words : nil)
      else { return (nil, true) }
      let value = evaluator.value(words)
      guard value.isComplete, value.alternatives.count == 1 else { return (nil, false) }
      let number = UInt32(truncatingIfNeeded: value.alternatives[0].value)
      return number == .max ? (nil, true) : (Int(number & 0xffff), false)
    }
    let (vendor, device) = (number(names.0, 0), number(names.1, 1))
    if fields.count == 1, fields[0].words.allSatisfy({ $0.text == "0" }) { return }
    if vendor.value == 0, device.value == 0 { return }
    let isKnown = (vendor.value != nil || vendor.isAny) && (device.value != nil || device.isAny)
    add(vendor.value, device.value, isKnown ? "" : file.text(file.tokens[entry]))
  }

  /// The fields of an initializer, with their names where they have some.
  private func fields(_ words: [CWord]) -> [(name: String?, words: [CWord])] {
    var words = words[...]
    while words.first?.text == "{", words.last?.text == "}" { words = words.dropFirst().dropLast() }
    var nesting = 0
    var parts: [[CWord]] = [[]]
    for word in words {
      switch word.text {
      case "(", "[", "{": nesting += 1
      case ")", "]", "}": nesting -= 1
      case "," where nesting == 0:
        parts.append([])
        continue
      default: break
      }
      parts[parts.count - 1].append(word)
    }
    return parts.filter { !$0.isEmpty }.map { part in
      guard part.count > 3, part[0].text == ".", part[2].text == "=" else { return (nil, part) }
      return (part[1].text, Array(part.dropFirst(3)))
    }
  }
}

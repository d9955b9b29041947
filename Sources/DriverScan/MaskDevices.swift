/// Which devices the masks of functions are of, by how the functions name them: masks of
/// two devices make no pair.
///
/// Two names are one device where assignments say so: `dev` behind `dev = &pdev->dev`.
struct MaskDevices {
  /// The functions that may set masks of more than one device.
  private(set) var mixed: Set<Int> = []

  /// The tokens that read the mask of the one device whose masks their function sets.
  private(set) var ownReads: Set<Int> = []

  let file: CFile
  /// All of the file.
  let functions: [CFunction]
  private let members: [Int: MaskFunction]
  private let byName: [String: [Int]]
  private let sites: [Int: [MaskSite]]
  private let calls: [Int: [Int]]
  private var known: [Int: Set<String>] = [:]
  private var open: Set<Int> = []

  private static let depthLimit = 4
  /// How many names of devices a function may have.
  private static let nameLimit = 32

  init(
    _ file: CFile, functions: [CFunction], members: [MaskFunction], sites: [MaskSite],
    calls: [Int: [Int]]
  ) {
    self.file = file
    self.functions = functions
    self.members = Dictionary(members.map { ($0.number, $0) }) { first, _ in first }
    byName = Dictionary(grouping: members.map(\.number)) { number in
      members.first { $0.number == number }?.function.name ?? ""
    }
    self.sites = Dictionary(grouping: sites.filter { $0.function != nil }) { $0.function ?? -1 }
    self.calls = calls
    for member in members where names(of: member.number).count > 1 { mixed.insert(member.number) }
    for member in members { findReads(member) }
  }

  /// Why the devices whose masks a function sets, where it is entered by others, may not be
  /// those that it drives.
  func doubts(about number: Int, isProbe: Bool) -> [String] {
    OrderedSet(
      (known[number] ?? []).sorted().compactMap { name in
        doubt(about: name, isProbe: isProbe)
      }
    ).elements
  }

  /// Whether a function sets masks of a device before a place; nil for one that sets none.
  func isSet(_ device: Range<Int>, before place: Int, _ number: Int) -> Bool? {
    guard let member = members[number] else { return nil }
    let name = Self.simple(text(device, member, 0))
    let places = (sites[number] ?? []).map(\.token) + (calls[number] ?? [])
    return known[number]?.contains(name) == true && places.contains { $0 < place }
  }

  /// Whether a function sets the masks of devices that its callers name.
  func takesDevice(_ number: Int) -> Bool {
    known[number]?.contains { name in
      guard let mark = name.firstIndex(of: "@"), !name.contains("$") else { return true }
      guard let token = Int(name[mark...].dropFirst().prefix { $0.isNumber }),
        token + 2 < file.tokens.count
      else { return false }
      let value = token + 2..<file.endOfValue(token + 2, file.tokens.count)
      return file.tokens[token + 1].is("=") && !file.text(file.tokens[value]).contains("alloc")
    } ?? false
  }

  /// Finds `dma_get_mask(dev)`, `*dev->dma_mask` and `dev->coherent_dma_mask`.
  private mutating func findReads(_ member: MaskFunction) {
    guard let own = known[member.number]?.first, known[member.number]?.count == 1 else { return }
    let body = member.function.body
    for index in body where file.tokens[index].kind == .identifier {
      let token = file.tokens[index]
      if file.isNamed(token, "dma_get_mask") {
        guard let close = file.closing(of: index + 1, before: body.upperBound),
          Self.simple(text(index + 2..<close, member, 0)) == own
        else { continue }
        ownReads.insert(index)
      } else if file.isNamed(token, "dma_mask") || file.isNamed(token, "coherent_dma_mask"),
        file.isMember(index)
      {
        let start = file.startOfPath(index, body.lowerBound)
        guard start < index - 1 else { continue }
        let path = text(start..<index - 1, member, 0)
        let device = Self.simple(file.tokens[index - 1].is(".") ? "&" + path : path)
        if device == own { ownReads.insert(index) }
      }
    }
  }

  /// The devices whose masks a function sets; `$0` is in them for its first parameter.
  private mutating func names(of number: Int) -> Set<String> {
    if let known = known[number] { return known }
    guard let member = members[number], open.insert(number).inserted else { return [] }
    defer { open.remove(number) }
    var found: Set<String> = []
    for site in sites[number] ?? [] { found.insert(name(of: site, member)) }
    for call in calls[number] ?? [] where found.count <= Self.nameLimit {
      let arguments = file.closing(of: call + 1, before: member.function.body.upperBound).map {
        file.split(call + 2..<$0)
      }
      for callee in byName[file.text(file.tokens[call])] ?? [] {
        for inner in names(of: callee) {
          found.insert(translated(inner, callee, arguments ?? [], member))
        }
      }
    }
    known[number] = found
    return found
  }

  /// A callee's name of a device in the words of its caller.
  private func translated(
    _ name: String, _ callee: Int, _ arguments: [Range<Int>], _ caller: MaskFunction
  ) -> String {
    // A variable of its own.
    guard !name.contains("@") else { return name + "@\(callee)" }
    // All at once: what is put in has parameters of the caller.
    let parts = name.split(separator: "$", omittingEmptySubsequences: false)
    var result = parts.first.map(String.init) ?? ""
    for part in parts.dropFirst() {
      let digits = part.prefix { $0.isNumber }
      guard let position = Int(digits), position < arguments.count else {
        return name + "@\(callee)"
      }
      result += text(arguments[position], caller, 0) + part.dropFirst(digits.count)
    }
    return Self.simple(result)
  }

  private func name(of site: MaskSite, _ member: MaskFunction) -> String {
    if site.isStore {
      let start = file.startOfPath(site.token, member.function.body.lowerBound)
      guard start < site.token - 1 else { return "@\(site.token)" }
      let path = text(start..<site.token - 1, member, 0)
      return Self.simple(file.tokens[site.token - 1].is(".") ? "&" + path : path)
    }
    guard let close = file.closing(of: site.token + 1, before: member.function.body.upperBound),
      let first = file.split(site.token + 2..<close).first
    else { return "@\(site.token)" }
    return Self.simple(text(first, member, 0))
  }

  /// An expression with variables replaced by what they were assigned.
  private func text(_ range: Range<Int>, _ member: MaskFunction, _ depth: Int) -> String {
    var result = ""
    var index = range.lowerBound
    while index < range.upperBound {
      let token = file.tokens[index]
      defer { index += 1 }
      guard token.kind == .identifier,
        index == 0 || !file.tokens[index - 1].is(".") && !file.tokens[index - 1].is("->"),
        index + 1 >= range.upperBound || !file.tokens[index + 1].is("(")
      else {
        result += file.text(token)
        continue
      }
      // The longest member that the function assigns once.
      var end = file.endOfPath(index, range.upperBound)
      while end > index + 2 {
        if depth < Self.depthLimit, let write = assigned(index..<end, member) {
          guard holds(write, at: index, file.text(file.tokens[end - 1]), member) else {
            // What it was before, or what another function gave it.
            result += "?@\(write.token)"
            break
          }
          let value = write.value
          result += "(" + text(value, member, depth + 1) + ")"
          break
        }
        end -= 2
      }
      if end > index + 2 {
        index = end - 1
      } else {
        result += variable(index, member, depth)
      }
    }
    return result
  }

  private func variable(_ token: Int, _ member: MaskFunction, _ depth: Int) -> String {
    let name = file.text(file.tokens[token])
    let variable = member.context.variable(name)
    let writes = file.pointerWrites(of: name, in: member.function.body)
    if variable.isShadowed || member.context.isMoved(name) { return name + "@\(token)" }
    if writes.isEmpty {
      if let position = member.function.parameters.firstIndex(of: name), !variable.isDeclared {
        return "$\(position)"
      }
      return name
    }
    let last = writes.last { $0.token < token } ?? writes[0]
    // A parameter, or a variable that keeps what another call gave it.
    let body = member.function.body
    let isOwn =
      !variable.isStatic
      && (variable.isDeclared
        || !member.function.parameters.contains(name)
          && file.declaresPointer(name, in: body.lowerBound..<body.upperBound))
    guard isOwn || member.context.statements.dominates(last.token, token) else {
      return name + "@\(last.token)"
    }
    guard writes.count == 1, depth < Self.depthLimit, isPlain(last.value) else {
      return name + "@\(last.token)"
    }
    return "(" + text(last.value, member, depth + 1) + ")"
  }

  /// What a member is assigned, where that happens once.
  private func assigned(
    _ path: Range<Int>, _ member: MaskFunction
  ) -> FunctionContext.Variable.Assignment? {
    let text = file.text(file.tokens[path])
    let body = member.function.body
    var found: FunctionContext.Variable.Assignment?
    for index in body where file.tokens[index].is("=") && index > body.lowerBound {
      let start = file.startOfPath(index - 1, body.lowerBound)
      guard index - start == path.count, file.text(file.tokens[start..<index]) == text else {
        continue
      }
      guard found == nil else { return nil }
      found = .init(
        token: start, value: index + 1..<file.endOfValue(index + 1, body.upperBound))
    }
    guard let found, isPlain(found.value), !found.value.contains(path.lowerBound) else {
      return nil
    }
    return found
  }

  /// Whether a member has at a place what the function assigned to it: always, and no
  /// function of the file that writes a member of its name is called in between.
  private func holds(
    _ write: FunctionContext.Variable.Assignment, at use: Int, _ name: String,
    _ member: MaskFunction
  ) -> Bool {
    // Where it stands behind, an earlier call had it.
    guard write.token < use else { return true }
    guard member.context.statements.dominates(write.token, use) else { return false }
    let writers = file.tokens(named: name).compactMap { index -> String? in
      guard file.isMember(index), file.tokens[index + 1].is("="),
        !member.function.body.contains(index)
      else { return nil }
      return functions.index(containing: index).map { functions[$0].name }
    }
    return writers.isEmpty
      || !(write.value.upperBound..<use).contains { index in
        file.tokens[index].kind == .identifier && file.tokens[index + 1].is("(")
          && writers.contains(file.text(file.tokens[index]))
      }
  }

  /// Functions that give the same for the same.
  private static let conversions: Set<String> = [
    "to_pci_dev", "to_platform_device", "dev_get_drvdata", "platform_get_drvdata",
    "pci_get_drvdata", "container_of", "netdev_priv", "to_of_device", "wiphy_priv",
    "dev_to_node", "shost_priv", "get_device",
  ]

  private func isPlain(_ value: Range<Int>) -> Bool {
    guard !value.isEmpty, value.count <= 24 else { return false }
    return !value.contains { index in
      file.tokens[index].kind == .identifier && index + 1 < file.tokens.count
        && file.tokens[index + 1].is("(")
        && !Self.conversions.contains(file.text(file.tokens[index]))
        || file.tokens[index].is("?") || file.tokens[index].is("=")
    }
  }

  /// A name without parentheses that mean nothing, and without ways there and back.
  private static func simple(_ text: String) -> String {
    var result = text
    for _ in 0..<8 {
      var next = result
      // Around a name or path: `(&a->b)` stays where something follows.
      if next.hasPrefix("("), next.hasSuffix(")"), isOnePair(next) {
        next = String(next.dropFirst().dropLast())
      }
      for (start, end) in [("&to_pci_dev(", ")->dev"), ("&to_platform_device(", ")->dev")]
      where next.hasPrefix(start) && next.hasSuffix(end) {
        next = String(next.dropFirst(start.count).dropLast(end.count))
      }
      next = withoutInner(next)
      if next == result { break }
      result = next
    }
    return result
  }

  private static func isOnePair(_ text: String) -> Bool {
    var nesting = 0
    for (offset, character) in text.enumerated() {
      if character == "(" { nesting += 1 }
      if character == ")" { nesting -= 1 }
      if nesting == 0, offset + 1 < text.count { return false }
    }
    return true
  }

  /// `(a)` as `a` where that is a path or another pair of parentheses.
  private static func withoutInner(_ text: String) -> String {
    var bytes = Array(text.utf8)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "("), index == 0 || !bytes[index - 1].isWord else {
        index += 1
        continue
      }
      var end = index + 1
      while end < bytes.count,
        bytes[end].isWord
          || [
            UInt8(ascii: "$"), UInt8(ascii: "-"), UInt8(ascii: ">"),
            UInt8(ascii: "."), UInt8(ascii: "@"),
          ].contains(bytes[end])
      {
        end += 1
      }
      if end < bytes.count, bytes[end] == UInt8(ascii: ")") {
        bytes.remove(at: end)
        bytes.remove(at: index)
        continue
      }
      index += 1
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension CFile {
  /// The assignments of a variable or pointer that are no null pointer.
  func pointerWrites(
    of name: String, in body: ClosedRange<Int>
  ) -> [FunctionContext.Variable.Assignment] {
    var found: [FunctionContext.Variable.Assignment] = []
    for index in tokens(named: name)
    where body.contains(index) && index + 1 < tokens.count && tokens[index + 1].is("=")
      && !tokens[index - 1].is(".") && !tokens[index - 1].is("->")
    {
      let value = index + 2..<max(index + 2, endOfValue(index + 2, body.upperBound))
      if value.count == 1, isNamed(tokens[value.lowerBound], "NULL") { continue }
      found.append(.init(token: index, value: value))
    }
    return found
  }
}

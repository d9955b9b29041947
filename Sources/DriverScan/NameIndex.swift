/// Where the names of a file stand, and what its `enum`s number.
struct NameIndex: Sendable {
  /// A constant of an `enum`: so many behind the one that has a value.
  struct Constant: Sendable {
    /// The words of that value; nil where the first has none.
    let value: Range<Int>?
    let distance: Int
    /// Whether no `#if` chooses it or one before it.
    var isCertain = true
  }

  /// The hash of a name, and its token below.
  private let entries: [UInt64]
  let constants: [String: Constant]

  init(_ file: CFile) {
    entries = file.bytes.withUnsafeBufferPointer { bytes in
      var entries: [UInt64] = []
      entries.reserveCapacity(file.tokens.count / 2)
      for (index, token) in file.tokens.enumerated() where token.kind == .identifier {
        let name = UnsafeBufferPointer(rebasing: bytes[Int(token.start)..<Int(token.end)])
        entries.append(Self.hash(name) << 32 | UInt64(index))
      }
      entries.sort()
      return entries
    }
    constants = Self.constants(file)
  }

  /// FNV-1a, of 32 bits.
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt32 = 0x811c_9dc5
    for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return UInt64(hash)
  }

  /// The tokens that may have a name, in order: another's hash may be the same.
  func candidates(_ name: [UInt8]) -> ArraySlice<UInt64> {
    let key = name.withUnsafeBufferPointer(Self.hash) << 32
    let start = partition(key)
    let end = partition(key + 1 << 32)
    return entries[start..<end]
  }

  /// The first entry that is not below a value.
  private func partition(_ value: UInt64) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func constants(_ file: CFile) -> [String: Constant] {
    var constants: [String: Constant] = [:]
    for (index, token) in file.tokens.enumerated() where file.isNamed(token, "enum") {
      guard
        let open = (index + 1..<min(index + 3, file.tokens.count)).first(where: {
          file.tokens[$0].is("{")
        })
      else { continue }
      let isChosen = file.insideBraces(of: open).contains { file.tokens[$0].region >= 0 }
      var (value, distance): (Range<Int>?, Int) = (nil, 0)
      for part in file.split(file.insideBraces(of: open)) where !part.isEmpty {
        let name = file.tokens[part.lowerBound]
        guard name.kind == .identifier else { continue }
        if part.count > 2, file.tokens[part.lowerBound + 1].is("=") {
          (value, distance) = (part.dropFirst(2), 0)
        }
        let text = file.text(name)
        let isKnown = constants[text] != nil
        if !isKnown { constants[text] = Constant(value: value, distance: distance) }
        if isKnown || isChosen { constants[text]?.isCertain = false }
        distance += 1
      }
    }
    return constants
  }
}

extension CFile {
  /// The identifiers with a name, in order.
  func tokens(named name: String) -> [Int] {
    let name = Array(name.utf8)
    func isNamed(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
      let token = tokens[index]
      return token.kind == .identifier && Int(token.end - token.start) == name.count
        && bytes[Int(token.start)..<Int(token.end)].elementsEqual(name)
    }
    return bytes.withUnsafeBufferPointer { bytes in
      guard let index else { return tokens.indices.filter { isNamed($0, bytes) } }
      return index.candidates(name).map { Int($0 & 0xffff_ffff) }.filter { isNamed($0, bytes) }
    }
  }

  /// The value of a constant of an `enum` of this file, or nil where none has the name.
  func enumeration(naming name: String, _ evaluator: MaskEvaluator) -> CValue? {
    guard let constant = index?.constants[name] else { return nil }
    guard constant.isCertain else { return .undecided }
    let distance = CInteger.int(constant.distance)
    guard let range = constant.value else { return CValue(distance) }
    let value = evaluator.value(of: range, in: nil)
    return value.map { $0.binary("+", distance) }
  }
}

import DMAModel

extension KernelCommandLine {
  /// kernel/dma/swiotlb.c `setup_io_tlb_npages()`: `N[,areas][,force|noforce]`.
  ///
  /// - Parameter prefixes: Whether the words are matched by prefix, as 7.3 does.
  mutating func swiotlb(_ word: String, _ value: String, prefixes: Bool) {
    var rest = Substring(value)
    var (meanings, wrong): ([String], [String]) = ([], [])
    if let slots = Self.number(&rest) {
      if let slots, slots <= 1 << 40 {
        let segment = swiotlbSegmentSlots
        let whole = (slots + segment - 1) / segment * segment
        poolSlots = whole
        let rounded = whole == slots ? "" : ", in whole segments \(whole)"
        meanings.append("\(slots) slots of 2048 bytes\(rounded): \(whole * 2) KiB")
      } else {
        wrong.append("swiotlb= has more slots than memory can hold")
      }
    }
    if rest.first == "," { rest = rest.dropFirst() }
    if let areas = Self.number(&rest) {
      if let areas, areas <= 1 << 16 {
        poolAreas = max(areas, 1)
        meanings.append("\(areas) areas, and a power of two of slots")
      } else {
        wrong.append("swiotlb= has more areas than CPUs can exist")
      }
    }
    if rest.first == "," { rest = rest.dropFirst() }
    func matches(_ name: String) -> Bool { prefixes ? rest.hasPrefix(name) : rest == name }
    let index = parameters.count
    let force = ["force", "noforce"].first(where: matches)
    if force == "force" {
      forcedBounce = index
      meanings.append("every mapping without dma-iommu bounces")
    } else if force == "noforce" {
      disabledSwiotlb = index
      meanings.append("no swiotlb at all")
    }
    rest = rest.dropFirst(force?.count ?? 0)
    if force != nil, rest.first == "," { rest = rest.dropFirst() }
    if prefixes, matches("track_hiwater") {
      meanings.append("debugfs keeps the highest fill")
    } else if force != nil, !rest.isEmpty {
      wrong.append("'\(rest)' behind the word is not read; it takes slots,areas,force|noforce")
    } else if !rest.isEmpty {
      let hint =
        ["K", "M", "G", "k", "m", "g"].contains(rest)
        ? ": the number is of slots, and its suffix is not read" : ""
      wrong.append("swiotlb= knows no '\(rest)'; it takes slots,areas,force|noforce\(hint)")
    }
    note(
      word, wrong: wrong, meanings: meanings,
      empty: .suspicious("swiotlb= without a value does nothing"))
  }

  /// lib/vsprintf.c `simple_strtoul()` with base 0, where a digit begins: hexadecimal,
  /// octal or decimal as far as digits go.
  ///
  /// Returns nil where no digit begins, and nil within for what 64 bits do not hold.
  private static func number(_ text: inout Substring) -> UInt64?? {
    guard let first = text.first, first.isASCII, first.isNumber else { return nil }
    func digits(_ radix: Int, after prefix: Int) -> UInt64? {
      let digits = text.dropFirst(prefix).prefix {
        $0.isASCII && ($0.hexDigitValue ?? 16) < radix
      }
      text = text[digits.endIndex...]
      return UInt64(digits, radix: radix)
    }
    if text.hasPrefix("0x") || text.hasPrefix("0X"),
      text.dropFirst(2).first.map({ $0.isASCII && $0.isHexDigit }) == true
    {
      return .some(digits(16, after: 2))
    }
    return .some(first == "0" ? digits(8, after: 0) : digits(10, after: 0))
  }
}

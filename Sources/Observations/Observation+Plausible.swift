import Support

/// What no machine could have answered: a file may hold anything.
extension Observation {
  /// A field that cannot be, in the words of a probe's line.
  struct Implausible {
    let field: String
    let value: String
    let accepted: String
  }

  /// Physical addresses have at most 52 bits, and the C-bit and vTOM lie below 2^56.
  private static let highestAddress: UInt64 = 1 << 56
  private static let longest: UInt64 = 1 << 40

  /// Whether every field can be: what comparisons rely on.
  public var isPlausible: Bool { implausible == nil && (0...64).contains(maskBits) }

  /// The first field that cannot be, or nil.
  var implausible: Implausible? {
    if dmaMask == 0 {
      return Implausible(field: "dma_mask", value: "0x0", accepted: "a mask of at least one bit")
    }
    // What the machine did not have has no length.
    if result != .absent, let length, !(1...Self.longest).contains(length) {
      return Implausible(field: "len", value: "\(length)", accepted: "1 to \(Self.longest)")
    }
    for (field, address) in [("phys", physicalAddress), ("phys2", secondAddress)] {
      if let address, address >= Self.highestAddress {
        return Implausible(
          field: field, value: address.hexadecimal, accepted: "an address below 2^56")
      }
    }
    if let address = dmaAddress, address > .max - bytes {
      return Implausible(
        field: "dma", value: address.hexadecimal, accepted: "an address at which len bytes fit")
    }
    if let slots, !(0...1 << 32).contains(slots) {
      return Implausible(field: "slots", value: "\(slots)", accepted: "0 to 2^32")
    }
    let entries = max(2, region.split(separator: "+", omittingEmptySubsequences: false).count)
    if operation == .mapSG, bytes < entries {
      return Implausible(
        field: "len", value: "\(bytes)", accepted: "\(entries) or more for that map_sg")
    }
    let names = [region] + attributes
    if let name = names.first(where: { !Self.isName($0) }) {
      return Implausible(
        field: name == region ? "region" : "attrs", value: name,
        accepted: "up to 32 letters, digits, '_' and '+'")
    }
    return nil
  }

  private static func isName(_ text: String) -> Bool {
    text.utf8.count <= 32
      && text.utf8.allSatisfy { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"):
          true
        default: false
        }
      }
  }
}

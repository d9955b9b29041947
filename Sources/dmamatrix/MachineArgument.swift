import DMAModel
import Support

/// A machine as a user describes it: `6G=0-2G,4G-8G`.
enum MachineArgument {
  /// Reads a description, or says what is wrong with it.
  static func parse(_ text: String) throws -> Machine {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, isName(parts[0]) else {
      throw wrong(
        text, "its name is a letter or digit, then those, '.', '_' or '-', and not 2G or 64G")
    }
    var fields = parts[1].split(separator: ",", omittingEmptySubsequences: false)
    let settings = fields.filter { $0.contains("=") }
    fields.removeAll { $0.contains("=") }
    let ranges = try fields.map { range in
      let bounds = range.split(separator: "-", omittingEmptySubsequences: false).map {
        ByteCount.parse($0)
      }
      guard bounds.count == 2, let start = bounds[0], let end = bounds[1] else {
        throw wrong(text, "'\(String(range).printable)' is not a range")
      }
      return PhysicalRange(start, end)
    }
    guard var machine = Machine(name: MachineName(String(parts[0])), ram: ranges) else {
      throw wrong(text, "ranges are ascending, disjoint and multiples of 4096")
    }
    for setting in settings { try set(setting, of: &machine, text) }
    return machine
  }

  /// `dma=0x3fffffff` or `cpus=4`.
  private static func set(_ setting: Substring, of machine: inout Machine, _ text: String) throws {
    if setting.hasPrefix("dma="), let limit = UInt64(hexadecimal: setting.dropFirst(4)),
      limit & 4095 == 4095
    {
      machine.firmwareDMALimit = limit
    } else if setting.hasPrefix("cpus="), let cpus = Int(setting.dropFirst(5)),
      (1...4096).contains(cpus)
    {
      machine.cpus = cpus
    } else {
      throw wrong(
        text,
        "'\(String(setting).printable)' is neither dma= with the last byte of a page, nor cpus= "
          + "with 1 to 4096")
    }
  }

  private static func isName(_ name: Substring) -> Bool {
    // A spreadsheet reads a leading '-' as a formula.
    !name.isEmpty && !"._-".contains(name.prefix(1))
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
      && MachineName(name: name) == nil
  }

  private static func wrong(_ text: String, _ reason: String) -> UsageError {
    UsageError(
      description: "--machine '\(text.printable)' is not a machine: \(reason); "
        + "accepted: name=start-end,... as 6G=0-2G,4G-8G, then "
        + "dma=0x3fffffff, cpus=4")
  }
}

/// A buffer as a user describes it: `12G+64K`, `mmio:0x3900000000+4K`.
enum BufferArgument {
  /// The axis' own spelling of a description; other text as it is.
  static func spelling(_ text: String) -> String {
    if text.hasPrefix("size:"), let length = ByteCount.parse(text.dropFirst(5)),
      let buffer = Buffer(allocating: length)
    {
      return buffer.name
    }
    let isDeviceMemory = text.hasPrefix("mmio:")
    let numbers = text.dropFirst(isDeviceMemory ? 5 : 0)
      .split(separator: "+", omittingEmptySubsequences: false).map { ByteCount.parse($0) }
    guard numbers.count == 2, let address = numbers[0], let length = numbers[1],
      let buffer = Buffer(at: address, length: length, isDeviceMemory: isDeviceMemory)
    else { return text }
    return buffer.name
  }
}

/// A mask or limit as a user writes it: a number of bits, or an address with 0x.
enum LimitArgument {
  /// The axis' own spelling of an address; other text as it is.
  static func spelling(_ text: String) -> String {
    UInt64(hexadecimal: text).map { DMAMask(highestAddress: $0).name } ?? text
  }
}

/// A number of bytes up to 2^52: decimal or 0x..., with K, M or G.
enum ByteCount {
  static func parse(_ text: some StringProtocol) -> UInt64? {
    let shifts: [Character: UInt64] = ["K": 10, "M": 20, "G": 30]
    let shift = text.last.flatMap { shifts[$0] } ?? 0
    let digits = text.dropLast(shift == 0 ? 0 : 1)
    guard let value = UInt64(unsigned: digits), value <= (1 << 52) >> shift else { return nil }
    return value << shift
  }
}

/// What a file registers, and how it names the pointer to a device's mask.
extension CFile {
  /// The buses of the drivers that the file registers, by their structures.
  func registeredBuses() -> [String] {
    Self.driverBuses.filter { bus in
      tokens(named: bus + "_driver").contains { index in
        guard index > 0, index + 2 < tokens.count, tokens[index].depth == 0,
          isNamed(tokens[index - 1], "struct"),
          tokens[index + 1].kind == .identifier
        else { return false }
        // Neither a declaration nor a function's parameter.
        let next = tokens[index + 2]
        return (next.is("=") || next.is(";") || next.is("[") || next.kind == .identifier)
          && !(index > 1 && isNamed(tokens[index - 2], "extern"))
      }
    }
  }

  private static let driverBuses = [
    "pci", "platform", "amba", "usb", "auxiliary", "ccw", "css", "dio", "ecard", "eisa", "fsl_mc",
    "hv", "i2c", "isa", "macio", "mcb", "mdio", "nubus", "parisc", "pnp", "ps3_system_bus", "rio",
    "sdio", "spi", "tc", "vio", "virtio", "xenbus", "zorro",
  ]

  /// Whether the bus gives every device of the file's drivers a pointer to a mask:
  /// drivers/base/platform.c `setup_pdev_dma_masks()`, drivers/pci/probe.c
  /// `pci_setup_device()`.
  var busGivesPointer: Bool {
    let buses = registeredBuses()
    return !buses.isEmpty && buses.allSatisfy { $0 == "pci" || $0 == "platform" }
  }

  /// Whether tokens are `dev->dma_mask`: the pointer of a device.
  func isMaskPointer(_ range: Range<Int>) -> Bool {
    range.count >= 3 && isNamed(tokens[range.upperBound - 1], "dma_mask")
      && isNamed(tokens[range.upperBound - 3], "dev")
      && endOfPath(range.lowerBound, range.upperBound) == range.upperBound
  }

  /// Whether a mask, ending at `index`, is written in a way that is not followed.
  func isWrittenOtherwise(_ index: Int) -> Bool {
    let next = tokens[index + 1]
    if isCompound(next) || next.is("[") || next.is("++") || next.is("--") { return true }
    if next.is(")"), tokens[index + 2].is("=") { return true }
    let start = startOfPath(index, 0)
    guard start > 1 else { return false }
    if tokens[start - 1].is("("), isNamed(tokens[start - 2], "WRITE_ONCE") { return true }
    guard tokens[start - 1].is("&"), isAddressOperator(start - 1, 0..<tokens.count) else {
      return false
    }
    // `dev->dma_mask = &dev->coherent_dma_mask`
    return !(start > 3 && tokens[start - 2].is("=") && isNamed(tokens[start - 3], "dma_mask"))
  }

  /// Whether `a->b.dma_mask`, ending at `index`, is stored to in the body of
  /// `if (!dev->dma_mask)` or `if (dev->dma_mask == NULL)`.
  func isWithoutPointer(_ index: Int) -> Bool {
    let start = startOfPath(index, 0)
    var close = start - 1
    if close > 0, tokens[close].is("{") { close -= 1 }
    guard close > 0, tokens[close].is(")") else { return false }
    var open = close - 1
    while open > 0, close - open < 24, !tokens[open].is("(") { open -= 1 }
    guard open > 0, tokens[open].is("("), isNamed(tokens[open - 1], "if"), open + 1 < close else {
      return false
    }
    let condition = open + 1..<close
    if tokens[condition.lowerBound].is("!") {
      return isMaskPointer(condition.lowerBound + 1..<condition.upperBound)
    }
    guard condition.count > 4, isNamed(tokens[close - 1], "NULL"), tokens[close - 2].is("==")
    else { return false }
    return isMaskPointer(condition.lowerBound..<close - 2)
  }

  /// Whether a `*` stands before `a->b.c`, ending at `index`, and is no product.
  func isDereferenced(_ index: Int) -> Bool {
    let start = startOfPath(index, 0)
    guard start >= 2, tokens[start - 1].is("*") else { return false }
    let before = tokens[start - 2]
    return before.is(";") || before.is("{") || before.is("}") || before.is(")") || before.is(":")
  }

  /// Whether a variable is given the pointer `a->dma_mask`, ending at `index`.
  func keepsPointer(at index: Int) -> Bool {
    let start = startOfPath(index, 0)
    guard start > 2, tokens[start - 1].is("="), tokens[start - 2].kind == .identifier
    else { return false }
    // Another device's pointer is listed as a use.
    return !isNamed(tokens[start - 2], "dma_mask")
      && startOfPath(start - 2, 0) == start - 2 && tokens[start - 3].is("*")
  }
}

extension DriverFile {
  /// The buses of the drivers that the file registers.
  var registeredBuses: [String] { file.registeredBuses() }
}

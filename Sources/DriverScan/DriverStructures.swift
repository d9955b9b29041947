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
    "pci", "platform", "amba", "usb", "auxiliary", "ccw", "cdx", "css", "dio", "ecard", "eisa",
    "fsl_mc", "hv", "i2c", "isa", "macio", "mcb", "mdio", "nubus", "parisc", "pnp",
    "ps3_system_bus", "rio",
    "sdio", "spi", "tc", "vio", "virtio", "xenbus", "zorro",
  ]

  /// Whether the devices of the file's drivers have masks of 32 bits before: see
  /// pci_setup_device(), setup_pdev_dma_masks(), of_amba_device_create(), macio_add_one_device(),
  /// alloc_tree_node() of parisc and amiga_zorro_probe().  Where the file registers no
  /// driver, its bus is not known, and mostly one of these.
  var busGives32: Bool {
    let buses = registeredBuses()
    return buses.isEmpty
      || someBusGives32
        && buses.allSatisfy { Self.busesWith32.contains($0) || Self.busesWithout.contains($0) }
  }

  /// Whether one of these buses is among those of the file.
  var someBusGives32: Bool { registeredBuses().contains(where: Self.busesWith32.contains) }

  private static let busesWith32: Set<String> = [
    "pci", "platform", "amba", "macio", "parisc", "zorro",
  ]
  /// Those without a pointer to a mask: dma_set_mask() fails.
  private static let busesWithout: Set<String> = ["usb", "i2c", "spi", "mdio", "sdio"]

  /// The masks that each `struct platform_device_info` of the file gives a device.
  var givenMasks: [Range<Int>] {
    guard !tokens(named: "platform_device_info").isEmpty else { return [] }
    return tokens(named: "dma_mask").compactMap { index in
      guard index > 0, tokens[index - 1].is("."), index + 2 < tokens.count,
        tokens[index + 1].is("=")
      else { return nil }
      return index + 2..<endOfValue(index + 2, tokens.count)
    }
  }

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
      || before.is("=")
  }

  /// Whether a variable is given the pointer `a->dma_mask`, ending at `index`.
  func keepsPointer(at index: Int) -> Bool {
    let start = startOfPath(index, 0)
    guard start > 2, tokens[start - 1].is("="), tokens[start - 2].kind == .identifier
    else { return false }
    // Another device's pointer is listed as a use.
    guard !isNamed(tokens[start - 2], "dma_mask"), startOfPath(start - 2, 0) == start - 2 else {
      return false
    }
    if tokens[start - 3].is("*") { return true }
    // u64 *m; m = dev->dma_mask;
    return self.tokens(named: text(tokens[start - 2])).contains { $0 > 0 && tokens[$0 - 1].is("*") }
  }

  /// Whether `pdev->dma_mask`, ending at `index`, is the member of a PCI device: its
  /// streaming mask, as pci_setup_device() makes dev->dma_mask point there.
  func isOfPCI(_ index: Int) -> Bool {
    guard index > 1, tokens[index - 1].is("->"), tokens[index - 2].kind == .identifier else {
      return false
    }
    return self.tokens(named: text(tokens[index - 2])).contains { place in
      place > 1 && tokens[place - 1].is("*") && isNamed(tokens[place - 2], "pci_dev")
    }
  }
}

extension DriverFile {
  /// The buses of the drivers that the file registers.
  var registeredBuses: [String] { file.registeredBuses() }
}

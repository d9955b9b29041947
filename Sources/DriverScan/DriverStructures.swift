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

  /// Whether a `*` stands before `a->b.c`, ending at `index`, and is no product.
  func isDereferenced(_ index: Int) -> Bool {
    var start = index
    while start >= 2, tokens[start - 1].is(".") || tokens[start - 1].is("->"),
      tokens[start - 2].kind == .identifier
    {
      start -= 2
    }
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

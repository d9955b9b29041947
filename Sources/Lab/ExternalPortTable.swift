/// An ACPI table that says that the root port at 8.0 faces outwards.
///
/// The device behind it is then untrusted: drivers/pci/pci-acpi.c
/// `pci_acpi_set_external_facing()` reads the property ExternalFacingPort of
/// Documentation: Microsoft's "Identifying externally exposed PCIe root ports".
enum ExternalPortTable {
  /// The root port's address on the bus, and its name in QEMU's DSDT.
  static let port = "8"

  static var bytes: [UInt8] {
    let property = package([string("ExternalFacingPort"), [0x01]])
    // UUID efcc06cc-73ac-4bc3-bff0-76143807c389, in the byte order of ToUUID.
    let guid: [UInt8] = [
      0xcc, 0x06, 0xcc, 0xef, 0xac, 0x73, 0xc3, 0x4b, 0xbf, 0xf0, 0x76, 0x14, 0x38, 0x07, 0xc3,
      0x89,
    ]
    let data = package([buffer(guid), package([property])])
    let name: [UInt8] = [0x08] + Array("_DSD".utf8) + data
    // Scope (\_SB.PCI0.S40)
    let path: [UInt8] = [0x5c, 0x2f, 3] + Array("_SB_PCI0S40_".utf8)
    let scope: [UInt8] = [0x10] + packaged(path + name)
    var table = Array("SSDT".utf8)
    let length = 36 + scope.count
    table += little(UInt32(length)) + [2, 0]
    table += Array("DMATRXEXTPORT ".utf8) + little(1) + Array("DMTX".utf8) + little(1)
    table += scope
    table[9] = 0 &- table.reduce(0, &+)
    return table
  }

  private static func little(_ value: UInt32) -> [UInt8] {
    [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func string(_ text: String) -> [UInt8] { [0x0d] + Array(text.utf8) + [0] }

  private static func buffer(_ bytes: [UInt8]) -> [UInt8] {
    [0x11] + packaged([0x0a, UInt8(bytes.count)] + bytes)
  }

  private static func package(_ elements: [[UInt8]]) -> [UInt8] {
    [0x12] + packaged([UInt8(elements.count)] + elements.joined())
  }

  /// A body behind its PkgLength (ACPI 6.5, 20.2.4).
  private static func packaged(_ body: [UInt8]) -> [UInt8] {
    if body.count + 1 < 64 { return [UInt8(body.count + 1)] + body }
    let length = body.count + 2
    return [0x40 | UInt8(length & 15), UInt8(length >> 4)] + body
  }
}

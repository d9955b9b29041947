/// The class code of a PCI device in words.
///
/// Source: include/linux/pci_ids.h, `PCI_CLASS_*`.
enum PCIClass {
  /// What a class code of 24 bits names: the sub-class where drivers differ by it, else
  /// the base class; `class 12` where the header has no name.
  static func words(_ code: UInt32) -> String {
    if let name = interfaces[code] { return name }
    if let name = subclasses[code >> 8] { return name }
    return bases[code >> 16] ?? "class " + String(code >> 16, radix: 16)
  }

  private static let interfaces: [UInt32: String] = [
    0x01_0601: "SATA, AHCI", 0x01_0802: "NVMe", 0x0c_0300: "USB 1, UHCI",
    0x0c_0310: "USB 1, OHCI", 0x0c_0320: "USB 2, EHCI", 0x0c_0330: "USB 3, xHCI",
    0x0c_0340: "USB 4", 0x0c_03fe: "USB device",
  ]

  private static let subclasses: [UInt32: String] = [
    0x0100: "SCSI", 0x0101: "IDE", 0x0102: "floppy", 0x0103: "IPI", 0x0104: "RAID",
    0x0106: "SATA", 0x0107: "SAS", 0x0108: "NVM", 0x0180: "storage",
    0x0200: "Ethernet", 0x0201: "token ring", 0x0202: "FDDI", 0x0203: "ATM",
    0x0207: "InfiniBand", 0x0280: "network",
    0x0300: "VGA", 0x0302: "3D graphics", 0x0380: "display",
    0x0400: "video", 0x0401: "audio", 0x0403: "HD audio", 0x0480: "multimedia",
    0x0500: "RAM", 0x0501: "flash", 0x0502: "CXL memory",
    0x0600: "host bridge", 0x0601: "ISA bridge", 0x0604: "PCI bridge", 0x0607: "CardBus",
    0x0680: "bridge", 0x0700: "serial port", 0x0780: "communication",
    0x0800: "PIC", 0x0801: "DMA engine", 0x0802: "timer", 0x0803: "RTC", 0x0805: "SD host",
    0x0806: "IOMMU", 0x0880: "system", 0x0c00: "FireWire", 0x0c03: "USB", 0x0c04: "Fibre Channel",
    0x0c05: "SMBus", 0x0c07: "IPMI", 0x0d11: "Bluetooth", 0x0d80: "wireless",
    0x1200: "accelerator",
  ]

  private static let bases: [UInt32: String] = [
    0x00: "unclassified", 0x01: "storage", 0x02: "network", 0x03: "display", 0x04: "multimedia",
    0x05: "memory", 0x06: "bridge", 0x07: "communication", 0x08: "system", 0x09: "input",
    0x0a: "docking", 0x0b: "processor", 0x0c: "serial bus", 0x0d: "wireless",
    0x0e: "intelligent", 0x0f: "satellite", 0x10: "crypto", 0x11: "signal", 0x12: "accelerator",
    0x13: "instrument", 0xff: "other",
  ]
}

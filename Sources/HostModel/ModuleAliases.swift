import HostCapture
import Support

/// The PCI lines of a kernel's `modules.alias`: which module a device's numbers ask for.
///
/// Source: scripts/mod/file2alias.c `do_pci_entry()`:
/// `alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e`. Lines that name a subsystem are
/// left out: a capture does not have it.
public struct ModuleAliases: Sendable {
  /// A device's numbers, each nil for any.
  private struct Pattern: Sendable {
    var vendor: UInt32?
    var device: UInt32?
    var base: UInt32?
    var sub: UInt32?
    var interface: UInt32?
    let module: String

    func matches(_ device: HostDevice) -> Bool {
      func fits(_ wanted: UInt32?, _ found: UInt32?) -> Bool {
        wanted == nil || wanted == found
      }
      return fits(vendor, device.vendor.map(UInt32.init))
        && fits(self.device, device.device.map(UInt32.init))
        && fits(base, device.classCode.map { $0 >> 16 })
        && fits(sub, device.classCode.map { $0 >> 8 & 0xff })
        && fits(interface, device.classCode.map { $0 & 0xff })
    }
  }

  private var byVendor: [UInt32: [Pattern]] = [:]
  private var ofAnyVendor: [Pattern] = []

  /// Bytes of a file: Debian's have about 1 MiB.
  package static let byteLimit = 64 << 20

  /// Reads a file.
  ///
  /// - Throws: ``Support/InputError`` for what cannot be read or has no PCI alias.
  public init(path: String) throws(InputError) {
    self.init(try GzipFile.contents(of: path, limit: Self.byteLimit))
    guard !byVendor.isEmpty || !ofAnyVendor.isEmpty else {
      throw .unreadable(
        file: path,
        reason: "has no PCI alias; expected /lib/modules/RELEASE/modules.alias")
    }
  }

  init(_ bytes: [UInt8]) {
    let start = Array("alias pci:".utf8)
    for line in bytes.split(separator: 0x0a) where line.count < 512 && line.starts(with: start) {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard words.count == 3,
        let pattern = Self.pattern(words[1].dropFirst(4), module: String(words[2].prefix(64)))
      else { continue }
      if let vendor = pattern.vendor {
        byVendor[vendor, default: []].append(pattern)
      } else {
        ofAnyVendor.append(pattern)
      }
    }
  }

  private static func pattern(_ text: Substring, module: String) -> Pattern? {
    var pattern = Pattern(module: module)
    var rest = text
    func field(_ name: String) -> (isThere: Bool, value: UInt32?) {
      guard rest.hasPrefix(name) else { return (false, nil) }
      rest = rest.dropFirst(name.count)
      if rest.first == "*" {
        rest = rest.dropFirst()
        return (true, nil)
      }
      let digits = rest.prefix { $0.isHexDigit && !$0.isLowercase }
      rest = rest.dropFirst(digits.count)
      let value = UInt32(digits, radix: 16)
      return (value != nil, value)
    }
    for (name, path) in [
      ("v", \Pattern.vendor), ("d", \.device), ("sv", nil), ("sd", nil), ("bc", \.base),
      ("sc", \.sub), ("i", \.interface),
    ] as [(String, WritableKeyPath<Pattern, UInt32?>?)] {
      let (isThere, value) = field(name)
      guard isThere, path != nil || value == nil else { return nil }
      if let path { pattern[keyPath: path] = value }
    }
    // add_wildcard() ends every alias with a star.
    return rest.isEmpty || rest == "*" ? pattern : nil
  }

  /// The modules that a device's numbers ask for, each once, in the file's order.
  public func modules(for device: HostDevice) -> [String] {
    let own = device.vendor.flatMap { byVendor[UInt32($0)] } ?? []
    var found: [String] = []
    for pattern in own + ofAnyVendor
    where pattern.matches(device) && !found.contains(pattern.module) {
      found.append(pattern.module)
    }
    return found
  }
}

import DMAModel

/// A mask that code sets: `DMA_BIT_MASK(bits)`, or another value.
public struct MaskValue: Hashable, Sendable {
  public let value: UInt64

  public init(_ value: UInt64) { self.value = value }

  /// The mask's width; nil where the value is no `DMA_BIT_MASK(n)`.
  public var bits: Int? {
    value & (value &+ 1) == 0 ? 64 - value.leadingZeroBitCount : nil
  }

  /// `48`, or the value in hexadecimal.
  public var text: String { bits.map(String.init) ?? "0x" + String(value, radix: 16) }
}

/// A place where a driver sets a mask.
public struct MaskCall: Sendable, Equatable {
  public let line: Int
  /// The function around it, or the macro.
  public let function: String
  /// What is called: `dma_set_mask`, or stored: `coherent_dma_mask =`.
  public let callee: String
  /// The mask as it is written.
  public let expression: String
  /// What it may be, in the order of the source.
  public let alternatives: [MaskValue]
  /// Whether it can be nothing else.
  public let isDecided: Bool
  /// Whether it sets `*dev->dma_mask`.
  public let setsStreaming: Bool
  /// Whether it sets `dev->coherent_dma_mask`.
  public let setsCoherent: Bool
  /// The place, counted in the driver, whose failure leads here.
  public var fallbackOf: Int?

  public init(
    line: Int, function: String, callee: String, expression: String, alternatives: [MaskValue],
    isDecided: Bool, setsStreaming: Bool, setsCoherent: Bool, fallbackOf: Int? = nil
  ) {
    self.line = line
    self.function = function
    self.callee = callee
    self.expression = expression
    self.alternatives = alternatives
    self.isDecided = isDecided
    self.setsStreaming = setsStreaming
    self.setsCoherent = setsCoherent
    self.fallbackOf = fallbackOf
  }

  /// The same place where the masks are all that it may set.
  func decided(as masks: [MaskValue]) -> MaskCall {
    MaskCall(
      line: line, function: function, callee: callee, expression: expression,
      alternatives: masks, isDecided: true, setsStreaming: setsStreaming,
      setsCoherent: setsCoherent, fallbackOf: fallbackOf)
  }

  /// The same place where nothing says what it may set.
  func undecided() -> MaskCall {
    MaskCall(
      line: line, function: function, callee: callee, expression: expression,
      alternatives: [], isDecided: false, setsStreaming: setsStreaming,
      setsCoherent: setsCoherent, fallbackOf: fallbackOf)
  }

  /// The same place with one alternative more.
  public func adding(_ value: MaskValue?) -> MaskCall {
    MaskCall(
      line: line, function: function, callee: callee, expression: expression,
      alternatives: alternatives + [value].compactMap { $0 }, isDecided: isDecided,
      setsStreaming: setsStreaming, setsCoherent: setsCoherent, fallbackOf: fallbackOf)
  }
}

/// Another use of the DMA API that a driver's requests depend on.
public struct DriverUse: Sendable, Equatable {
  public let line: Int
  public let function: String
  /// `dma_set_seg_boundary`, `DMA_ATTR_WEAK_ORDERING`, `dma_mask member`.
  public let name: String
  public let expression: String
  /// What it may be, where that is decided.
  public let value: UInt64?

  public init(line: Int, function: String, name: String, expression: String, value: UInt64?) {
    self.line = line
    self.function = function
    self.name = name
    self.expression = expression
    self.value = value
  }
}

/// What a driver's device table names.
public struct DeviceID: Hashable, Sendable {
  /// `pci`, `usb`, `of`, `acpi`, ...
  public let bus: String
  /// PCI or USB numbers; nil for any, and where they are not decided.
  public let vendor: Int?
  public let device: Int?
  /// The compatible or ACPI name; the entry as it is written where a number is missing.
  public let text: String
  public let file: String
  public let line: Int

  public init(
    bus: String, vendor: Int?, device: Int?, text: String, file: String, line: Int
  ) {
    self.bus = bus
    self.vendor = vendor
    self.device = device
    self.text = text
    self.file = file
    self.line = line
  }
}

/// A source file that sets masks or attributes, and the module that it is built into.
public struct Driver: Sendable {
  /// Below the tree.
  public let file: String
  /// The module's name, or those of several joined by `,` that include the file; nil where
  /// the Makefiles do not say it.
  public var module: String?
  /// The module's Kconfig symbols, without `CONFIG_`: any of them builds it; joined by `,`.
  public var kconfig: String?
  /// What that symbol depends on, as it is written.
  public var dependsOn = ""
  /// The modelled architectures on which the symbol can be on.
  public var architectures: [Architecture] = []
  /// Those on which only COMPILE_TEST lets it.
  public var compileTestOnly: [Architecture] = []
  /// Kinds of driver that the file registers, with their device tables: pci, platform, of...
  ///
  /// Where it registers none, those that it names and the tables of its module.
  public var buses: [String] = []
  public var calls: [MaskCall] = []
  /// The masks that a device of it may have when it is driven, most preferred first.
  ///
  /// A mask that nothing in the file sets is the bus's default.
  public var masks: [DeviceMasks] = []
  /// Whether a device can have no others.
  public var isDecided = true
  /// Why not.
  public var doubts: [MaskDoubt] = []
  /// Whether a device is left with a mask that another file of the module may set.
  var leavesMasks = false
  public var uses: [DriverUse] = []
  public var ids: [DeviceID] = []
  /// Whether it is built for KUnit or self-tests alone.
  public var isTest = false
  /// Whether its buses are those of drivers that it registers.
  var registers = false

  public init(file: String) { self.file = file }

  /// Whether it lies where drivers are: below drivers, sound or net.
  public var isDriver: Bool {
    file.hasPrefix("drivers/") || file.hasPrefix("sound/") || file.hasPrefix("net/")
  }

  /// Whether it calls a function that sets a mask.
  public var callsMaskFunction: Bool { calls.contains(where: \.isCall) }

  /// Whether it is what reports and queries count as a driver.
  public var isCounted: Bool { isDriver && callsMaskFunction && !isTest }

  /// Whether a device tree alone can describe its devices.
  public var hasDeviceTreeAlone: Bool {
    buses.contains("of") && Set(buses).isSubset(of: ["of", "platform", "amba"])
      && ids.allSatisfy { $0.bus == "of" }
  }
}

extension MaskCall {
  /// Whether it is a call, no store.
  public var isCall: Bool { !callee.contains("=") }
}

/// The architectures that the model has platforms of, by the names of `arch/`.
public enum Architecture: String, CaseIterable, Sendable {
  case x86, arm64, s390, powerpc

  /// What the platforms of a family are built for; Xen has PV domains on x86 alone.
  public init(_ family: Platform.Family) {
    switch family {
    case .x86, .xen: self = .x86
    case .arm64: self = .arm64
    case .ppc64: self = .powerpc
    case .s390: self = .s390
    }
  }

  /// The symbols that are always on.
  var symbols: Set<String> {
    switch self {
    case .x86: ["X86", "X86_64", "64BIT", "MMU"]
    case .arm64: ["ARM64", "64BIT", "MMU"]
    case .s390: ["S390", "64BIT", "MMU"]
    case .powerpc: ["PPC", "PPC64", "64BIT", "MMU"]
    }
  }
}

import DMAModel

/// The two masks that a device may have when its driver is done.
public struct DeviceMasks: Hashable, Sendable {
  /// `*dev->dma_mask`.
  public let streaming: MaskValue
  /// `dev->coherent_dma_mask`.
  public let coherent: MaskValue

  public init(streaming: MaskValue, coherent: MaskValue) {
    self.streaming = streaming
    self.coherent = coherent
  }

  /// The values of axes that are this; a matrix need not have them.
  public var axes: (mask: DMAMask, coherent: [CoherentMask]) {
    let own = CoherentMask(highestAddress: coherent.value)
    return (
      DMAMask(highestAddress: streaming.value), coherent == streaming ? [.same, own] : [own]
    )
  }

  /// `40`, or `40/32` where the coherent mask is another.
  public var text: String {
    streaming == coherent ? streaming.text : "\(streaming.text)/\(coherent.text)"
  }
}

extension Driver {
  /// Which masks a file sets.
  public enum Sets: String, Sendable { case both, streaming, coherent, none }

  /// Which masks it sets, by call or by store.
  public var sets: Sets {
    let streaming = setting.contains(where: \.setsStreaming)
    let coherent = setting.contains(where: \.setsCoherent)
    if !streaming, !coherent { return .none }
    if streaming, coherent || sharesOneMask { return .both }
    return streaming ? .streaming : sharesOneMask ? .both : .coherent
  }

  /// Bus code's default for both masks: setup_pdev_dma_masks() in
  /// drivers/base/platform.c and pci_setup_device() in drivers/pci/probe.c.
  public static let defaultMask = MaskValue(0xffff_ffff)

  /// Whether it sets a mask, by call or by store.
  var setsMasks: Bool { !setting.isEmpty }

  private var setting: [MaskCall] { calls.filter { $0.setsStreaming || $0.setsCoherent } }

  /// Whether dev->dma_mask points to the coherent mask: amba_device_initialize() in
  /// drivers/amba/bus.c, and where the file says so.
  public var sharesOneMask: Bool {
    buses.contains("amba") && !buses.contains("pci") && !buses.contains("platform")
      || uses.contains {
        $0.name == "dma_mask pointer" && $0.expression.contains("coherent_dma_mask")
      }
  }
}

extension Array where Element: Hashable {
  /// Each element once, in order.
  var distinct: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}

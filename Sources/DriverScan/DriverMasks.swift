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

  private var setting: [MaskCall] { calls.filter { $0.setsStreaming || $0.setsCoherent } }

  /// Whether dev->dma_mask points to the coherent mask: amba_device_initialize() in
  /// drivers/amba/bus.c, and where the file says so.
  public var sharesOneMask: Bool {
    buses.contains("amba") && !buses.contains("pci") && !buses.contains("platform")
      || uses.contains {
        $0.name == "dma_mask pointer" && $0.expression.contains("coherent_dma_mask")
      }
  }

  /// Whether every mask that it sets is decided.
  public var isDecided: Bool { setting.allSatisfy(\.isDecided) }

  /// The masks that a device of it may have, most preferred first.
  ///
  /// Calls of one function belong together: those that set both masks make a pair each;
  /// streaming and coherent masks that are set apart are paired in their order where
  /// they are as many, else each with each.  A mask that nothing in the file sets is the
  /// bus's default.
  public var masks: [DeviceMasks] {
    var pairs: [DeviceMasks] = []
    func add(_ streaming: MaskValue, _ coherent: MaskValue) {
      let pair = DeviceMasks(streaming: streaming, coherent: coherent)
      if !pairs.contains(pair) { pairs.append(pair) }
    }
    func values(_ calls: [MaskCall]) -> [MaskValue] {
      calls.flatMap(\.alternatives).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
    let both = setting.filter { $0.setsStreaming && $0.setsCoherent }
    for value in values(both) { add(value, value) }
    let streaming = setting.filter { $0.setsStreaming && !$0.setsCoherent }
    let coherent = setting.filter { !$0.setsStreaming && $0.setsCoherent }
    if sharesOneMask {
      for value in values(streaming + coherent) { add(value, value) }
      return pairs
    }
    for function in (streaming + coherent).map(\.function).distinct {
      let own = streaming.filter { $0.function == function }
      let other = coherent.filter { $0.function == function }
      var ones = values(own)
      var others = values(other)
      // What the function leaves alone, the file's others or the bus set.
      if own.isEmpty { ones = values(streaming.isEmpty ? both : streaming) }
      if other.isEmpty { others = values(coherent.isEmpty ? both : coherent) }
      if ones.isEmpty, streaming.isEmpty, both.isEmpty { ones = [Self.defaultMask] }
      if others.isEmpty, coherent.isEmpty, both.isEmpty { others = [Self.defaultMask] }
      if ones.count == others.count {
        zip(ones, others).forEach { add($0, $1) }
      } else {
        for one in ones { for other in others { add(one, other) } }
      }
    }
    return pairs
  }
}

extension Array where Element: Hashable {
  /// Each element once, in order.
  var distinct: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}

import DMAModel
import HostCapture

/// What decides a device's requests: masks of sysfs, and what sysfs does not show.
public struct DeviceConditions: Hashable, Sendable {
  public var streamingMask: UInt64
  public var coherentMask: UInt64
  /// `dev->bus_dma_limit`, 0 for none.
  public var busLimit: UInt64
  public var coherence: Coherence
  /// What dma-ranges add to a physical address, modulo 2^64.
  public var busOffset: UInt64 = 0

  public init(
    streamingMask: UInt64, coherentMask: UInt64, busLimit: UInt64 = 0,
    coherence: Coherence = .coherent
  ) {
    self.streamingMask = streamingMask
    self.coherentMask = coherentMask
    self.busLimit = busLimit
    self.coherence = coherence
  }

  /// The conditions of a device as sysfs shows them; nil without masks.
  public init?(_ device: HostDevice) {
    guard let streaming = device.streamingMask, let coherent = device.coherentMask, streaming > 0
    else { return nil }
    self.init(streamingMask: streaming, coherentMask: coherent)
  }

  /// A request of the device.
  public func request(
    _ operation: Operation, _ attributes: ExactRequest.AttributeSet = [], at address: UInt64 = 0,
    length: UInt64, isDeviceMemory: Bool = false
  ) -> ExactRequest {
    // An address that the bus does not have lies beyond every mask.
    let onBus =
      operation.isMapping && !isDeviceMemory ? min(address &+ busOffset, 1 << 56) : address
    return ExactRequest(
      operation: operation, attributes: attributes,
      buffer: .init(physicalAddress: onBus, length: length, isDeviceMemory: isDeviceMemory),
      coherence: coherence, facing: .internal, streamingMask: streamingMask,
      coherentMask: coherentMask, busLimit: busLimit)
  }
}

/// What a trace shows of a device that sysfs does not: not coherent, or behind a bus
/// that reaches less than the mask.
public struct DeviceEvidence: Sendable {
  /// Bounces of buffers that the mask reaches, shorter than a cache line's worth of
  /// `kmalloc()`: only devices that are not coherent have them
  /// (include/linux/dma-map-ops.h `dma_kmalloc_needs_bounce()`).
  public var unsafeKmalloc = 0
  /// Mappings of such buffers that did not bounce.
  public var safeKmalloc = 0
  /// The lowest last byte of a buffer that bounced, or failed where there is no pool,
  /// although the mask reaches it; as the bus sees it.
  public var lowestBeyond: UInt64?
  /// The highest last byte that the device was given directly.
  public var highestDirect: UInt64 = 0
  /// What direct mappings add to the physical address, modulo 2^64, and how many do.
  public var busOffsets: [UInt64: Int] = [:]
  /// Masks that bounces of the device reported.
  public var masks: Set<UInt64> = []

  /// What the bus adds to addresses: whole MiB, as dma-ranges do, in every one of at
  /// least eight direct mappings; nil where they do not show that.
  var busOffset: UInt64? {
    guard busOffsets.count == 1, let (offset, mappings) = busOffsets.first, offset != 0,
      offset & 0xf_ffff == 0, mappings >= 8
    else { return nil }
    return offset
  }

  /// The conditions that the evidence leaves, and what of them it shows.
  ///
  /// - Parameter zoneEnd: Where the DMA zone ends.
  func refine(
    _ conditions: DeviceConditions, zoneEnd: UInt64?
  ) -> (conditions: DeviceConditions, inferred: [String]) {
    var (refined, inferred) = (conditions, [String]())
    if let offset = busOffset {
      refined.busOffset = offset
      let text =
        offset < 1 << 63
        ? "+0x" + String(offset, radix: 16) : "-0x" + String(0 &- offset, radix: 16)
      inferred.append("bus addresses are physical ones \(text): every direct mapping shows it")
    }
    let other = masks.filter { $0 > 0 && $0 & ($0 &+ 1) == 0 && $0 != conditions.streamingMask }
    if !other.isEmpty {
      let bits = other.map { UInt64.bitWidth - $0.leadingZeroBitCount }.sorted()
      inferred.append(
        "bounces of the trace had a mask of \(bits.map(String.init).joined(separator: ", ")) "
          + "bits, sysfs shows \(UInt64.bitWidth - conditions.streamingMask.leadingZeroBitCount): "
          + "the driver changed it")
    }
    if unsafeKmalloc > 0, safeKmalloc == 0 {
      refined.coherence = .noncoherent
      inferred.append(
        "not coherent: \(unsafeKmalloc) small buffers that the mask reaches bounced")
    }
    if let lowestBeyond, lowestBeyond > highestDirect {
      // A bus limit lies between the two; the DMA zone ends at the narrowest of all.
      let zoneLast = zoneEnd.map { $0 &+ refined.busOffset &- 1 }
      if let zoneLast, zoneLast >= highestDirect, zoneLast < lowestBeyond {
        refined.busLimit = zoneLast
      } else {
        refined.busLimit = lowestBeyond - 1
      }
      inferred.append(
        "bus limit at most \("0x" + String(refined.busLimit, radix: 16)): buffers above it "
          + "bounced or failed although the mask reaches them")
    }
    return (refined, inferred)
  }
}

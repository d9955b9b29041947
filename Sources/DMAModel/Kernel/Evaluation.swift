/// One request on its way through a kernel.
///
/// The kernel's functions are extensions of this type, one file for each of the
/// kernel's, under the kernel's names and in its order. It holds what the C code
/// passes as `dev` and what it logs.
struct Evaluation<Trace: Tracer>: Traced {
  let kernel: BootedKernel
  let request: AskedRequest
  /// `use_dma_iommu(dev)`.
  let usesDMAIOMMU: Bool
  /// `force_dma_unencrypted(dev)` as this request asks it; it cannot change in
  /// between.  Maps and allocations differ in one alternative only (P4).
  let forced: Bool
  /// `dev->dma_io_tlb_mem`.
  let pool: SwiotlbPool
  var warnings: Warnings = []
  /// The slots of a bounce, once found.
  var slots: BounceSlots?
  /// A page, or slots of a pool, that an error return lost.
  var leaksPage = false
  var leaksSlots = false
  /// What was called although the request must not sleep.
  var atomicCall = AtomicCall.none
  var trace: Trace
  var cited: Facts = []

  init(kernel: BootedKernel, request: DeviceRequest, trace: Trace) {
    self.init(kernel: kernel, request: ExactRequest(request), trace: trace)
  }

  init(kernel: BootedKernel, request: ExactRequest, trace: Trace) {
    self.kernel = kernel
    self.request = AskedRequest(request)
    self.trace = trace
    usesDMAIOMMU = self.request.usesDMAIOMMU(on: kernel, &self.trace)
    forced = self.request.isForced(on: kernel, &self.trace, usesDMAIOMMU: usesDMAIOMMU)
    // S9: of two pools, forced devices without dma-iommu have the shared one.
    if let shared = kernel.hostSharedPool, forced, !usesDMAIOMMU {
      pool = shared
    } else if self.request.isAccepted {
      pool = self.request.acceptedPool(on: kernel)
    } else {
      pool = kernel.pool
    }
  }

  /// An error return: DMA_MAPPING_ERROR or NULL.
  func refused(_ decision: Decision) -> Answer {
    Answer(
      result: .error,
      encoding: .none,
      memoryState: .none,
      warnings: warnings,
      decision: decision,
      address: nil
    )
  }

  /// A success by dma-direct.
  ///
  /// - Parameter address: The DMA address; nil where only a running Xen knows it.
  func served(
    _ result: AnswerResult,
    at address: UInt64?,
    memory: MemoryState,
    _ decision: Decision
  ) -> Answer {
    Answer(
      result: result,
      encoding: address.map(kernel.encoding) ?? .plain,
      memoryState: memory,
      warnings: warnings,
      decision: decision,
      address: address
    )
  }

  /// A success by dma-iommu.
  func translated(
    _ result: AnswerResult,
    memory: MemoryState,
    pte: MemoryState,
    _ decision: Decision
  ) -> Answer {
    Answer(
      result: result,
      encoding: .iova,
      memoryState: memory,
      pte: pte,
      warnings: warnings,
      decision: decision,
      address: nil
    )
  }

  /// The state of the request's buffer: the caller decrypted it for CC_SHARED.
  var bufferMemory: MemoryState {
    if request.buffer.isDeviceMemory { return .none }
    guard kernel.platform.encryptsMemory else { return .plain }
    return request.attributes.isCCShared ? .shared : .private
  }

  /// `dma_kmalloc_needs_bounce()`: by its length the buffer could be an object that
  /// shares cache lines, and the device is not coherent. Source:
  /// include/linux/dma-map-ops.h; arm64 alone configures DMA_BOUNCE_UNALIGNED_KMALLOC.
  mutating func dma_kmalloc_needs_bounce() -> Bool {
    isNoncoherent() && !dma_kmalloc_size_aligned()
  }

  /// `dma_kmalloc_size_aligned()` of arm64: twice ARCH_DMA_MINALIGN or more, or of a
  /// kmalloc() cache of whole cache lines, 64 bytes each (`kmalloc_size_roundup()`).
  private mutating func dma_kmalloc_size_aligned() -> Bool {
    let length = request.buffer.length
    if length >= 2 * 128 { return true }
    if asks(
      "__kmalloc_minalign", "no default pool: no kmalloc() object shares a cache line",
      kernel.kmallocAlignsToCacheLines, knob: "P10")
    {
      return true
    }
    let caches: [UInt64] = [8, 16, 32, 64, 96, 128, 192, 256]
    return caches.first { length <= $0 }.map { $0 % 64 == 0 } ?? true
  }
}

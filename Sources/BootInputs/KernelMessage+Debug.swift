extension KernelMessage {
  /// CONFIG_DMA_API_DEBUG, and the benchmark of kernel/dma.
  static let debug: [KernelMessage] = {
    let source = "kernel/dma/debug.c, CONFIG_DMA_API_DEBUG"
    func driver(_ formats: [String], _ meaning: String, helps: [String] = []) -> [KernelMessage] {
      formats.map { KernelMessage($0, .driver, meaning, helps: helps, source) }
    }
    func note(_ formats: [String], _ meaning: String) -> [KernelMessage] {
      formats.map { KernelMessage($0, nil, meaning, source) }
    }
    return driver(
      ["device driver failed to check map error[device address=0x%016llx]"],
      "the address was used without dma_mapping_error(): a failed mapping goes unseen",
      helps: ["dma_mapping_error() after each mapping"])
      + driver(
        [
          "device driver frees DMA memory with different ",
          "device driver frees DMA memory with wrong function ",
          "device driver frees DMA sg list with different entry count ",
          "device driver tries to free DMA memory it has not allocated ",
          "device driver tries to free an invalid DMA memory address",
          "device driver has pending DMA allocations while released from device ",
        ], "what is unmapped or freed is not what was mapped or allocated",
        helps: ["the same address, size, direction and attributes at both ends"])
      + driver(
        [
          "device driver syncs ", "device driver tries to sync DMA memory it has not allocated ",
        ], "what is synced is not what was mapped, or in another direction",
        helps: ["the mapped range and direction in dma_sync_*()"])
      + driver(
        ["device driver maps memory from "],
        "a streaming mapping of memory that DMA must not reach: stack, vmalloc, kernel text",
        helps: ["a buffer of kmalloc() or the page allocator"])
      + driver(
        ["dma_map_resource called for RAM address %pa"],
        "RAM was mapped as device memory", helps: ["dma_map_single() or dma_map_page()"])
      + driver(
        ["mapping sg segment longer than device claims to support [len=%u] [max=%u]"],
        "a segment of the list is longer than dma_parms.max_segment_size",
        helps: ["dma_set_max_seg_size() in the driver"])
      + driver(
        ["mapping sg segment across boundary [start=0x%016llx]"],
        "a segment of the list crosses dma_parms.segment_boundary_mask",
        helps: ["dma_set_seg_boundary() in the driver"])
      + driver(
        [
          "exceeded %d overlapping mappings of cacheline %pa", "cacheline tracking EEXIST, ",
        ], "two mappings share a cache line: on a non-coherent device one may spoil the other",
        helps: ["buffers that do not share cache lines"])
      + note(
        [
          "debugging out of memory", "cacheline tracking ENOMEM, dma-debug disabled",
          "dma_debug_add_bus: out of memory", "debugging disabled on kernel command line",
          "debugging enabled by kernel config", "dma_debug_entry pool grown to %u",
          "enable driver filter for driver [%s]", "switching off dma-debug driver filter",
          "preallocated %d debug entries", "%d debug entries requested but only %d allocated",
        ], "about the debugging itself")
      + note(["Mapped at:"], "where the memory of the message before was mapped")
      + note(
        ["idx %d P=%Lx N=%lx D=%Lx L=%Lx", "idx %d P=%pa D=%llx L=%llx cln=%pa"],
        "an entry of the list of mappings, in debugfs or dumped")
      + [
        "Can't add debugfs remove action", "create dma_map thread failed",
        "dma_map_sg failed on %s", "dma_map_single failed on %s",
        "failed to set dma_mask on device %s", "invalid DMA direction",
        "invalid duration seconds", "invalid granule size", "invalid map mode",
        "invalid numa node", "invalid thread number", "invalid transmission delay",
      ].map {
        KernelMessage(
          $0, nil, "about the benchmark of mappings (CONFIG_DMA_MAP_BENCHMARK)",
          "kernel/dma/map_benchmark.c")
      }
  }()
}

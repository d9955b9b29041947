import DMAModel
import Support

/// A pool in one sentence: where it lies, how large it is and the rule that made it.
public func poolText(_ pool: SwiotlbPool) -> String {
  guard pool.isActive else { return "none" }
  let bytes = pool.end - pool.start
  var text =
    "\(PhysicalRange(pool.start, pool.end).text), \(bytes) bytes, "
    + "\(bytes / swiotlbSlotSize) slots"
  guard let size = pool.size else { return text }
  if size.areas > 0 { text += ", \(size.areas) area\(size.areas == 1 ? "" : "s")" }
  text += ": \(size.summary)"
  if pool.canGrow { text += "; it grows when it is full (CONFIG_SWIOTLB_DYNAMIC)" }
  return text
}

/// Whose addresses an answer for Xen PV shows: drivers/xen/swiotlb-xen.c.
public let xenAddressNote =
  "Xen PV: a buffer's address here is the domain's (pseudo-physical); the device gets the machine "
  + "address, which differs (xen_phys_to_dma()), and the mask is compared with that. The answers "
  + "are those of machine frames at the addresses shown: read low or high by where the machine "
  + "frame lies. The pool's machine frames are exchanged for some below 4 GiB "
  + "(xen_swiotlb_fixup())"

import DMAModel

/// QEMU's q35 machine.
public enum Q35 {
  /// RAM with so many bytes (hw/i386/pc_q35.c `pc_q35_init()`): from 2.75 GiB on,
  /// what exceeds 2 GiB lies above 4 GiB.
  public static func ram(_ size: UInt64) -> [PhysicalRange] {
    let low: UInt64 = size >= 0xb000_0000 ? 0x8000_0000 : size
    let below = PhysicalRange(0, low)
    return low < size ? [below, PhysicalRange(1 << 32, (1 << 32) + size - low)] : [below]
  }
}

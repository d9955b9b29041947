import DMAModel
import Support

extension FailingLine {
  /// Reads an IOMMU's report of a forbidden access.
  ///
  /// drivers/iommu/intel/dmar.c `dmar_fault_do_one()`, drivers/iommu/amd/iommu.c
  /// `iommu_print_event()` and `amd_iommu_report_page_fault()`, drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c
  /// `arm_smmu_dump_event()` of 7.2, drivers/iommu/arm/arm-smmu/arm-smmu.c
  /// `arm_smmu_print_context_fault_info()`.
  static func fault(_ message: Substring) -> (kind: Kind, device: String?)? {
    intelFault(message) ?? amdFault(message) ?? smmuFault(message)
  }

  private static func intelFault(_ message: Substring) -> (kind: Kind, device: String?)? {
    guard let mark = message.firstRange(of: "Request device ["),
      let end = message[mark.upperBound...].firstIndex(of: "]"),
      message[..<mark.lowerBound].contains("DMA "),
      let address = message.text(after: "fault addr ").flatMap(hexadecimal)
    else { return nil }
    let code = message.text(after: "[fault reason ")
    let reason = code?.text(after: "]")?.trimmed
    // dma_remap_fault_reasons[]: 1 to 4 are about root and context entries.
    let number = code.flatMap(hexadecimal) ?? 0
    let isContext = (1...4).contains(number) || reason?.contains("context entry") == true
    let fault = Fault(
      address: address, reason: reason.flatMap { $0.isEmpty ? nil : String($0) },
      hasNoDomain: isContext || reason?.contains("root entry") == true,
      source: "drivers/iommu/intel/dmar.c dmar_fault_do_one()")
    return (.fault(fault), pciName(message[mark.upperBound..<end]))
  }

  /// `Event logged [IO_PAGE_FAULT device=... address=...]`, or another event with an address.
  private static func amdFault(_ message: Substring) -> (kind: Kind, device: String?)? {
    guard let mark = message.firstRange(of: "Event logged ["),
      let address = message.text(after: "address=").flatMap(hexadecimal)
    else { return nil }
    let event = message[mark.upperBound...].prefix { !$0.isWhitespace }
    guard !event.isEmpty, !event.contains("RMP_") else { return nil }
    let device = message.text(after: "device=").map { pciName($0.prefix { !$0.isWhitespace }) }
    let fault = Fault(
      address: address, reason: event == "IO_PAGE_FAULT" ? nil : String(event),
      hasNoDomain: event == "ILLEGAL_DEV_TABLE_ENTRY"
        || event == "IO_PAGE_FAULT" && message.contains("domain=0x0000 "),
      source: event == "IO_PAGE_FAULT"
        ? "drivers/iommu/amd/iommu.c amd_iommu_report_page_fault()"
        : "drivers/iommu/amd/iommu.c iommu_print_event()")
    return (.fault(fault), device ?? deviceAndDriver(before: mark.lowerBound, in: message).device)
  }

  private static func smmuFault(_ message: Substring) -> (kind: Kind, device: String?)? {
    if message.contains("Unhandled context fault: fsr="),
      let address = message.text(after: "iova=").flatMap(hexadecimal)
    {
      // The line names the SMMU and not the device.
      let fault = Fault(
        address: address, reason: nil, hasNoDomain: false,
        source: "drivers/iommu/arm/arm-smmu/arm-smmu.c arm_smmu_print_context_fault_info()")
      return (.fault(fault), nil)
    }
    guard let event = message.text(after: "event: F_"),
      let client = message.text(after: " client: "),
      let address = message.text(after: " iova: ").flatMap(hexadecimal)
    else { return nil }
    let name = client.prefix { !$0.isWhitespace }
    let fault = Fault(
      address: address, reason: "F_" + event.prefix { !$0.isWhitespace }, hasNoDomain: false,
      source: "drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c arm_smmu_dump_event()")
    return (.fault(fault), name.first == "(" || name.isEmpty ? nil : String(name))
  }

  /// `02:00.0` with the PCI domain that older kernels do not print.
  private static func pciName(_ name: Substring) -> String {
    name.count(where: { $0 == ":" }) == 1 ? "0000:\(name)" : String(name)
  }

  private static func hexadecimal(_ text: Substring) -> UInt64? {
    let digits = text.hasPrefix("0x") ? text.dropFirst(2) : text
    return UInt64(digits.prefix { $0.isASCII && $0.isHexDigit }, radix: 16)
  }

  /// What a fault means.
  static func diagnosis(of fault: Fault) -> Diagnosis {
    let said = fault.reason.map { "; the IOMMU says: \($0)" } ?? ""
    if fault.hasNoDomain {
      return Diagnosis(
        decision: .fault,
        reason: "the device accessed \(fault.address.hexadecimal), and the IOMMU has no domain for "
          + "the requester: no mapping of any address counts for it\(said)",
        helps: [
          "whether the requester is the device that mapped: a function or bridge whose requests "
            + "carry another ID needs a quirk (drivers/pci/quirks.c, PCI DMA aliases)",
          "whether the device works before its driver maps: memory of firmware that no RMRR, "
            + "IVMD or reserved-memory node names",
        ],
        doesNotHelp: ["swiotlb=", "another DMA mask"], source: fault.source)
    }
    let high =
      fault.address >> 32 != 0
      ? ". If it lacks high bits of an IOVA that was mapped, the device drives fewer lines than "
        + "its mask says: explain --device-bits" : ""
    return Diagnosis(
      decision: .fault,
      reason: "the device accessed \(fault.address.hexadecimal), which is not mapped for it or not "
        + "in this direction: its mapping succeeded or was never made, and what failed is the "
        + "access\(said)\(high)",
      helps: [
        "CONFIG_DMA_API_DEBUG: whether the driver unmaps too early, maps too little or in the "
          + "wrong direction",
        "whether the address is a physical one: of a driver that does not map, or of firmware "
          + "whose memory no RMRR, IVMD or reserved-memory node names",
      ],
      doesNotHelp: ["swiotlb=", "another DMA mask, unless the device cuts the address"],
      source: fault.source)
  }
}

import Analysis
import DMAModel
import DriverScan
import Support

/// The review's questions about real drivers: who sets one mask alone, whom the findings
/// of 7.3 and of the posted versions concern, and what the numbers cannot say.
public func driversReport(_ list: DriverList) -> Document {
  let drivers = list.drivers
  let facts = DriverFacts(drivers)
  var document = Document()
  document.blocks.append(.title("Which drivers does it hit"))
  document.blocks.append(
    .paragraph(
      "The masks that the drivers of \(list.tree) set: \(facts.calls.count) calls in "
        + "\(drivers.count) files below drivers, net and sound. \(facts.constant) calls have one "
        + "value, \(facts.several) several, \(facts.undecided.count) are not decided. "
        + "\(facts.storeText) A driver is one of these files."))
  document.blocks.append(
    .paragraph(
      "Legend: bits: the width of a mask. files: drivers that set one of that width; streaming, "
        + "coherent: those of them that set that mask. 64/32: streaming 64 and coherent 32 bits. "
        + "A driver counts once for each width that it may set."))
  document.blocks.append(
    .table(columns: ["bits", "files", "streaming", "coherent"], rows: facts.histogram))
  document.blocks.append(
    .paragraph("Widths from 24 to 64 that no decided mask has: \(facts.absent)."))
  document.blocks += lowStreamingBlocks(drivers)
  document.blocks += coherentBlocks(drivers)
  for name in ["7.3", "v4", "v5", "v6", "v7"] {
    if let kernel = KernelVersion.named(name) { document.blocks += findingBlocks(kernel, list) }
  }
  document.blocks += limitBlocks(drivers, facts)
  document.blocks.append(
    made("report drivers --drivers TREE --format markdown"))
  return document
}

/// Who sets only a low streaming mask.
private func lowStreamingBlocks(_ all: [Driver]) -> [Document.Block] {
  let alone = all.filter { $0.sets == .streaming }
  let low = alone.filter { driver in
    driver.masks.contains { ($0.streaming.bits ?? 64) < 32 }
  }
  let at32 = alone.filter { driver in
    !driver.masks.isEmpty && driver.masks.allSatisfy { $0.streaming.bits == 32 }
  }
  let high = alone.filter { driver in
    driver.masks.contains { ($0.streaming.bits ?? 0) > 32 }
  }
  let x86 = high.filter { $0.canBe(on: .x86) }
  return [
    .heading("Who sets only a low streaming mask"),
    .paragraph(
      "\(alone.count) files set the streaming mask and never the coherent one, which the bus "
        + "leaves at 32 bits. \(low.count) of them may set fewer than 32 bits: their coherent "
        + "mask is wider than what they map with." + elsewhereText(low)),
  ] + list(low.filter(\.canBeBuilt)) + [
    .paragraph(
      "\(at32.count) set 32 bits, as the bus did: nothing changes. \(high.count) may set more "
        + "than 32 bits and keep a coherent mask of 32. On hosts with SME, "
        + "force_dma_unencrypted() takes the coherent mask, or a smaller bus limit, and does not "
        + "read the streaming one, however wide it is. "
        + "\(x86.count) of them can be on x86-64:")
  ] + list(x86)
}

/// Drivers with their masks; nothing for none.
private func list(_ drivers: [Driver]) -> [Document.Block] {
  drivers.isEmpty ? [] : [.literal(maskLines(drivers))]
}

/// Who sets the coherent mask alone.
private func coherentBlocks(_ drivers: [Driver]) -> [Document.Block] {
  let alone = drivers.filter { $0.sets == .coherent }
  return [
    .heading("Who sets the coherent mask alone"),
    .paragraph(
      "\(alone.count) files; their streaming mask stays at the bus's 32 bits."
        + elsewhereText(alone)),
  ] + list(alone.filter(\.canBeBuilt))
}

/// How many drivers a list leaves out.
private func elsewhereText(_ drivers: [Driver]) -> String {
  let count = drivers.filter { !$0.canBeBuilt }.count
  return count == 0 ? "" : " Left out: \(count) cannot be built for the modelled platforms."
}

extension Driver {
  /// Whether it can be built for a modelled platform without COMPILE_TEST.
  fileprivate var canBeBuilt: Bool { !architectures.isEmpty }
}

/// The findings of a version that depend on masks, each with its drivers.
private func findingBlocks(_ kernel: KernelVersion, _ list: DriverList) -> [Document.Block] {
  let check = Check.standard(of: kernel)
  var blocks: [Document.Block] = [
    .heading("Findings in \(kernel.name), base \(check.base?.name ?? "none")")
  ]
  var others = 0
  let impacts = check.findings.map { finding in
    (
      finding,
      DriverImpact(finding.conditions, of: [kernel], in: list, lint: finding.lint)
    )
  }
  // The most specific first; equal ones in the order of the check.
  let sorted = impacts.indices.sorted { one, other in
    if impacts[one].1.isMoreSpecific(than: impacts[other].1) { return true }
    return !impacts[other].1.isMoreSpecific(than: impacts[one].1) && one < other
  }
  for (finding, impact) in sorted.map({ impacts[$0] }) {
    guard impact.asksForMasks else {
      others += 1
      continue
    }
    blocks.append(.paragraph("\(finding.lint.rawValue): \(finding.headline)"))
    blocks += driverBlocks(impact, limit: 6)
  }
  blocks.append(
    .paragraph(
      "\(others) other findings do not depend on masks: they concern every driver that uses "
        + "the operation."))
  return blocks
}

/// What the numbers cannot say.
private func limitBlocks(_ drivers: [Driver], _ facts: DriverFacts) -> [Document.Block] {
  let shared = drivers.filter(\.sharesOneMask).count
  let stores = drivers.filter { $0.calls.contains { !$0.isCall } }.count
  let unknown = drivers.filter { $0.module == nil }.count
  let elsewhere = drivers.filter { $0.architectures.isEmpty }
  let compiled = elsewhere.filter { !$0.compileTestOnly.isEmpty }.count
  let modules = Dictionary(grouping: drivers.filter { $0.module != nil }) {
    "\($0.module ?? "") \($0.kconfig ?? "")"
  }
  let split = modules.values.filter { files in
    files.contains { $0.sets == .streaming || $0.sets == .coherent }
      && Set(files.map(\.sets)).count > 1
  }
  return [
    .heading("What these numbers cannot say"),
    .paragraph(
      "Drivers that set no mask are not counted: their devices keep the 32 bits of the bus, or "
        + "what a parent, a subsystem or the firmware set. \(stores) of the \(drivers.count) "
        + "files also store into the masks of a device, of their own or of one that they make."),
    .paragraph(
      "\(facts.undecided.count) calls are not decided: the mask is a member of a structure, "
        + "comes from another file, a device tree or the hardware. They are listed by "
        + "\"dmamatrix drivers\"."),
    .paragraph(
      "\(shared) files are about devices with one mask for both purposes (AMBA, and where "
        + "dma_mask points to coherent_dma_mask): a call for one sets both."),
    .paragraph(
      "\(split.count) modules set one mask in a file that counts as setting it alone and the "
        + "other in another file. \(unknown) files belong to no module that the Makefiles name."),
    .paragraph(
      "\(elsewhere.count) files cannot be built for x86-64, arm64, s390 or 64-bit powerpc "
        + "without COMPILE_TEST, \(compiled) of them can with it. Masks say nothing about which "
        + "operations a driver uses, on which machine, and whether dma_set_mask() succeeds: "
        + "where it fails, an alternative is taken."),
  ]
}

import DMAModel
import Support

extension Fact {
  /// What a message says about the machine's kind and about encrypted memory.
  static func platform(_ message: Substring, _ values: inout [Value]) {
    encryption(message, &values)
    architecture(message, &values)
    hypervisor(message, &values)
  }

  private static func architecture(_ message: Substring, _ values: inout [Value]) {
    if x86Marks.contains(where: message.hasPrefix) {
      values.append(.architecture(.x86))
      if message.hasPrefix("smpboot: CPU0: ") {
        if message.contains("AMD") || message.contains("Hygon") {
          values.append(.processor(.amd))
        } else if message.contains("Intel") {
          values.append(.processor(.intel))
        }
      }
    } else if x86Marks32.contains(where: message.hasPrefix)
      || message.hasSuffix("LOWMEM available.") || message.hasSuffix("HIGHMEM available.")
    {
      values.append(.architecture(.other("x86 of 32 bits")))
    } else if powerpcMarks32.contains(where: message.hasPrefix) {
      values.append(.architecture(.other("powerpc of 32 bits")))
    } else if powerpcMarks64.contains(where: message.hasPrefix) {
      values.append(.architecture(.ppc64))
    } else if message.hasPrefix("CPU: ARMv") || message.hasPrefix("OF: fdt: Machine model: ") {
      values.append(.architecture(.other("arm of 32 bits")))
    } else if let rest = message.rest(after: "Booting Linux on physical CPU 0x") {
      // arm64 prints ten digits and the MIDR, arm as many as needed.
      values.append(
        .architecture(rest.contains("[0x") ? .arm64 : .other("arm of 32 bits")))
    } else if let mark = otherMarks.first(where: { message.hasPrefix($0.mark) }) {
      values.append(.architecture(.other(mark.name)))
    } else if arm64Marks.contains(where: message.hasPrefix) {
      values.append(.architecture(.arm64))
    } else if message.hasPrefix("setup"), message.prefix(40).contains(": Linux is running ") {
      // With CONFIG_KMSG_IDS the component has a number: `setup.289988: `.
      values.append(.architecture(.s390))
    } else if message.hasPrefix("Hardware name: ") || message.hasPrefix("Using ") {
      powerpc(message, &values)
    }
  }

  private static let x86Marks = [
    "BIOS-e820:", "x86/", "smpboot:", "e820:", "IOAPIC[", "DMAR:", "AMD-Vi:", "PCI-DMA:",
    "MTRR", "Xen: [mem", "RIP: 0010:",
  ]
  /// arch/x86/mm/init_32.c, arch/x86/kernel/process_32.c `__show_regs()` (its EIP), and
  /// arch/x86/kernel/setup.c of a kernel without PAE.
  private static let x86Marks32 = [
    "mapped low ram: ", "low ram: 0 - ", "EIP: ", "EAX: ", "Warning only 4GB will be used",
    "Use a HIGHMEM64G enabled kernel", "Use a HIGHMEM enabled kernel",
    "Notice: NX (Execute Disable) protection cannot be enabled: non-PAE kernel",
    "Checking if this processor honours the WP bit even in supervisor mode",
  ]
  /// arch/powerpc/kernel/setup-common.c `print_system_info()`, arch/powerpc/mm/book3s32/mmu.c.
  private static let powerpcMarks32 = ["Hash_size ", "Hash_mask ", "Total memory = "]
  private static let powerpcMarks64 = [
    "ppc64_pft_size ", "htab_hash_mask ", "radix-mmu: ", "hash-mmu: ",
  ]
  private static let arm64Marks = [
    "Machine model: ", "CPU features: detected", "GICv3: ", "arm-smmu", "psci: ", "pstate: ",
  ]

  private static let otherMarks = [
    (mark: "riscv: ", name: "riscv"), (mark: "SBI specification v", name: "riscv"),
    (mark: "CPU0 revision is: ", name: "mips"),
  ]

  /// arch/powerpc/kernel/setup-common.c: "Hardware name:" and "Using ... machine description".
  private static func powerpc(_ message: Substring, _ values: inout [Value]) {
    let isDescription = message.hasPrefix("Using ") && message.contains(" machine description")
    guard isDescription || message.hasPrefix("Hardware name: ") else { return }
    let marks: [(String, PowerMachine)] = [
      ("PowerNV", .powerNV), ("opal:", .powerNV), ("pSeries", .pSeries), ("phyp", .pSeries),
      ("CoreNet", .freescale), ("QorIQ", .freescale), ("fsl,", .freescale),
      ("ppce500", .freescale), ("PowerMac", .other), ("microwatt", .other),
    ]
    let named = marks.first { message.contains($0.0) }?.1
    guard let machine = named ?? (isDescription ? .other : nil) else { return }
    // Freescale's boards and PowerMacs are of 32 or of 64 bits.
    let is64 = machine == .powerNV || machine == .pSeries
    values.append(.architecture(is64 ? .ppc64 : .powerpc))
    values.append(.powerMachine(machine))
  }

  /// arch/x86/mm/mem_encrypt.c `print_mem_encrypt_feature_info()` (with `AMD ` in front
  /// before 5.18), arch/x86/coco, arch/arm64/kernel/rsi.c, drivers/firmware/smccc.
  private static func encryption(_ message: Substring, _ values: inout [Value]) {
    if let rest = message.text(after: "Memory Encryption Features active:") {
      let words = rest.split(separator: " ")
      if words.contains("SME") { values.append(.encryption(.sme)) }
      if words.contains("TDX") { values.append(.encryption(.tdx)) }
      if words.contains(where: { $0.hasPrefix("SEV") }) { values.append(.encryption(.sev)) }
    } else if message.hasPrefix("SEV: Status:") || message.hasPrefix("SEV: SNP guest")
      || message.hasPrefix("SEV: SNP running at VMPL") || message.hasPrefix("SEV: Using SNP CPUID")
    {
      values.append(.encryption(.sev))
    } else if message.hasPrefix("tdx: Guest detected") {
      values.append(.encryption(.tdx))
    } else if message.contains("RME: Using RSI version") {
      values.append(.encryption(.realm))
    } else if let rest = message.text(after: "hypervisor services detected (") {
      if sharesMemory(rest) { values.append(.encryption(.protectedKVM)) }
    } else if message.contains("Memory encryption is active and system is using DMA bounce buffers")
    {
      values.append(.encryption(.some))
    } else if message.contains("SVM: Cannot allocate SWIOTLB buffer") {
      values.append(.encryption(.secureVM))
    }
  }

  /// Whether KVM offers HYP_MEMINFO, MEM_SHARE and MEM_UNSHARE (bits 2 to 4 of the last
  /// word, include/linux/arm-smccc.h): what drivers/virt/coco/pkvm-guest asks for.
  private static func sharesMemory(_ text: Substring) -> Bool {
    let words = text.prefix { $0 != ")" }.split(separator: " ")
    guard words.count == 4, let last = UInt64(hexadecimal: words[3]) else { return false }
    return last & 0b11100 == 0b11100
  }

  private static func hypervisor(_ message: Substring, _ values: inout [Value]) {
    if let rest = message.rest(after: "Hypervisor detected: ") {
      values.append(rest == "Xen PV" ? .xenPV : .hypervisor(String(rest.prefix(40))))
    } else if message.hasPrefix("Booting paravirtualized kernel on Xen PVH") {
      values.append(.hypervisor("Xen PVH"))
    } else if message.hasPrefix("Booting paravirtualized kernel on Xen"), !message.contains("HVM") {
      values.append(.xenPV)
    } else if let rest = message.rest(after: "Hyper-V: Isolation Config: Group A ") {
      let words = rest.split(separator: " ").map { $0.prefix { $0 != "," } }
      if words.count >= 4, let a = UInt64(hexadecimal: words[0]),
        let b = UInt64(hexadecimal: words[3])
      {
        values.append(.isolation(a, b))
      }
    }
  }
}

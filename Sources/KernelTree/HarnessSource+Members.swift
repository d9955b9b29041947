extension HarnessSource {
  /// The member of struct pci_dev that set_pcie_untrusted() of drivers/pci/probe.c sets:
  /// `untrusted`, or what the tree's header has in its place, by its name or because
  /// dma-iommu.c reads it.
  var untrustedMember: String {
    let file = "include/linux/pci.h"
    let source = CSource(path: file, text: tree.read(file) ?? "")
    let item = source.items.first { !$0.isPrototype && $0.names.contains("pci_dev") }
    let bits = item.map { CSource.bitFields($0.text) } ?? []
    let named = bits.filter { $0.contains("untrusted") || $0.contains("dma_protection") }
    if named.count == 1 { return named[0] }
    let code = tree.read("drivers/iommu/dma-iommu.c") ?? ""
    let read = Set(bits.filter { code.contains("to_pci_dev(dev)->\($0)") })
    return read.count == 1 ? read.first ?? "untrusted" : "untrusted"
  }
}

/// The shim's C files, which are part of the executable.
enum ShimFiles {
  /// Each file's name in a build directory and its text.
  static let all: [(name: String, text: String)] = [
    ("arm64-boot.c", text(PackageResources.arm64_boot_c_in)),
    ("arm64.h", text(PackageResources.arm64_h_in)),
    ("base.h", text(PackageResources.base_h_in)),
    ("device.c", text(PackageResources.device_c_in)),
    ("device.h", text(PackageResources.device_h_in)),
    ("heap.c", text(PackageResources.heap_c_in)),
    ("host.c", text(PackageResources.host_c_in)),
    ("host.h", text(PackageResources.host_h_in)),
    ("iommu.h", text(PackageResources.iommu_h_in)),
    ("kernel.h", text(PackageResources.kernel_h_in)),
    ("lent.c", text(PackageResources.lent_c_in)),
    ("memory.c", text(PackageResources.memory_c_in)),
    ("memory.h", text(PackageResources.memory_h_in)),
    ("platform.h", text(PackageResources.platform_h_in)),
    ("ppc64-boot.c", text(PackageResources.ppc64_boot_c_in)),
    ("ppc64.h", text(PackageResources.ppc64_h_in)),
    ("request.c", text(PackageResources.request_c_in)),
    ("run.c", text(PackageResources.run_c_in)),
    ("s390-boot.c", text(PackageResources.s390_boot_c_in)),
    ("s390.h", text(PackageResources.s390_h_in)),
    ("undo.c", text(PackageResources.undo_c_in)),
    ("x86-boot.c", text(PackageResources.x86_boot_c_in)),
    ("x86.h", text(PackageResources.x86_h_in)),
  ]

  /// The program that runs others with limits.
  static let launcher = text(PackageResources.launcher_c_in)

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

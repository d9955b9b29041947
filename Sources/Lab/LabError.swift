import Support

/// Why the lab cannot boot, in one sentence.
public enum LabError: UserFacingError, Equatable {
  case noQEMU
  case noBusybox(path: String?)
  case unreadable(file: String, expected: String)
  case notKernel(file: String)
  case notModule(file: String)
  case moduleForOther(file: String, built: String, kernel: String)
  case cannotWrite(path: String, reason: String)
  case cannotStart(reason: String)

  public var description: String {
    switch self {
    case .noQEMU:
      "qemu-system-x86_64 is not installed; install the package qemu-system-x86"
    case .noBusybox(nil):
      "busybox is not installed; install the package busybox-static"
    case .noBusybox(let path?):
      "\(path): is not a static executable; install the package busybox-static"
    case .unreadable(let file, let expected):
      "\(file): cannot be read; expected \(expected)"
    case .notKernel(let file):
      "\(file): is not a kernel image; expected a bzImage for x86, such as /boot/vmlinuz-*"
    case .notModule(let file):
      "\(file): is not a kernel module; expected dmaprobe.ko built for that kernel"
    case .moduleForOther(let file, let built, let kernel):
      "\(file): was built for \(built.printable), but the kernel is \(kernel.printable); "
        + "build dmaprobe for it"
    case .cannotWrite(let path, let reason):
      "\(path): cannot be written (\(reason)); nothing was lost"
    case .cannotStart(let reason):
      "qemu-system-x86_64 does not start (\(reason)); expected QEMU 6 or later with TCG"
    }
  }
}

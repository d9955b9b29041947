import Foundation

/// The root file system of a lab boot: busybox, the module, and an init that loads
/// it and powers the machine off.
struct Initramfs {
  private(set) var bytes: [UInt8] = []
  private var inode: UInt32 = 1

  /// - Parameters:
  ///   - busybox: A static executable.
  ///   - module: dmaprobe.ko.
  ///   - moduleParameters: `buslimit=28`.
  init(busybox: Data, module: Data, moduleParameters: String) {
    for directory in ["bin", "dev", "proc", "sys"] { add(directory, mode: 0o040755, []) }
    // The console, so that init's own words are in the log.
    add("dev/console", mode: 0o020600, [], device: (5, 1))
    add("bin/busybox", mode: 0o100755, [UInt8](busybox))
    add("dmaprobe.ko", mode: 0o100644, [UInt8](module))
    add("init", mode: 0o100755, Array(Self.script(moduleParameters).utf8))
    add("TRAILER!!!", mode: 0, [])
  }

  private static func script(_ parameters: String) -> String {
    """
    #!/bin/busybox sh
    b=/bin/busybox
    $b mount -t proc proc /proc
    $b mount -t sysfs sysfs /sys
    $b mount -t debugfs debugfs /sys/kernel/debug
    $b insmod /dmaprobe.ko \(parameters) || echo "dmaprobe-lab: the module does not load"
    $b rmmod dmaprobe || echo "dmaprobe-lab: the module does not unload"
    echo "dmaprobe-lab: done"
    $b poweroff -f

    """
  }

  /// One entry of a `newc` archive (Documentation/driver-api/early-userspace/
  /// buffer-format.rst).
  private mutating func add(
    _ name: String, mode: UInt32, _ content: [UInt8], device: (UInt32, UInt32) = (0, 0)
  ) {
    let fields: [UInt32] = [
      inode, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, device.0, device.1,
      UInt32(name.utf8.count + 1), 0,
    ]
    inode += 1
    var header = "070701"
    for field in fields {
      let text = String(field, radix: 16, uppercase: true)
      header += String(repeating: "0", count: 8 - text.count) + text
    }
    bytes += Array(header.utf8) + Array(name.utf8) + [0]
    pad()
    bytes += content
    pad()
  }

  private mutating func pad() {
    bytes += Array(repeating: 0, count: (4 - bytes.count % 4) % 4)
  }
}

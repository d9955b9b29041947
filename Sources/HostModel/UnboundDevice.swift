import DMAModel
import DriverScan
import HostCapture

/// A device without a driver, and what the drivers of a kernel tree would make of it:
/// sysfs shows the masks that the bus has set, not those of a driver.
public struct UnboundDevice: Sendable {
  /// A source file that sets the masks of such devices.
  public struct Candidate: Sendable {
    public let driver: Driver
    /// The masks that it may set as far as that is decided, and what the device gets with
    /// each.
    public let masks: [(masks: DeviceMasks, answers: DeviceAnswers)]
  }

  public let device: HostDevice
  /// By the device tables of the tree, then by modules.alias; none where no driver of the
  /// device sets a mask.
  public let candidates: [Candidate]

  /// The devices of a machine that no driver is bound to.
  ///
  /// - Parameters:
  ///   - drivers: Those of a kernel tree.
  ///   - aliases: Names modules for devices that a table matches by class.
  public static func all(
    of report: HostReport, drivers: [Driver], aliases: ModuleAliases?
  ) -> [UnboundDevice] {
    let architecture = Architecture(report.boot.capture.family)
    let possible = drivers.filter { driver in
      driver.isDriver && driver.callsMaskFunction
        && driver.architectures.contains(architecture)
    }
    var byNumbers: [Int: [Int]] = [:]
    var byModule: [String: [Int]] = [:]
    for (index, driver) in possible.enumerated() {
      for id in driver.ids where id.bus == "pci" {
        guard let vendor = id.vendor, let device = id.device else { continue }
        if byNumbers[vendor << 16 | device]?.last != index {
          byNumbers[vendor << 16 | device, default: []].append(index)
        }
      }
      for module in (driver.module ?? "").split(separator: ",").map(String.init) {
        byModule[Self.canonical(module), default: []].append(index)
      }
    }
    return report.rows.map(\.device).filter { $0.driver == nil }.map { device in
      var found: [Int] = []
      if let vendor = device.vendor, let number = device.device {
        found = byNumbers[Int(vendor) << 16 | Int(number)] ?? []
      }
      for module in aliases?.modules(for: device) ?? [] {
        found += (byModule[canonical(module)] ?? []).filter { !found.contains($0) }
      }
      let kernel = report.boot.kernel(for: device)
      return UnboundDevice(
        device: device,
        candidates: found.map { index in
          Candidate(
            driver: possible[index],
            masks: possible[index].masks.map { masks in
              let conditions = DeviceConditions(
                streamingMask: masks.streaming.value, coherentMask: masks.coherent.value)
              return (masks, DeviceAnswers(kernel, conditions))
            })
        })
    }
  }

  /// The kernel takes `-` and `_` of a module's name for the same.
  private static func canonical(_ module: String) -> String {
    String(module.map { $0 == "-" ? "_" : $0 })
  }
}

import DMAModel
import DriverScan
import HostCapture
import HostModel
import Support

/// What would drive the devices that no driver is bound to.
///
/// - Parameter tree: The tree's release.
public func unboundDeviceBlocks(_ devices: [UnboundDevice], tree: String) -> [Document.Block] {
  var blocks: [Document.Block] = [
    .heading("Devices without a driver, and the drivers of \(tree.ascii.printable(upTo: 100))")
  ]
  let known = devices.filter { !$0.candidates.isEmpty }
  var rows: [[String]] = []
  var places: [String] = []
  for device in known {
    for candidate in device.candidates {
      let name = (candidate.driver.module ?? "-").ascii.printable
      for (masks, answers) in candidate.masks {
        rows.append(
          [device.device.address.description, device.device.numbers, name.cut(to: 14), masks.text]
            + answers.all.map { answerCell($0.answer, of: answers) })
      }
      if !candidate.driver.isDecided {
        rows.append(
          [device.device.address.description, device.device.numbers, name.cut(to: 14)]
            + Array(repeating: "?", count: 4))
      }
      let line = candidate.driver.calls.first?.line ?? 1
      let place = "\(name): \(candidate.driver.file.ascii.printable):\(line)"
      if !places.contains(place) { places.append(place) }
    }
  }
  if !rows.isEmpty {
    blocks.append(
      .table(
        columns: ["device", "id", "module", "masks", "low", "high", "alloc"], rows: rows))
    blocks.append(.literal(places))
    blocks.append(
      .paragraph(
        "masks: what the driver may set, streaming/coherent; sysfs shows the bus's 32 bits until "
          + "it is bound; ? where the source does not decide all that it may set. A table may ask "
          + "for a subsystem too, which a capture does not have."))
  }
  let others = devices.count - known.count
  if others > 0 || devices.isEmpty {
    blocks.append(
      .paragraph(
        devices.isEmpty
          ? "Every device has a driver."
          : "\(others) \(others == 1 ? "device has" : "devices have") neither a driver nor one in "
            + "that tree that is known to have the ID and to set a mask; drivers that match by "
            + "class are named by --aliases, and IDs that the source has as macros may not be "
            + "resolved."))
  }
  return blocks
}

/// The same as a JSON list.
func unboundDevicesJSON(_ devices: [UnboundDevice]) -> String {
  let items = devices.flatMap { device in
    device.candidates.flatMap { candidate in
      candidate.masks.map { masks, answers in
        let results = answers.all.map {
          "\(jsonString($0.name)): \(jsonString($0.answer.result.name))"
        }
        return """
                {"device": \(jsonString(device.device.address.description)), \
          "module": \(candidate.driver.module.map(jsonString) ?? "null"), \
          "file": \(jsonString(candidate.driver.file)), \
          "decided": \(candidate.driver.isDecided), \
          "streaming": \(jsonString(masks.streaming.text)), \
          "coherent": \(jsonString(masks.coherent.text)), \
          "answers": {\(results.joined(separator: ", "))}}
          """
      }
    }
  }
  return "[\n\(items.joined(separator: ",\n"))\n ]"
}

extension HostDevice {
  /// `8086:10d3`, or `?` for what is not in the capture.
  fileprivate var numbers: String {
    func text(_ number: UInt16?) -> String {
      number.map { number in
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
      } ?? "?"
    }
    return "\(text(vendor)):\(text(device))"
  }
}

/// An answer in a table of devices.
func answerCell(_ answer: Answer, of answers: DeviceAnswers) -> String {
  if answers.mayFit(answer) { return "maybe" }
  let verdict = answers.verdict(answer)
  if verdict.isSilentlyWrong { return verdict.name }
  return answer.result == .iovaBounce ? "iova+b" : answer.shortName
}

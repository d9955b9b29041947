import DriverScan
import Support

extension Driver {
  /// Whether a name is its module's, its file's or the end of its path.
  public func isNamed(_ name: String) -> Bool {
    func plain(_ name: Substring) -> String { String(name.map { $0 == "-" ? "_" : $0 }) }
    return file == name || file.hasSuffix("/" + name)
      || (module ?? "").split(separator: ",").map(plain).contains(plain(name[...]))
  }
}

/// All that is known of some drivers of a tree.
public func driverDocument(_ drivers: [Driver], of tree: String) -> Document {
  var document = Document()
  let files = drivers.count == 1 ? "one file" : "\(drivers.count) files"
  document.blocks.append(.title("Drivers of \(tree): \(files)"))
  for driver in drivers { document.blocks += detailBlocks(driver) }
  return document
}

private func detailBlocks(_ driver: Driver) -> [Document.Block] {
  func names(_ list: [String]) -> String {
    list.isEmpty ? "none" : list.map { $0.printable(upTo: 80) }.joined(separator: ", ")
  }
  var blocks: [Document.Block] = [
    .heading(driver.file.printable(upTo: 200)),
    .table(
      columns: ["what", "value"],
      rows: [
        ["pairs of masks", names(driver.masks.map(\.text))],
        ["decided", driver.isDecided ? "yes" : "no, others are possible"],
        ["module", driver.module?.printable(upTo: 80) ?? "not known"],
        ["Kconfig", driver.kconfig?.printable(upTo: 80) ?? "not known"],
        ["architectures", names(driver.architectures.map(\.rawValue))],
        ["with COMPILE_TEST", names(driver.compileTestOnly.map(\.rawValue))],
        ["buses", names(driver.buses)],
      ]),
  ]
  func add(_ title: String, _ lines: [String]) {
    guard !lines.isEmpty else { return }
    blocks += [.paragraph(title), .literal(lines)]
  }
  add(
    "Calls and stores that set masks:",
    driver.calls.map { call in
      let masks = call.alternatives.map(\.text).joined(separator: ", ")
      let others = call.isDecided ? "" : masks.isEmpty ? "not decided" : " or others"
      return "\(call.line): \(call.function.printable(upTo: 60)): \(call.callee) \(masks)\(others)"
    })
  add("Why it is not decided:", driver.doubts.map(\.text))
  add(
    "Devices:",
    driver.ids.prefix(24).map { id in
      let numbers = [id.vendor, id.device].map { $0.map { String($0, radix: 16) } ?? "any" }
      let isNumber = id.vendor != nil || id.device != nil
      return "\(id.bus) \(isNumber ? numbers.joined(separator: ":") : id.text.printable(upTo: 80))"
    } + (driver.ids.count > 24 ? ["and \(driver.ids.count - 24) more"] : []))
  return blocks
}

extension MaskDoubt {
  /// `12: reason`; without a line where it is about the whole file.
  fileprivate var text: String {
    (line > 0 ? "\(line): " : "") + reason.printable(upTo: 200)
  }
}

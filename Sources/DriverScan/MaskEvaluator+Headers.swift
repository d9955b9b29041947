/// What the headers of a file define.
extension MaskEvaluator {
  /// A macro's definitions in the file, or in a header.
  func definition(of name: String) -> Headers.Definition? {
    if let macros = file.macros[name] { return Headers.Definition(file: file, macros: macros) }
    if let known = names.definitions[name] { return known }
    let found = inHeaders(name)
    names.definitions[name] = .some(found)
    return found
  }

  private func inHeaders(_ name: String) -> Headers.Definition? {
    // Tables name thousands of these.
    let known = name.hasPrefix("PCI_") ? Self.pciHeaders : []
    for file in known.compactMap({ headers.header(at: $0)?.file }) {
      if let macros = file.macros[name] { return Headers.Definition(file: file, macros: macros) }
    }
    let all = allIncluded
    var found: Headers.Definition?
    for (position, header) in all.headers.enumerated() where header.names.contains(name) {
      guard let macros = header.file.macros[name] else { continue }
      if let first = found {
        let isSame =
          first.macros.count == 1 && macros.count == 1
          && body(first.macros[0], first.file).map(\.text)
            == body(macros[0], header.file).map(\.text)
        if !isSame { found?.isCertain = false }
      } else {
        found = Headers.Definition(
          file: header.file, macros: macros, isCertain: position < all.certain)
      }
    }
    return found
  }

  private static let pciHeaders = ["pci_ids", "device-id/pci", "mod_devicetable", "pci"].map {
    "include/linux/\($0).h"
  }

  /// The headers of the file.
  var included: [Headers.Header] { allIncluded.headers }

  private var allIncluded: (headers: [Headers.Header], certain: Int) {
    if let known = names.included { return known }
    let included = headers.included(by: file)
    names.included = included
    return included
  }

  /// What the headers of the file have that cannot be read around.
  var headerHazards: HeaderHazards {
    if let known = names.hazards { return known }
    var all = HeaderHazards()
    for header in included { all.formUnion(header.hazards) }
    names.hazards = all
    return all
  }
}

/// Whether the device whose masks a function sets is the one that it is entered for.
extension MaskDevices {
  /// Why a device, as the function names it, may be another one; nil where it is its own.
  func doubt(about name: String, isProbe: Bool) -> String? {
    var name = name
    for conversion in ["to_pci_dev", "to_platform_device", "netdev_priv", "dev_get_drvdata"]
    where !isProbe || conversion.hasPrefix("to_") {
      name = name.replacing(conversion + "(", with: "(")
    }
    let plain = name.filter { $0 != "(" && $0 != ")" && $0 != "*" }
    let isAddress = plain.hasPrefix("&")
    let path = plain.drop { $0 == "&" }.replacing("->", with: ".")
      .split(separator: ".").map { String($0.prefix { $0 != "@" }) }
    guard let root = path.first, let last = path.last else { return Self.another }
    if path.contains(where: { $0.contains("parent") || $0.contains("child") }) {
      return Self.another
    }
    if root == "$0", path.count == 1 || path.count == 2 && isAddress && last == "dev" {
      return nil
    }
    // The member that points to the device, or to the structure that it is in.
    let pointer = isAddress && last == "dev" ? path.dropLast().last ?? root : last
    guard path.count > (isAddress ? 2 : 1) else { return Self.another }
    // a->dev = &pdev->dev; m = find(); f(m->dev);
    if isFound(String(plain.drop { $0 == "&" }.prefix { $0 != "-" && $0 != "." })) {
      return Self.another
    }
    return isGivenOwn(pointer) ? nil : Self.another
  }

  /// Whether a variable, `name@token`, holds what another function finds: neither makes nor
  /// converts.
  private func isFound(_ root: String) -> Bool {
    let parts = root.split(separator: "@")
    guard parts.count > 1, let token = Int(parts[1]), token + 2 < file.tokens.count,
      file.tokens[token + 1].is("="), file.text(file.tokens[token]) == parts[0],
      let function = functions.index(containing: token)
    else { return false }
    let value = token + 2..<file.endOfValue(token + 2, file.tokens.count)
    guard value.count > 2, file.tokens[value.lowerBound].kind == .identifier,
      file.tokens[value.lowerBound + 1].is("(")
    else { return false }
    let name = file.text(file.tokens[value.lowerBound])
    let known = ["alloc", "priv", "data", "container_of", "to_", "_to", "create", "new", "init"]
    return !known.contains(where: name.contains)
      && functions[function].body.contains { index in
        file.tokens[index].is("=") && file.isMember(index - 1)
          && file.isNamed(file.tokens[index - 1], "dev")
      }
  }

  /// Calls that narrow the masks of a device behind what sets them: a token, and the reason.
  func configurations() -> [(token: Int, reason: String)] {
    let names = ["of_dma_configure", "of_dma_configure_id", "acpi_dma_configure"]
    return names.flatMap { name in
      file.tokens(named: name).filter(narrows).map { ($0, "\(name)() may narrow both masks") }
    }
  }

  private func narrows(_ call: Int) -> Bool {
    guard let number = functions.index(containing: call), file.tokens[call + 1].is("("),
      let close = file.closing(of: call + 1, before: functions[number].body.upperBound),
      let device = file.split(call + 2..<close).first
    else { return false }
    guard let first = isSet(device, before: call, number) else {
      // Of a function that sets no mask.
      let root = device.first { file.tokens[$0].kind == .identifier }.map {
        file.text(file.tokens[$0])
      }
      return root.map { functions[number].parameters.contains($0) } ?? false
    }
    return first
  }

  private static let another = "a device that may be another than the driver's own"

  /// Whether every write of a member in the file gives it a function's parameter, or the
  /// device in one.
  private func isGivenOwn(_ member: String) -> Bool {
    var isGiven = false
    for index in file.tokens(named: member)
    where file.isMember(index) && index + 1 < file.tokens.count && file.tokens[index + 1].is("=") {
      let value = index + 2..<file.endOfValue(index + 2, file.tokens.count)
      let words = value.filter { file.tokens[$0].kind == .identifier }
      guard let function = functions.index(containing: index), let first = words.first,
        value.count == words.count + (words.count - 1)
          + (file.tokens[value.lowerBound].is("&") ? 1 : 0)
          || value.count == 4 && file.isNamed(file.tokens[first], "to_pci_dev")
      else { return false }
      let root = file.isNamed(file.tokens[first], "to_pci_dev") ? words.last ?? first : first
      let last = words.last ?? first
      guard
        words.count == 1
          || words.count == 2 && (file.isNamed(file.tokens[last], "dev") || root == last)
      else { return false }
      guard isParameter(file.text(file.tokens[root]), of: functions[function], 0) else {
        return false
      }
      isGiven = true
    }
    return isGiven
  }

  /// Whether a name is a parameter, or a variable that holds one's device.
  private func isParameter(_ name: String, of function: CFunction, _ depth: Int) -> Bool {
    let writes = file.pointerWrites(of: name, in: function.body)
    if writes.isEmpty { return function.parameters.contains(name) }
    guard writes.count == 1, depth < 2, let value = writes.first?.value else { return false }
    let words = value.filter { file.tokens[$0].kind == .identifier }.map {
      file.text(file.tokens[$0])
    }
    switch words.count {
    case 1: return value.count == 1 && isParameter(words[0], of: function, depth + 1)
    case 2:
      if words[0] == "to_pci_dev" || words[0] == "to_platform_device" {
        return value.count == 4 && isParameter(words[1], of: function, depth + 1)
      }
      return file.tokens[value.lowerBound].is("&") && words[1] == "dev" && value.count == 4
        && isParameter(words[0], of: function, depth + 1)
    default: return false
    }
  }
}

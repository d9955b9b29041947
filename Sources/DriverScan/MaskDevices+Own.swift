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
    return isGivenOwn(pointer) ? nil : Self.another
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

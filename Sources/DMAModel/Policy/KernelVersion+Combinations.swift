import Support

extension KernelVersion {
  /// Why alternatives cannot be joined.
  public struct CombinationError: UserFacingError {
    public let description: String
  }

  /// Several alternatives of one version together, as `v6+P03+P05`.
  ///
  /// - Returns: nil where the name is not of that form.
  /// - Throws: ``CombinationError`` where one is unknown or named twice, and where two turn
  ///   the same knob to different values.
  public static func combination(_ name: String) throws(CombinationError) -> KernelVersion? {
    let parts = name.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 2, let base = all.first(where: { $0.name == parts[0] }) else { return nil }
    let members = parts.dropFirst()
    var changes: [(change: PolicyChange, by: String)] = []
    var summaries: [String] = []
    for (index, member) in zip(members.indices, members) {
      guard let alternative = alternatives.first(where: { $0.name == "\(base.name)+\(member)" })
      else {
        let accepted = alternatives.filter { $0.name.hasPrefix("\(base.name)+") }
          .map { String($0.name.dropFirst(base.name.count + 1)) }
        throw CombinationError(
          description: "'\(name)' joins '\(member)', which is no alternative of \(base.name); "
            + "accepted: \(accepted.joined(separator: ", "))")
      }
      if members[..<index].contains(member) {
        throw CombinationError(description: "'\(name)' names \(member) twice")
      }
      for change in alternative.changesFromRelease(base) {
        if let other = changes.first(where: { $0.change.knob == change.knob }) {
          guard other.change.value != change.value else { continue }
          guard change.knob.isPlatformSet else {
            throw CombinationError(
              description: "'\(name)': \(other.by) sets \(change.knob.id) \(change.knob.name) to "
                + "\(other.change.value), \(member) to \(change.value); only one can be had")
          }
        }
        changes.append((change, member))
      }
      summaries.append(alternative.summary)
    }
    return KernelVersion(
      name, basedOn: base, summaries.joined(separator: "; "), changes: changes.map(\.change))
  }

  /// What an alternative changes of a version, with what its own base changes.
  private func changesFromRelease(_ release: KernelVersion) -> [PolicyChange] {
    guard name != release.name, let base, let before = Self.known.first(where: { $0.name == base })
    else { return [] }
    return before.changesFromRelease(release) + changes
  }
}

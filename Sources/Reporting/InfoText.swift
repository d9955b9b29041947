import DMAModel
import MatrixStore

/// What a database holds, as plain text.
public func infoText(_ info: DatabaseInfo) -> String {
  var text = """
    database      \(info.path)
    size          \(info.size) bytes
    sha256        \(info.sha256)
    model digest  \(info.provenance["model_digest"] ?? "-")
    content       \(info.provenance["content_digest"] ?? "-")
    made by       dmamatrix \(info.provenance["tool_version"] ?? "-")
    combinations  \(info.provenance["combinations"] ?? "-")
    excluded      \(info.provenance["excluded"] ?? "-")


    """
  if let part = info.provenance["part"] { text = "part          \(part)\n" + text }
  var kernels = TextTable(
    columns: [
      TextTable.Column("kernel"), TextTable.Column("base"),
      TextTable.Column("combinations", alignment: .trailing), TextTable.Column("source"),
    ])
  kernels.rows = info.kernels.map {
    [$0.name, $0.base ?? "-", String($0.combinations), $0.sourcePackage ?? $0.link ?? "variant"]
  }
  text += kernels.text() + "\n"
  var tables = TextTable(
    columns: [TextTable.Column("table"), TextTable.Column("rows", alignment: .trailing)])
  tables.rows = info.rowCounts.map { [$0.table, String($0.rows)] }
  return text + tables.text()
}

/// The modelled kernels, with their change logs if asked.
public func kernelsText(_ kernels: [KernelVersion], changes: Bool) -> String {
  kernels.map { kernel in
    var text = "\(kernel.name)\n" + folded(kernel.summary, indent: "  ")
    if let package = kernel.sourcePackage { text += "  Source: Debian \(package)\n" }
    if let releases = PointReleases.of(kernel) { text += pointReleasesText(releases) }
    if let base = kernel.base {
      let count = kernel.changes.count
      text += "  Base: \(base), \(count) \(count == 1 ? "change" : "changes")\n"
    }
    if let mail = kernel.mail {
      text += folded("Proposed: \(mail.text): \(mail.names.joined(separator: "; "))", indent: "  ")
    }
    if let id = kernel.messageID { text += "  Message-ID: <\(id)>\n" }
    if let link = kernel.link { text += "  Link: \(link)\n" }
    if let expectation = kernel.expectation {
      text += folded("Expected: \(expectation)", indent: "  ")
    }
    if changes {
      for change in kernel.changes {
        text += folded(
          "\(change.knob.id) \(change.knob.summary): \(change.value)", indent: "    ")
        text += folded(
          "\(change.knob.file) \(change.knob.function), \(change.source)", indent: "      ")
      }
    }
    return text
  }.joined(separator: "\n")
}

/// Which point releases the model holds for.
private func pointReleasesText(_ releases: PointReleases) -> String {
  var text = "Taken from \(releases.model)"
  if !releases.alike.isEmpty {
    text +=
      "; \(releases.alike.joined(separator: ", ")) "
      + "\(releases.alike.count == 1 ? "answers" : "answer") alike"
  }
  if !releases.different.isEmpty {
    text +=
      "; \(releases.different.joined(separator: ", ")) "
      + "\(releases.different.count == 1 ? "does" : "do") not: \(PointReleases.difference)"
  }
  text += releases.note.map { "; \($0)" } ?? ""
  return folded(text + ".", indent: "  ", hanging: "    ")
}

/// The proposals of the review that are no variants, with the reason.
public func unmodelledText(_ proposals: [UnmodelledProposal]) -> String {
  proposals.map { proposal in
    "\(proposal.id), not a variant\n" + folded(proposal.summary, indent: "  ")
      + folded("Reason: \(proposal.reason)", indent: "  ") + "  Link: \(proposal.link)\n"
  }.joined(separator: "\n")
}

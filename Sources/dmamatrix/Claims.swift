import Analysis
import ArgumentParser
import DMAModel
import EmbeddedSchema
import Foundation
import Reporting
import Support

struct Claims: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decide the review's claims: holds, holds in some, refuted.",
    discussion: """
      Each claim is mapped to scenarios and an expected outcome in
      schema/claims.json; nothing is tuned to please a claim.  For each: holds
      in all scenarios, holds in some (with the exact condition of the others),
      refuted, or not decidable by this model.

      Examples:
        dmamatrix claims
        dmamatrix claims C066 --format markdown
      """)

  @Argument(
    help: "Claims by id (default: all).",
    completion: .custom { _, _, _ in (try? Claim.read(Schema.claims).map(\.id)) ?? [] })
  var ids: [String] = []
  @Option(
    help: ArgumentHelp("text or markdown.", valueName: "format"),
    completion: .formats(Document.Format.self))
  var format = "text"

  mutating func run() throws {
    let format: Document.Format = try dmamatrix.format(format)
    let all = try Claim.read(Schema.claims)
    for id in ids where !all.contains(where: { $0.id == id }) {
      throw UsageError(
        description: "claim '\(id.printable)' is unknown; accepted: "
          + "\(all.first?.id ?? "-") to \(all.last?.id ?? "-"), as schema/claims.json lists them")
    }
    let claims = all.filter { ids.isEmpty || ids.contains($0.id) }
    try Output.write(claimsDocument(claims).text(format))
  }
}

import Analysis
import DMAModel

/// What the model says of each claim, as a document.
///
/// - Throws: A claim that is not written correctly.
public func claimsDocument(_ claims: [Claim]) throws(ClaimError) -> Document {
  var document = Document()
  document.blocks.append(.title("Claims of the review, decided by the model"))
  var tally: [String: Int] = [:]
  var blocks: [Document.Block] = []
  for claim in claims {
    blocks.append(.heading("\(claim.id): \(claim.says)"))
    if let reason = claim.undecidable {
      tally["not decidable", default: 0] += 1
      blocks.append(.paragraph("Not decidable by this model: \(reason)"))
      blocks.append(.paragraph(claim.link))
      continue
    }
    let judgements = try claim.judge()
    let (asked, expected) = claim.encoding
    blocks.append(.paragraph("Asked: \(asked)."))
    blocks.append(.paragraph("Expected of each: \(expected)."))
    if let limits = claim.limits {
      blocks.append(.paragraph("Not asked: \(limits)"))
    }
    tally[overall(judgements.map(\.judgement)), default: 0] += 1
    for (text, same) in grouped(judgements, by: { judgementText($0.judgement) }) {
      blocks.append(
        .paragraph("On \(same.map(\.kernel.name).joined(separator: ", ")): \(text)"))
      if case .partly(_, _, let conditions) = same[0].judgement {
        blocks.append(.conditions(conditions))
      }
    }
    blocks.append(.paragraph(claim.link))
  }
  let order = [
    "holds in all scenarios", "holds in some", "refuted", "about no scenario", "not decidable",
  ]
  let counts = order.compactMap { name in tally[name].map { "\(name): \($0)" } }
  document.blocks.append(
    .paragraph("\(claims.count) claims; \(counts.joined(separator: ", "))."))
  document.blocks.append(
    .paragraph("Where a claim holds in some scenarios, the conditions are those of the others."))
  document.blocks += blocks
  return document
}

private func overall(_ judgements: [Claim.Judgement]) -> String {
  var kinds: Set<String> = []
  for judgement in judgements {
    switch judgement {
    case .holds: kinds.insert("holds in all scenarios")
    case .partly: kinds.insert("holds in some")
    case .refuted: kinds.insert("refuted")
    case .empty: break
    }
  }
  if kinds.isEmpty { return "about no scenario" }
  return kinds.count == 1 ? kinds.first ?? "" : "holds in some"
}

private func judgementText(_ judgement: Claim.Judgement) -> String {
  switch judgement {
  case .holds(let count): "holds in all \(count) scenarios."
  case .partly(let holding, let failing, _):
    "holds in \(holding) of \(holding + failing) scenarios; not where:"
  case .refuted(let count): "refuted, it holds in none of \(count) scenarios."
  case .empty: "no scenario is about it."
  }
}

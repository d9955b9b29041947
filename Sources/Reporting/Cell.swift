import DMAModel
import MatrixStore

/// One answer as a table shows it: the result, marked by its verdict.
struct Cell: Hashable {
  let result: String
  let verdict: String
  let exposure: String

  init(_ span: BehaviorSpan) {
    result = span.result
    verdict = span.verdict
    exposure = span.exposure
  }

  /// At most eight characters: `direct`, `bounce*`, `iova!`.
  var text: String {
    let name = Self.shortNames[result] ?? result
    if let verdict = Verdict(name: verdict), !verdict.isServed, verdict != .refused {
      return name + "!"
    }
    return exposure == Exposure.none.name ? name : name + "*"
  }

  private static let shortNames = [
    AnswerResult.iovaBounce.name: "iovabnc", AnswerResult.iovaEnds.name: "iovaend",
  ]

  /// A place of a table for which there is no scenario.
  static let absent = "-"

  /// What the marks mean.
  static let legend =
    "error: refused by the kernel. iovabnc: an IOVA of a bounce buffer. *: the data lie in "
    + "memory that is not encrypted or that the host sees. !: the device does not reach the "
    + "right bytes (garbled, blocked or unreachable). -: the kernel has no such scenario, or the "
    + "database does not hold it; buf=-: an allocation, which names no buffer."
}

/// The answers to one request, by mask.
struct MaskRow: Hashable {
  /// The answer for each mask, in bits.
  var cells: [Int: Cell] = [:]

  /// What a table shows for a range inside which nothing changes.
  func text(_ range: ClosedRange<Int>) -> String {
    cells[range.lowerBound]?.text ?? Cell.absent
  }
}

/// Consecutive masks, `24-31` or `64`.
func maskText(_ masks: ClosedRange<Int>) -> String {
  masks.count == 1 ? "\(masks.lowerBound)" : "\(masks.lowerBound)-\(masks.upperBound)"
}

/// Masks in ascending order as their unbroken runs, `24-31, 64`.
func maskListText(_ masks: [Int]) -> String {
  var runs: [ClosedRange<Int>] = []
  for mask in masks {
    if let last = runs.last, last.upperBound + 1 == mask {
      runs[runs.count - 1] = last.lowerBound...mask
    } else {
      runs.append(mask...mask)
    }
  }
  return runs.map(maskText).joined(separator: ", ")
}

/// The coarsest ranges of masks inside which no row changes.
///
/// A range holds masks of the rows alone: where masks are left out, the range before
/// ends, or a cell would speak for masks that nobody asked for.
func maskRanges(_ rows: some Sequence<MaskRow>) -> [ClosedRange<Int>] {
  let rows = Array(rows)
  var ranges: [ClosedRange<Int>] = []
  for mask in Set(rows.flatMap(\.cells.keys)).sorted() {
    if let last = ranges.last, last.upperBound + 1 == mask,
      rows.allSatisfy({ $0.cells[mask - 1] == $0.cells[mask] })
    {
      ranges[ranges.count - 1] = last.lowerBound...mask
    } else {
      ranges.append(mask...mask)
    }
  }
  return ranges
}

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
    let name = result == AnswerResult.iovaBounce.name ? "iovabnc" : result
    if let verdict = Verdict(name: verdict), !verdict.isServed, verdict != .refused {
      return name + "!"
    }
    return exposure == Exposure.none.name ? name : name + "*"
  }

  /// What the marks mean.
  static let legend =
    "error: refused by the kernel. iovabnc: an IOVA of a bounce buffer. *: the data lie in "
    + "memory that is not encrypted or that the host sees. !: the device does not reach the "
    + "right bytes (garbled, blocked or unreachable)."
}

/// The answers to one request for every mask of the database.
struct MaskRow: Hashable {
  /// The answer for each mask, in bits.
  var cells: [Int: Cell] = [:]

  /// The masks at which the answer changes.
  var breaks: Set<Int> {
    Set(cells.keys.filter { cells[$0 - 1] != cells[$0] })
  }
}

/// Consecutive masks, `24-31` or `64`.
func maskText(_ masks: ClosedRange<Int>) -> String {
  masks.count == 1 ? "\(masks.lowerBound)" : "\(masks.lowerBound)-\(masks.upperBound)"
}

/// The coarsest ranges of masks inside which no row changes.
func maskRanges(_ rows: some Sequence<MaskRow>) -> [ClosedRange<Int>] {
  var breaks: Set<Int> = []
  var last = 0
  for row in rows {
    breaks.formUnion(row.breaks)
    last = max(last, row.cells.keys.max() ?? 0)
  }
  let starts = breaks.sorted()
  return starts.indices.map { index in
    starts[index]...(index + 1 < starts.count ? starts[index + 1] - 1 : last)
  }
}

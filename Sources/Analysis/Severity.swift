import DMAModel

/// What a violation does to whoever meets it, the worst first.
public enum Severity: Int, CaseIterable, Comparable, Sendable {
  /// Data are corrupted, or go to the wrong place, without an error.
  case corrupts
  /// Memory of a guest is newly or needlessly exposed, or memory is given back in the wrong
  /// state, to the wrong owner, or not at all.
  case leaks
  /// A crash, or a call that may sleep in atomic context.
  case crashes
  /// Served before, refused or without effect now.
  case breaks
  /// Newly exposed to who reads the DRAM, or newly bounced.
  case exposes
  /// Never worked, and nothing says so; or two calls disagree.
  case silent

  /// The word of a summary.
  public var name: String {
    switch self {
    case .corrupts: "corrupts"
    case .leaks: "leaks"
    case .crashes: "crashes"
    case .breaks: "breaks"
    case .exposes: "exposes"
    case .silent: "silent"
    }
  }

  /// What it means, in one sentence without a period.
  public var summary: String {
    switch self {
    case .corrupts: "data are corrupted or go to the wrong place, without an error"
    case .leaks:
      "memory of a guest is newly or needlessly exposed, or memory is freed in the wrong state, "
        + "to the wrong owner or not at all"
    case .crashes: "a crash, or a call that may sleep in atomic context"
    case .breaks: "an earlier version served it, this one does not"
    case .exposes: "it lies decrypted in DRAM where it did not"
    case .silent: "it never worked and nothing says so, or two calls disagree"
    }
  }

  public static func < (one: Severity, other: Severity) -> Bool { one.rawValue < other.rawValue }
}

extension Severity {
  /// What a violation does.
  ///
  /// - Parameter earlier: What an earlier version did instead; nil where none did
  ///   otherwise.
  init(_ lint: Lint, _ violation: ViolationKey, earlier: EarlierOutcome?) {
    if let wrong = violation.wrong {
      self = Self.of(wrong)
      return
    }
    switch violation.verdict {
    case .garbled, .unreachable:
      self = .corrupts
      return
    case .ok, .bounced, .refused, .blocked: break
    }
    switch lint {
    case .servedStaysServed, .restrictedPoolShrinks: self = .breaks
    case .noNewExposure:
      self = violation.exposure == .hostVisible ? .leaks : .exposes
    case .guestPrivateStaysPrivate: self = .leaks
    case .mapSGAgrees, .allocAgrees: self = .silent
    default:
      self = earlier?.isServed == true && !violation.verdict.isServed ? .breaks : .silent
    }
  }

  /// What is wrong at the end of a request.
  private static func of(_ wrong: WrongEnd) -> Severity {
    switch wrong {
    case .notCopiedBack, .copiedBack: .corrupts
    case .owner(_, crashes: true), .atomicCall(_, _), .nullPage, .cookie: .crashes
    case .state, .owner, .slotsLeaked: .leaks
    }
  }
}

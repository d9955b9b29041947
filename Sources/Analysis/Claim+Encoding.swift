import DMAModel

extension Claim {
  /// The columns of outcomes and of their ends that a claim may name.
  static let columns =
    [
      "result", "enc", "mem_state", "pte", "verdict", "exposure", "where", "warn",
    ] + LifeAnswer.columnNames + [AtomicCall.axis]

  /// Whether an outcome and its end have an accepted value in every column.
  func accepts(_ cycle: LifeCycle, on platform: Platform, _ request: DeviceRequest) -> Bool {
    let judged = JudgedAnswer(platform, request, cycle.answer)
    return expect.allSatisfy { column, accepted in
      let (answer, after) = (judged.answer, cycle.after)
      return switch column {
      case "result": accepted.contains(answer.result.name)
      case "enc": accepted.contains(answer.encoding.name)
      case "mem_state": accepted.contains(answer.memoryState.name)
      case "pte": accepted.contains(answer.pte.name)
      case "verdict": accepted.contains(judged.verdict.name)
      case "exposure": accepted.contains(judged.exposure.name)
      case "where": accepted.contains { answer.decision.name.hasPrefix($0) }
      case BouncePool.axis: accepted.contains(after.poolKind.name)
      case TransientSource.axis: accepted.contains(after.transientFrom.name)
      case UnmapCopy.axis: accepted.contains(after.unmapCopy.name)
      case SlotsAfter.axis: accepted.contains(after.slots.name)
      case StateAfter.axis: accepted.contains(after.state.name)
      case OwnerAfter.axis: accepted.contains(after.owner.name)
      case AtomicCall.axis: accepted.contains(after.atomicCall.name)
      case "warn_after": Self.logs(after.warnings, accepted)
      default: Self.logs(answer.warnings, accepted)
      }
    }
  }

  /// Whether something was logged that holds one of some texts; an empty one stands
  /// for silence.
  private static func logs(_ warnings: Warnings, _ accepted: [String]) -> Bool {
    accepted.contains { $0.isEmpty ? warnings.isEmpty : warnings.text.contains($0) }
  }

  /// What is asked, in words: the scenarios, and what each must answer.
  public var encoding: (asked: String, expected: String) {
    let axes = Scenario.axes + Circumstance.axes
    let named = axes.compactMap { axis in
      when[axis].map { "\(axis) \(Self.alternatives($0))" }
    }
    let free = axes.filter { when[$0] == nil && !Circumstance.axes.contains($0) }
    var asked = named.isEmpty ? "every scenario" : named.joined(separator: "; ")
    if !named.isEmpty, !free.isEmpty {
      asked += "; any \(free.joined(separator: ", "))"
    }
    let expected = Self.columns.compactMap { column -> String? in
      guard let values = expect[column] else { return nil }
      return switch column {
      case "where": "decided by \(Self.alternatives(values))"
      case "warn", "warn_after":
        "\(column) " + Self.alternatives(values.map { $0.isEmpty ? "nothing" : "'\($0)'" })
      default: "\(column) \(Self.alternatives(values))"
      }
    }
    return (asked, expected.joined(separator: "; "))
  }

  private static func alternatives(_ values: [String]) -> String {
    guard values.count > 1, let last = values.last else { return values.first ?? "" }
    return values.dropLast().joined(separator: ", ") + " or " + last
  }
}

/// What the kernel's functions around error numbers give, and what expressions hide.
extension MaskWalk {
  /// Functions that give the error number or pointer of an argument: its position.
  static let errorArguments = [
    "PTR_ERR": 0, "ERR_PTR": 0, "ERR_CAST": 0, "dev_err_probe": 1, "dev_err_ptr_probe": 1,
    "dev_err_cast_probe": 1,
  ]

  /// What such a call gives, where nothing that is followed is in it.
  func error(of range: Range<Int>) -> FlowValue? {
    let name = range.lowerBound
    guard range.count > 3, file.tokens[name + 1].is("("),
      let position = Self.errorArguments[file.text(file.tokens[name])],
      file.closing(of: name + 1, before: range.upperBound) == range.upperBound - 1
    else { return nil }
    let arguments = file.split(name + 2..<range.upperBound - 1)
    guard position < arguments.count else { return .unknown }
    let argument = stripped(arguments[position])
    guard !argument.isEmpty else { return .unknown }
    if let inner = error(of: argument) { return inner }
    if isTested(argument) { return .failed }
    let values = constant(argument)
    return values.count == 1 ? Self.handedOn(values[0]) : .unknown
  }

  /// What an error's caller gets: numbers that are not 0 are taken for errors.
  static func handedOn(_ value: FlowValue) -> FlowValue {
    switch value {
    case .failed, .nonzero: .failed
    case .int(let number): number.isZero ? .zero : number.isNegative ? .failed : value
    case .unbound, .unknown, .succeeded: .unknown
    }
  }

  /// Whether an `if` around an expression asks whether it is an error, and nothing assigns
  /// it in between.
  func isTested(_ range: Range<Int>) -> Bool {
    let nodes = function.statements.nodes
    let text = file.text(file.tokens[range])
    let isNumber = isResult(range)
    var node = function.statements.innermost(range.lowerBound) ?? -1
    while node >= 0 {
      defer { node = nodes[node].parent }
      let parent = nodes[node].parent
      guard nodes[node].role == .then, parent >= 0 else { continue }
      let condition = nodes[parent].condition
      guard
        file.split(stripped(condition), at: "&&").contains(where: {
          isErrorTest($0, of: text, isNumber: isNumber)
        })
      else { continue }
      return !(condition.upperBound..<range.lowerBound).contains { index in
        file.tokens[index].is("=")
          && file.text(file.tokens[file.startOfPath(index - 1, condition.upperBound)..<index])
            == text
      }
    }
    return false
  }

  /// `x`, `x < 0`, `x != 0`, `IS_ERR(x)`, each also with `(x = f())`.
  private func isErrorTest(_ part: Range<Int>, of text: String, isNumber: Bool) -> Bool {
    var part = stripped(part)
    var isError = isNumber
    guard !part.isEmpty, file.split(part, at: "||").count == 1 else { return false }
    if part.count > 3, file.isNamed(file.tokens[part.lowerBound], "IS_ERR"),
      file.closing(of: part.lowerBound + 1, before: part.upperBound) == part.upperBound - 1
    {
      part = part.lowerBound + 2..<part.upperBound - 1
      isError = true
    } else if part.count > 2, file.text(file.tokens[part.upperBound - 1]) == "0",
      file.tokens[part.upperBound - 2].is("<") || file.tokens[part.upperBound - 2].is("!=")
    {
      isError = isError || file.tokens[part.upperBound - 2].is("<")
      part = part.lowerBound..<part.upperBound - 2
    }
    guard isError else { return false }
    part = stripped(part)
    let end = part.first(where: { file.tokens[$0].is("=") }) ?? part.upperBound
    return file.text(file.tokens[part.lowerBound..<end]) == text
  }

  /// Whether an expression is a variable that holds results of functions alone: what is
  /// not 0 then is an error.
  func isResult(_ range: Range<Int>, depth: Int = 0) -> Bool {
    let range = stripped(range)
    guard range.count == 1, depth < 3 else { return false }
    let variable = function.context.variable(file.text(file.tokens[range.lowerBound]))
    return !variable.assignments.isEmpty
      && variable.assignments.allSatisfy { assignment in
        let value = stripped(assignment.value)
        guard let last = value.last else { return false }
        return file.tokens[last].is(")") || file.tokens[value.lowerBound].is("-")
          || file.text(file.tokens[value]) == "0" || isResult(value, depth: depth + 1)
          || value.count > 1 && isTested(value)
      }
  }

  /// The states behind a part of an expression that is not walked through: `x++` makes
  /// what is followed unknown, and an assignment is given up.
  func behind(_ range: Range<Int>, _ states: [FlowState]) -> [FlowState] {
    var changed: [Int] = []
    for index in range {
      let token = file.tokens[index]
      let isStep = token.is("++") || token.is("--")
      guard isStep || token.is("=") || file.isCompound(token) else { continue }
      let start = index > 0 ? file.startOfPath(index - 1, 0) : index
      let isField = start > 0 && file.tokens[start - 1].is(".")
      var slots = isField ? [] : [function.slots[file.text(file.tokens[start..<index])]]
      if isStep {
        let end = file.endOfPath(index + 1, range.upperBound)
        slots.append(function.slots[file.text(file.tokens[index + 1..<max(index + 1, end)])])
        changed += slots.compactMap { $0 }
      } else if slots.contains(where: { $0 != nil }) {
        flow.giveUp("an assignment inside of an expression", at: index)
      }
    }
    guard !changed.isEmpty else { return states }
    return states.map { state in
      var state = state
      for slot in changed { state.variables[slot] = .unknown }
      return state
    }
  }
}

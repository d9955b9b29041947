/// What stays as it is while a function runs, as far as its own statements say.
extension FunctionContext {
  /// Whether a range reads the same wherever it stands in the function, unless what is
  /// called changes it: no function is asked, and nothing that it names is written.
  func isSteady(_ range: Range<Int>) -> Bool {
    !range.contains { index in
      let token = file.tokens[index]
      if token.is("=") || token.is("++") || token.is("--") || file.isCompound(token) { return true }
      guard token.kind == .identifier else { return false }
      if file.isMember(index) { return writesMember(file.text(token), but: nil) }
      if index + 1 < file.tokens.count, file.tokens[index + 1].is("(") {
        return !file.isUpperCase(token)
      }
      return !isFixed(file.text(token))
    }
  }

  /// Whether `a->b`, a member that the function writes, is followed: nothing writes it by
  /// another name.
  func isFollowed(_ path: String) -> Bool {
    let names = path.split(whereSeparator: { "->.".contains($0) }).map(String.init)
    guard let root = names.first, let last = names.last, names.count > 1, isFixed(root),
      !writesMember(last, but: path)
    else { return false }
    let body = function.body
    return !file.tokens(named: root).contains { index in
      guard body.contains(index), !file.isMember(index) else { return false }
      let (before, next) = (file.tokens[index - 1], file.tokens[index + 1])
      if before.is("*"), next.is("=") { return true }
      // p = &a->c: a->c.b has another name.
      let start = file.tokens[index - 2]
      return before.is("&") && (start.is("=") || start.is("?") || start.is(":"))
        || before.is(")") && next.is("=")
        || isUnion(index)
    }
  }

  /// Whether `union x *name` declares a variable.
  private func isUnion(_ token: Int) -> Bool {
    var index = token - 1
    while index > 1, file.tokens[index].is("*") || file.isNamed(file.tokens[index], "const") {
      index -= 1
    }
    return index > 0 && file.isNamed(file.tokens[index - 1], "union")
  }

  /// Whether a variable has one value: where it is assigned, that is once, before its
  /// members are named, and neither in a loop nor behind a label to jump back to.
  private func isFixed(_ name: String) -> Bool {
    let variable = variable(name)
    guard !isMoved(name), !variable.isShadowed, !variable.isStatic else { return false }
    let writes = file.pointerWrites(of: name, in: function.body)
    guard let only = writes.first else { return true }
    guard writes.count == 1, !function.parameters.contains(name),
      statements.loop(around: only.token) == nil, !jumpsBack
    else { return false }
    return !variable.places.contains { place in
      place < only.token && (file.tokens[place + 1].is("->") || file.tokens[place + 1].is("."))
    }
  }

  /// Whether a variable is changed by more than assignments: `x++`, `x += 1`, `f(&x)`.
  func isMoved(_ name: String) -> Bool {
    file.tokens(named: name).contains { index in
      guard function.body.contains(index), !file.isMember(index) else { return false }
      let (before, next) = (file.tokens[index - 1], file.tokens[index + 1])
      if next.is("->") || next.is(".") || next.is("[") { return false }
      if before.is("&") { return file.isAddressOperator(index - 1, 0..<file.tokens.count) }
      return next.is("++") || next.is("--") || file.isCompound(next) || before.is("++")
        || before.is("--")
    }
  }

  /// Whether the function writes a member of this name, or takes its address.
  private func writesMember(_ name: String, but path: String?) -> Bool {
    file.tokens(named: name).contains { index in
      guard function.body.contains(index), file.isMember(index) else { return false }
      let start = file.startOfPath(index, function.body.lowerBound)
      let (before, next) = (file.tokens[start - 1], file.tokens[index + 1])
      let isWritten =
        next.is("=") || next.is("++") || next.is("--") || file.isCompound(next)
        || before.is("++") || before.is("--")
      let isAddressed =
        before.is("&") && file.isAddressOperator(start - 1, 0..<file.tokens.count)
        && !next.is("->") && !next.is(".")
      if isAddressed { return true }
      return isWritten && file.text(file.tokens[start...index]) != path
    }
  }
}

extension CFile {
  /// Whether a name stands behind `.` or `->`.
  func isMember(_ index: Int) -> Bool {
    index > 0 && (tokens[index - 1].is(".") || tokens[index - 1].is("->"))
  }
}

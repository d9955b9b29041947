import Support

/// What members of structures keep of a number.
extension MaskEvaluator {
  /// The type of `a->b.c` in a function, by the structures of the file and its headers;
  /// nil where the member shares its place with others.
  func memberType(of path: String, in function: CFunction) -> CType? {
    let names = path.split(whereSeparator: { "->.".contains($0) }).map(String.init)
    guard let root = names.first, var structure = file.structure(of: root, in: function) else {
      return .other
    }
    var type = CType.other
    for (position, name) in names.enumerated().dropFirst() {
      guard let member = member(name, of: structure) else { return .other }
      if member.isShared { return nil }
      type = member.type
      if position + 1 < names.count {
        guard let next = member.structure else { return .other }
        structure = next
      }
    }
    return type
  }

  private func member(_ name: String, of structure: String) -> CFile.Member? {
    if let own = file.member(name, of: structure) { return own }
    let words = [ByteSearch(structure), ByteSearch(name)]
    for header in included where words.allSatisfy({ $0.isWord(in: header.file.bytes) }) {
      // Headers are kept without what is no `enum`.
      let whole = CFile(path: header.file.path, bytes: header.file.bytes)
      if let found = whole.member(name, of: structure) { return found }
    }
    return nil
  }
}

extension CFile {
  /// A member of a structure.
  struct Member {
    let type: CType
    /// Whether it is in a union or a bit-field.
    let isShared: Bool
    /// The name of the structure that it is or points to.
    let structure: String?
  }

  /// The structure that a variable of a function is or points to.
  func structure(of name: String, in function: CFunction) -> String? {
    var start = function.body.lowerBound
    while start > 0, function.body.lowerBound - start < 400 {
      let token = tokens[start - 1]
      if token.depth == 0, token.is(";") || token.is("}") { break }
      start -= 1
    }
    var found: Set<String> = []
    for index in start..<function.body.upperBound where text(tokens[index]) == name {
      if let structure = structure(before: index) { found.insert(structure) }
    }
    return found.count == 1 ? found.first : nil
  }

  /// `X` of `struct X *name`.
  private func structure(before name: Int) -> String? {
    var index = name - 1
    while index > 1, tokens[index].is("*") || isNamed(tokens[index], "const") { index -= 1 }
    guard index > 0, tokens[index].kind == .identifier, isNamed(tokens[index - 1], "struct") else {
      return nil
    }
    return text(tokens[index])
  }

  /// A member of a structure that the file defines; nil where it does not, or has it twice.
  func member(_ name: String, of structure: String) -> Member? {
    var found: [Member] = []
    for index in tokens(named: structure)
    where index > 0 && index + 1 < tokens.count && isNamed(tokens[index - 1], "struct")
      && tokens[index + 1].is("{")
    {
      let inside = insideBraces(of: index + 1)
      for place in inside where text(tokens[place]) == name {
        guard place + 1 < tokens.count,
          let declaration = declaration(at: place, from: inside.lowerBound)
        else { continue }
        let next = tokens[place + 1]
        // A bit-field has the width behind its colon.
        let isWhole = next.is(";") || next.is(",")
        found.append(
          Member(
            type: isWhole ? declaration.type : .other,
            isShared: next.is(":") || inside.contains { isNamed(tokens[$0], "union") },
            structure: self.structure(before: place)))
      }
    }
    return found.count == 1 ? found[0] : nil
  }
}

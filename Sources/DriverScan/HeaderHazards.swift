/// What a header has that a function cannot be read without: macros that leave it or
/// assign its variables, and functions and macros that set masks.
struct HeaderHazards: Sendable {
  /// Macros that return, or jump out of themselves.
  private(set) var leaving: Set<String> = []
  /// Macros and functions that set masks.
  private(set) var setting: Set<String> = []
  /// The names that macros assign: their own parameters as `$0`, or others.
  private(set) var assigning: [String: Set<String>] = [:]

  init() {}

  /// Reads a header that has all of its tokens.
  init(_ file: CFile) {
    var words: [String: Set<String>] = [:]
    for (name, macros) in file.macros {
      for macro in macros {
        let body = file.macroTokens[macro.body]
        if Self.leaves(body, file) { leaving.insert(name) }
        let assigned = Self.assigned(body, macro, file)
        if !assigned.isEmpty { assigning[name, default: []].formUnion(assigned) }
        if body.count < 400 {
          words[name, default: []].formUnion(
            body.lazy.filter { $0.kind == .identifier }.map { file.text($0) })
        }
      }
    }
    handOn(words, file)
    if DriverFile.needles.prefix(3).contains(where: { $0.first(in: file.bytes) != nil }) {
      for function in file.functions() where function.isReadable {
        words[function.name, default: []].formUnion(
          file.tokens[function.body].lazy.filter { $0.kind == .identifier }.map { file.text($0) })
      }
      setting = Self.reaching(Set(DriverFile.setters.keys), words)
      setting.subtract(DriverFile.setters.keys)
    }
    if !leaving.isEmpty { leaving = Self.reaching(leaving, words) }
  }

  /// Adds the parameters that macros give to others which assign them.
  private mutating func handOn(_ words: [String: Set<String>], _ file: CFile) {
    guard !assigning.isEmpty else { return }
    for _ in 0..<4 {
      var isNew = false
      for (name, used) in words where !used.isDisjoint(with: assigning.keys) {
        for macro in file.macros[name] ?? [] {
          for position in Self.handed(macro, file, assigning)
          where assigning[name, default: []].insert("$\(position)").inserted { isNew = true }
        }
      }
      if !isNew { break }
    }
  }

  /// The parameters of a macro that stand alone where another assigns its own.
  private static func handed(
    _ macro: CMacro, _ file: CFile, _ assigning: [String: Set<String>]
  ) -> [Int] {
    var found: [Int] = []
    for index in macro.body.dropLast(2) where file.macroTokens[index + 1].is("(") {
      guard file.macroTokens[index].kind == .identifier,
        let assigned = assigning[file.text(file.macroTokens[index])]
      else { continue }
      var (argument, nesting, place) = (0, 0, index + 1)
      while place < macro.body.upperBound {
        let token = file.macroTokens[place]
        if token.is("(") { nesting += 1 }
        if token.is(")") {
          nesting -= 1
          if nesting == 0 { break }
        }
        if token.is(","), nesting == 1 { argument += 1 }
        if token.kind == .identifier, assigned.contains("$\(argument)"),
          let position = macro.parameters?.firstIndex(of: file.text(token))
        {
          found.append(position)
        }
        place += 1
      }
    }
    return found
  }

  mutating func formUnion(_ other: HeaderHazards) {
    leaving.formUnion(other.leaving)
    setting.formUnion(other.setting)
    assigning.merge(other.assigning) { $0.union($1) }
  }

  /// Names, and those whose words lead to them.
  private static func reaching(
    _ names: Set<String>, _ words: [String: Set<String>]
  ) -> Set<String> {
    var all = names
    for _ in 0..<6 {
      let more = words.filter { !all.contains($0.key) && !$0.value.isDisjoint(with: all) }.keys
      if more.isEmpty { break }
      all.formUnion(more)
    }
    return all
  }

  private static func leaves(_ body: ArraySlice<CToken>, _ file: CFile) -> Bool {
    body.indices.contains { index in
      if file.isNamed(body[index], "return") {
        // Of a function that the macro defines.
        return body.first.map { !file.isNamed($0, "static") } ?? true
          && !body.prefix(12).contains { file.isNamed($0, "inline") || file.isNamed($0, "static") }
      }
      guard file.isNamed(body[index], "goto"), index + 1 < body.endIndex else { return false }
      let label = file.text(body[index + 1])
      return !body.indices.contains { place in
        place + 1 < body.endIndex && body[place + 1].is(":") && file.text(body[place]) == label
      }
    }
  }

  private static func assigned(
    _ body: ArraySlice<CToken>, _ macro: CMacro, _ file: CFile
  ) -> Set<String> {
    var names: Set<String> = []
    for index in body.indices.dropFirst() {
      let token = body[index]
      let isStep = token.is("++") || token.is("--")
      guard token.is("=") || isStep || file.isCompound(token) else { continue }
      var before = index - 1
      // `.name = x` is a value's.
      if before > body.startIndex, body[before - 1].is(".") || body[before - 1].is("->") {
        continue
      }
      if body[before].is(")"), before > body.startIndex { before -= 1 }
      for place in [before, isStep ? index + 1 : before]
      where place < body.endIndex && body[place].kind == .identifier {
        let name = file.text(body[place])
        let position = macro.parameters?.firstIndex(of: name)
        names.insert(position.map { "$\($0)" } ?? name)
      }
    }
    return names
  }
}

extension MaskEvaluator {
  /// Why the macros of headers change how a function runs in a way that is not followed.
  func hazards(in member: MaskFunction) -> [(token: Int, reason: String)] {
    let hazards = headerHazards
    var found: [(token: Int, reason: String)] = []
    for index in member.function.body where file.tokens[index].kind == .identifier {
      let name = file.text(file.tokens[index])
      guard !file.isMember(index), file.macros[name] == nil else { continue }
      let isCalled = index + 1 < file.tokens.count && file.tokens[index + 1].is("(")
      let isStatement = index + 1 < file.tokens.count && file.tokens[index + 1].is(";")
      if isCalled || isStatement, hazards.leaving.contains(name),
        !member.returningMacros.contains(index)
      {
        found.append((index, "the macro \(name) leaves the function"))
      }
      guard let assigned = hazards.assigning[name] else { continue }
      let close =
        isCalled ? file.closing(of: index + 1, before: member.function.body.upperBound) : nil
      let arguments = close.map { file.split(index + 2..<$0) } ?? []
      let isFollowed = assigned.contains { word in
        guard word.hasPrefix("$") else { return member.slots[word] != nil }
        guard let position = Int(word.dropFirst()), position < arguments.count else { return false }
        return member.slots[file.text(file.tokens[arguments[position]])] != nil
      }
      if isFollowed { found.append((index, "the macro \(name) assigns a variable")) }
    }
    return found
  }

  /// Functions and macros of headers that set masks, where the file uses them.
  func settingUses() -> [(token: Int, reason: String)] {
    headerHazards.setting.sorted().compactMap { name in
      guard !functions.contains(where: { $0.name == name }), file.macros[name] == nil,
        let use = file.tokens(named: name).first(where: { functions.index(containing: $0) != nil })
      else { return nil }
      return (use, "\(name)() of a header sets masks")
    }
  }
}

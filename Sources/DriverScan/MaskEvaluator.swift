/// Reads constant expressions of a file, as the preprocessor and the compiler would,
/// without deciding what only a running kernel knows.
struct MaskEvaluator {
  let file: CFile
  let headers: Headers
  /// Of the function around the expression.
  var context: FunctionContext?
  /// What variables of that function hold, where that is known.
  var bindings: [String: CValue] = [:]
  /// The functions of the file, for the arguments that a static one is called with.
  let functions: [CFunction]
  let names = Names()
  /// Macros that are being expanded, variables and parameters that are being read.
  private var open: Set<String> = []
  private var depth = 0

  /// Nothing in a kernel is deeper; what is, is listed as undecided.
  private static let depthLimit = 24
  private static let wordLimit = 2000
  /// How many assignments of a variable are read: 7.3's drivers have a dozen.
  private static let assignmentLimit = 64
  /// Names and macros of one expression, however they lead to each other.
  private static let stepLimit = 4000

  /// The same of all expressions of a file: 7.3's largest need a tenth.
  private static let fileLimit = 300_000

  /// How much work is left for an expression, and for the file.
  private final class Steps {
    var left = 0
    private var given = 0
    private var rest = MaskEvaluator.fileLimit

    /// Begins an expression.
    func begin() {
      rest -= given - left
      given = max(0, min(MaskEvaluator.stepLimit, rest))
      left = given
    }
  }
  private let steps: Steps

  init(_ file: CFile, headers: Headers, functions: [CFunction]) {
    self.init(file, headers: headers, functions: functions, steps: Steps())
  }

  private init(_ file: CFile, headers: Headers, functions: [CFunction], steps: Steps) {
    self.file = file
    self.headers = headers
    self.functions = functions
    self.steps = steps
  }

  /// The words of some tokens of the file.
  func words(_ range: Range<Int>) -> [CWord] {
    range.map { CWord(kind: file.tokens[$0].kind, text: file.text(file.tokens[$0]), token: $0) }
  }

  /// What an expression of the file may be.
  func value(of range: Range<Int>, in context: FunctionContext?) -> CValue {
    guard range.count <= Self.wordLimit else { return .undecided }
    var inner = self
    inner.context = context
    return inner.value(words(range))
  }

  /// The same for a header of the file, as deep as this one is.
  private func `in`(_ header: CFile) -> MaskEvaluator {
    var other = MaskEvaluator(header, headers: headers, functions: [], steps: steps)
    (other.depth, other.open) = (depth, open)
    return other
  }

  /// What an expression may be.
  func value(_ words: [CWord]) -> CValue {
    if depth == 0 { steps.begin() }
    steps.left -= 1
    guard depth < Self.depthLimit, steps.left > 0 else { return .undecided }
    var inner = self
    inner.depth += 1
    let expanded = inner.expanded(words)
    guard expanded.count <= Self.wordLimit else { return .undecided }
    var parser = ExpressionParser(expanded, inner)
    return parser.whole()
  }

  // MARK: - Names

  /// What a name that is no macro of one definition may be.
  func value(named word: CWord) -> CValue {
    steps.left -= 1
    guard depth < Self.depthLimit, steps.left > 0, !open.contains(word.text) else {
      return .undecided
    }
    if word.token >= 0, let bound = bindings[word.text] { return bound }
    var inner = self
    inner.depth += 1
    inner.open.insert(word.text)
    if let context, word.token >= 0 {
      let variable = context.variable(word.text)
      let position = context.function.parameters.firstIndex(of: word.text)
      if variable.isDeclared || position != nil || !variable.assignments.isEmpty {
        if variable.isDeclared || position != nil {
          return inner.local(word, variable, position, context)
        }
        return .undecided  // a variable of the file that this function changes
      }
    }
    if let definition = definition(of: word.text) {
      guard definition.isCertain, definition.file.isStable(word.text),
        isAlwaysDefined(word, definition)
      else { return .undecided }
      return definition.macros.reduce(CValue(alternatives: [], isComplete: true)) { value, macro in
        value.or(macro.parameters == nil ? inner.value(body(macro, definition.file)) : .undecided)
      }
    }
    return inner.global(word.text)
  }

  private func local(
    _ word: CWord, _ variable: FunctionContext.Variable, _ position: Int?,
    _ context: FunctionContext
  ) -> CValue {
    guard !variable.isOpaque, !variable.isShadowed,
      !variable.isStatic || variable.assignments.count == 1,
      variable.assignments.count <= Self.assignmentLimit
    else { return .undecided }
    let (assignments, fromEntry) = context.reaching(word.text, use: word.token)
    var value = CValue(alternatives: [], isComplete: true)
    if fromEntry, let position { value = argument(position, of: context.function) }
    for assignment in assignments {
      value = value.or(self.value(words(assignment.value)))
    }
    if assignments.isEmpty, position == nil { return .undecided }
    return variable.type.converted(value)
  }

  /// What a static function's parameter is given by every call in the file.
  private func argument(_ position: Int, of function: CFunction) -> CValue {
    guard function.isStatic else { return .undecided }
    var value = CValue(alternatives: [], isComplete: true)
    var count = 0
    for index in file.tokens(named: function.name) {
      let token = file.tokens[index]
      if index + 1 == function.body.lowerBound || token.depth == 0 && !isInBody(index) {
        // Its own declaration or definition, unless it is stored somewhere.
        guard index + 1 < file.tokens.count, file.tokens[index + 1].is("(") else {
          return .undecided
        }
        continue
      }
      guard index + 1 < file.tokens.count, file.tokens[index + 1].is("("),
        let close = file.closing(of: index + 1, before: file.tokens.count),
        let caller = functions.index(containing: index).map({ functions[$0] })
      else { return .undecided }
      let arguments = file.split(index + 2..<close)
      guard position < arguments.count else { return .undecided }
      count += 1
      guard count <= CValue.limit else { return .undecided }
      guard caller.isReadable else { return .undecided }
      let outer = FunctionContext(caller, in: file)
      var inner = self
      inner.context = outer
      inner.bindings = [:]
      // The caller's names are its own.
      inner.open = open.filter { $0.hasPrefix("()") }
      guard inner.open.insert("()" + function.name).inserted else { return .undecided }
      value = value.or(inner.value(words(arguments[position])))
    }
    return count > 0 ? value : .undecided
  }

  private func isInBody(_ token: Int) -> Bool {
    functions.index(containing: token) != nil
  }

  /// A variable of the file that nothing changes, or a constant of an `enum`.
  private func global(_ name: String) -> CValue {
    if let words = file.enumeration(naming: name, self) { return words }
    for header in included where header.names.contains(name) {
      if let value = header.file.enumeration(naming: name, self.in(header.file)) { return value }
    }
    let all = file.writes(of: name, in: 0..<file.tokens.count)
    guard !all.isOpaque, !all.assignments.isEmpty, !isModuleParameter(name),
      all.assignments.count <= Self.assignmentLimit
    else {
      return .undecided
    }
    var value = CValue(alternatives: [], isComplete: true)
    var type: CType?
    for assignment in all.assignments {
      let token = file.tokens[assignment.token]
      if let number = functions.index(containing: assignment.token) {
        // Another function's local variable of this name is not ours.
        guard functions[number].isReadable else { return .undecided }
        let context = FunctionContext(functions[number], in: file)
        if context.variable(name).isDeclared { continue }
        value = value.or(self.value(of: assignment.value, in: context))
      } else if token.depth == 0 {
        guard isDefinedHere(assignment.token) else { return .undecided }
        type = file.declaration(at: assignment.token, from: 0)?.type ?? .other
        value = value.or(self.value(of: assignment.value, in: nil))
      }
    }
    return type?.converted(value) ?? .undecided
  }

  /// What a variable of the file is at first.
  func initialValue(of name: String) -> CValue {
    let all = file.writes(of: name, in: 0..<file.tokens.count)
    let own = all.assignments.first
    // Its address is taken; what else writes it, changes the mask.
    guard let own, all.assignments.count == 1 else { return .undecided }
    if file.tokens[own.token].depth == 0 {
      guard let type = file.declaration(at: own.token, from: 0)?.type else { return .undecided }
      return type.converted(value(of: own.value, in: nil))
    }
    // A static one of a function.
    guard let number = functions.index(containing: own.token), functions[number].isReadable else {
      return .undecided
    }
    let context = FunctionContext(functions[number], in: file)
    let variable = context.variable(name)
    guard variable.isStatic, !variable.isShadowed else { return .undecided }
    return variable.type.converted(value(of: own.value, in: context))
  }

  /// Whether a variable of the file is static or constant: others may change it.
  private func isDefinedHere(_ token: Int) -> Bool {
    var index = token - 1
    while index >= 0, file.tokens[index].kind == .identifier {
      if file.isNamed(file.tokens[index], "static") || file.isNamed(file.tokens[index], "const") {
        return true
      }
      index -= 1
    }
    return false
  }

  private func isModuleParameter(_ name: String) -> Bool {
    // module_param_named(exported, name, ...), and macros around it.
    file.tokens(named: name).contains { index in
      guard file.tokens[index].depth == 0, index > 0, index + 1 < file.tokens.count else {
        return false
      }
      let (before, next) = (file.tokens[index - 1], file.tokens[index + 1])
      return (before.is("(") || before.is(",")) && (next.is(")") || next.is(","))
    } || file.pastesParameters
  }

  // MARK: - Macros

  /// What names were looked for in headers, and what was found.
  final class Names {
    var definitions: [String: Headers.Definition?] = [:]
    var included: (headers: [Headers.Header], certain: Int)?
    var hazards: HeaderHazards?
  }

  func body(_ macro: CMacro, _ file: CFile) -> [CWord] {
    file.macroTokens[macro.body].map { CWord(kind: $0.kind, text: file.text($0), token: -1) }
  }

  /// Macros that are computed here: their definitions differ between versions, and
  /// 7.3's check their arguments.
  static let builtins: Set<String> = [
    "DMA_BIT_MASK", "GENMASK", "GENMASK_ULL", "BIT", "BIT_ULL", "UL", "ULL", "U", "_UL", "_ULL",
    "_AC", "_BITUL", "_BITULL", "sizeof", "IS_ENABLED", "IS_BUILTIN", "IS_REACHABLE", "ARRAY_SIZE",
  ]

  /// Whether a macro is computed here: none of the file's own.
  func isBuiltin(_ name: String) -> Bool {
    Self.builtins.contains(name) && file.macros[name] == nil && !file.undefined.contains(name)
  }

  /// The words of a table's entry with every macro of one definition replaced.
  func expanded(entry words: [CWord]) -> [CWord] {
    steps.begin()
    return expanded(words)
  }

  /// The words with every macro of one definition replaced.
  private func expanded(_ words: [CWord], hiding: Set<String> = []) -> [CWord] {
    var result: [CWord] = []
    var index = 0
    while index < words.count, result.count <= Self.wordLimit {
      let word = words[index]
      index += 1
      steps.left -= 1
      guard word.kind == .identifier, steps.left > 0, !isBuiltin(word.text),
        !hiding.contains(word.text), hiding.count < Self.depthLimit,
        !isMember(result.last), !isLocal(word),
        let definition = definition(of: word.text), definition.macros.count == 1,
        definition.isCertain, definition.file.isStable(word.text), isAlwaysDefined(word, definition)
      else {
        result.append(word)
        continue
      }
      let macro = definition.macros[0]
      var replacement = body(macro, definition.file)
      if let parameters = macro.parameters {
        guard index < words.count, words[index].text == "(",
          let (arguments, next) = arguments(words, from: index)
        else {
          result.append(word)
          continue
        }
        index = next
        replacement = substituted(replacement, parameters, arguments)
      }
      result += expanded(replacement, hiding: hiding.union([word.text]))
    }
    return result
  }

  private func isAlwaysDefined(_ word: CWord, _ definition: Headers.Definition) -> Bool {
    let isOwn = word.token >= 0 && definition.file.path == file.path
    return definition.file.isAlwaysDefined(
      word.text, in: isOwn ? file.tokens[word.token].region : -1)
  }

  private func isMember(_ word: CWord?) -> Bool { word?.text == "." || word?.text == "->" }

  private func isLocal(_ word: CWord) -> Bool {
    guard let context, word.token >= 0 else { return false }
    return bindings[word.text] != nil || context.function.parameters.contains(word.text)
      || context.variable(word.text).isDeclared
  }

  /// The arguments of a macro's call and the word behind it.
  private func arguments(_ words: [CWord], from open: Int) -> ([[CWord]], Int)? {
    var arguments: [[CWord]] = [[]]
    var nesting = 0
    for index in open..<words.count {
      let word = words[index]
      switch word.text {
      case "(", "[", "{":
        nesting += 1
        if nesting == 1 { continue }
      case ")", "]", "}":
        nesting -= 1
        if nesting == 0 { return (arguments, index + 1) }
      case "," where nesting == 1:
        arguments.append([])
        continue
      default: break
      }
      arguments[arguments.count - 1].append(word)
    }
    return nil
  }

  private func substituted(
    _ body: [CWord], _ parameters: [String], _ arguments: [[CWord]]
  ) -> [CWord] {
    var result: [CWord] = []
    var index = 0
    while index < body.count, result.count <= Self.wordLimit {
      let word = body[index]
      index += 1
      // a ## b
      if word.text == "#", index < body.count, body[index].text == "#", index + 1 < body.count,
        let last = result.popLast()
      {
        let right = argument(body[index + 1], parameters, arguments) ?? [body[index + 1]]
        let first = right.first?.text ?? ""
        result.append(CWord(kind: last.kind, text: last.text + first, token: -1))
        result += right.dropFirst()
        index += 2
        continue
      }
      result += argument(word, parameters, arguments) ?? [word]
    }
    return result
  }

  private func argument(
    _ word: CWord, _ parameters: [String], _ arguments: [[CWord]]
  ) -> [CWord]? {
    guard word.kind == .identifier, let position = parameters.firstIndex(of: word.text) else {
      return nil
    }
    if word.text == "__VA_ARGS__" {
      let comma = CWord(kind: .punctuation, text: ",", token: -1)
      return Array(arguments.dropFirst(position).joined(separator: [comma]))
    }
    return position < arguments.count ? arguments[position] : []
  }
}

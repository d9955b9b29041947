/// Which functions of a file lead to those that set masks.
struct CallGraph {
  /// How a device comes to a function.
  enum Kind: Int {
    /// As the bus made it.
    case probe
    /// At any time.
    case other
    /// Once, before there is a device.
    case setUp
    /// From functions of this file, and perhaps from others.
    case helper
  }

  /// Those that set masks, and those that call them.
  private(set) var members: Set<Int> = []
  /// The calls of members in each function.
  private(set) var calls: [Int: [Int]] = [:]
  /// Macros that call members, by their names.
  private(set) var aliases: [String: String] = [:]
  private let functions: [CFunction]
  private var isCalled: Set<String> = []
  private var isTaken: Set<String> = []
  private(set) var isExported: Set<String> = []
  private var isProbe: Set<String> = []
  /// The members of structures that hold it.
  private(set) var roles: [String: Set<String>] = [:]
  /// Members that hold such a function and may be empty: a token, and the reason.
  private(set) var optional: [(token: Int, reason: String)] = []
  /// What is not followed as it runs: a token, and the reason.
  private(set) var doubts: [(token: Int, reason: String)] = []
  private var isSetUp: Set<String> = []

  init(_ file: CFile, _ functions: [CFunction], roots: Set<Int>) {
    self.functions = functions
    guard !roots.isEmpty else { return }
    var changing: [String] = []
    let byName = Dictionary(grouping: functions.indices) { functions[$0].name }
    for macro in file.macros.values where macro.count == 1 && byName[macro[0].name] == nil {
      let called = macro[0].body.dropLast().first { index in
        file.macroTokens[index].kind == .identifier && file.macroTokens[index + 1].is("(")
          && byName[file.text(file.macroTokens[index])] != nil
      }
      guard let called else { continue }
      aliases[macro[0].name] = file.text(file.macroTokens[called])
      if !Self.handsOn(macro[0], called, file) { changing.append(macro[0].name) }
    }
    defer { noteMacros(changing, file) }
    var uses = Self.uses(of: Set(byName.keys).union(aliases.keys), in: file)
    for (macro, name) in aliases { uses[name, default: []] += uses[macro] ?? [] }
    var queue = roots.map { functions[$0].name }.sorted()
    var seen = Set(queue)
    while let name = queue.popLast() {
      // `#if` may choose between functions of one name.
      members.formUnion(byName[name] ?? [])
      for use in uses[name] ?? [] {
        let isCall = use + 1 < file.tokens.count && file.tokens[use + 1].is("(")
        // `.probe = probe`
        if !isCall, file.isMember(use) { continue }
        if use > 1, file.tokens[use - 1].is("*"), file.tokens[use - 2].is("(") {
          doubts.append((use, "a variable has the name of the function \(name)"))
          continue
        }
        guard let around = functions.index(containing: use) else {
          if !isCall { note(name, use, file) }
          continue
        }
        guard isCall else {
          if isRegistered(use, file) || isProbeMember(use, file) {
            isProbe.insert(name)
          } else {
            isTaken.insert(name)
            if file.tokens[use - 1].is("?") || file.tokens[use - 1].is(":") {
              doubts.append((use, "\(name)() is called where a choice takes it"))
            }
          }
          continue
        }
        calls[around, default: []].append(use)
        if functions[around].parameters.contains(name) {
          doubts.append((use, "a variable has the name of the function \(name)"))
        }
        let caller = functions[around].name
        if caller != name { isCalled.insert(name) }
        if seen.insert(caller).inserted { queue.append(caller) }
      }
    }
    noteOptional(file)
  }

  /// Whether a member's name is that of functions which the driver core calls once for each
  /// device, and whose error leaves the device without a driver.
  private static func isProbing(_ member: String) -> Bool { member.hasPrefix("probe") }

  /// `driver->probe = name;`
  private func isProbeMember(_ use: Int, _ file: CFile) -> Bool {
    use > 2 && file.tokens[use - 1].is("=") && file.isMember(use - 2)
      && Self.isProbing(file.text(file.tokens[use - 2]))
  }

  /// Notes members that hold a function which sets masks and that are called only where
  /// they are set: `if (x->quirk) x->quirk(dev)`.
  private mutating func noteOptional(_ file: CFile) {
    for (name, members) in roles.sorted(by: { $0.key < $1.key }) {
      for member in members.sorted() where !Self.isProbing(member) {
        let uses = file.tokens(named: member).filter { index in
          file.isMember(index) && functions.index(containing: index) != nil
        }
        guard uses.contains(where: { file.tokens[$0 + 1].is("(") }),
          let asked = uses.first(where: { index in
            let next = file.tokens[index + 1]
            return next.is(")") || next.is("&&") || next.is("?")
          })
        else { continue }
        optional.append((asked, "a device may have no \(member), which \(name)() is"))
      }
    }
  }

  /// Whether a function is given to `platform_driver_probe()` or its like.
  private func isRegistered(_ use: Int, _ file: CFile) -> Bool {
    var index = use - 1
    while index > 0, use - index < 8, !file.tokens[index].is("(") { index -= 1 }
    guard index > 0, file.tokens[index].is("(") else { return false }
    let name = file.text(file.tokens[index - 1])
    return name.hasSuffix("driver_probe") || name == "platform_create_bundle"
  }

  /// Notes the uses of macros that call members with other arguments than their own.
  private mutating func noteMacros(_ names: [String], _ file: CFile) {
    let called = Set(members.map { functions[$0].name })
    for name in names.sorted() where aliases[name].map(called.contains) ?? false {
      guard let use = file.tokens(named: name).first else { continue }
      doubts.append((use, "the macro \(name) calls a function with other arguments"))
    }
  }

  /// Whether a macro is `name(a, b)` with its own parameters in their order.
  private static func handsOn(_ macro: CMacro, _ called: Int, _ file: CFile) -> Bool {
    guard called == macro.body.lowerBound, let parameters = macro.parameters else { return false }
    let text = macro.body.map { file.text(file.macroTokens[$0]) }
    return text.dropFirst().joined() == "(" + parameters.joined(separator: ",") + ")"
  }

  /// Notes what the name of a function outside of all is for.
  private mutating func note(_ name: String, _ use: Int, _ file: CFile) {
    guard use >= 2 else { return }
    let before = file.text(file.tokens[use - 2])
    if before.hasPrefix("EXPORT_") {
      isExported.insert(name)
    } else if before == "module_init" || before.hasSuffix("_initcall") {
      isSetUp.insert(name)
    } else if file.tokens[use - 1].is("=") && Self.isProbing(before) || isRegistered(use, file) {
      isProbe.insert(name)
    } else {
      if file.tokens[use - 1].is("=") { roles[name, default: []].insert(before) }
      isTaken.insert(name)
    }
  }

  /// Where names stand, in order.
  private static func uses(of names: Set<String>, in file: CFile) -> [String: [Int]] {
    var shapes: Set<Int> = []
    for name in names { shapes.insert(name.utf8.count << 8 | Int(name.utf8.first ?? 0)) }
    var uses: [String: [Int]] = [:]
    for (index, token) in file.tokens.enumerated() where token.kind == .identifier {
      let shape = Int(token.end - token.start) << 8 | Int(file.bytes[Int(token.start)])
      guard shapes.contains(shape) else { continue }
      let text = file.text(token)
      if names.contains(text) { uses[text, default: []].append(index) }
    }
    return uses
  }

  /// How a device comes to a function by itself; nil where only others of the file call it.
  func kind(of number: Int) -> Kind? {
    let function = functions[number]
    let name = function.name
    guard members.contains(number) else { return nil }
    if isProbe.contains(name), !isTaken.contains(name) { return .probe }
    if isSetUp.contains(name) { return .setUp }
    if isTaken.contains(name) || !isCalled.contains(name) { return .other }
    return function.isStatic ? nil : .helper
  }
}

extension CFile {
  /// Calls in the bodies of macros, whose masks are the users', and whether a macro makes
  /// the name of a mask or of a function that sets one, or has more calls than are read.
  func maskCallsInMacros(atMost limit: Int) -> (calls: [MaskCall], makesNames: Bool) {
    var calls: [MaskCall] = []
    let makesNames = macroTokens.indices.contains(where: makesName)
    for macro in macros.values.joined().sorted(by: { $0.line < $1.line }) {
      for index in macro.body.dropLast() {
        let token = macroTokens[index]
        guard calls.count <= limit else { return (calls, true) }
        guard token.kind == .identifier, macroTokens[index + 1].is("("),
          let sets = DriverFile.setters[text(token)]
        else { continue }
        let rest = macroTokens[index..<min(index + 64, macro.body.upperBound)]
        calls.append(
          MaskCall(
            line: Int(token.line), function: macro.name, callee: text(token),
            expression: text(rest), alternatives: [], isDecided: false,
            setsStreaming: sets.streaming, setsCoherent: sets.coherent))
      }
    }
    return (calls, makesNames)
  }

  /// Whether a word of a macro is part of such a name, or names a function without a call.
  private func makesName(_ index: Int) -> Bool {
    let token = macroTokens[index]
    guard token.kind == .identifier else { return false }
    let next = index + 1 < macroTokens.count ? macroTokens[index + 1] : nil
    let text = text(token)
    if DriverFile.setters[text] != nil, next?.is("(") != true { return true }
    // dma_set_##name
    if text.hasPrefix("dma_set"), next?.is("#") == true { return true }
    // name##_dma_mask
    return index > 1 && macroTokens[index - 1].is("#") && macroTokens[index - 2].is("#")
      && ["dma_mask", "set_mask", "coherent_mask"].contains(where: text.hasSuffix)
  }
}

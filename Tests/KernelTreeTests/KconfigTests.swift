import Testing

@testable import KernelTree

/// What a tree's Kconfig files turn on, and with which defaults.
@Suite struct KconfigTests {
  /// Kconfig's conditions, and one whose nesting has no end: what is not known is off.
  @Test func conditionsOfKconfig() {
    for (condition, holds) in [
      ("", true), ("A", true), ("B", false), ("!B && (A || B)", true), ("!(A && !B)", false),
      ("A=y && B!=y", true), ("A = n || B = y", false), ("A!=n", true), ("!!A", true),
      (String(repeating: "(", count: 100_000) + "A", false),
      (String(repeating: "!", count: 100_000) + "A", false),
    ] {
      #expect(Kconfig.holds(condition, ["A"]) == holds, "\(condition.prefix(30))")
    }
  }

  /// What selects what, in any order; a condition that asks what is off comes last.
  @Test func symbolsSelectSymbols() {
    let kconfig = Kconfig(texts: [
      "config LATE\n\tdef_bool !CHAIN0\nconfig EARLY\n\tdef_bool y if !NONE\n",
      (0..<3000).map { "config CHAIN\($0)\n\tdef_bool CHAIN\($0 + 1)\n" }.joined(),
      "menuconfig CHAIN3000\n\tbool\n\tselect A if B && \\\n\t\t64BIT\n\tselect 64BIT\n",
      "config B\n\tdef_bool A || 64BIT\nconfig SIZE\n\tint \"n\"\n\tdefault 12\n",
      "config MOST\n\tint\n\tdefault 1 if NONE\n\tdefault 2 if B\n\tdefault 3\n",
      "config BASE\n\thex\n\tdefault 0x1f\nconfig NAME\n\tstring \"n\"\n\tdefault \"a b\"\n",
      "config ODD\n\tstring\n\tdefault \"a\\\"b\"\nconfig OTHER\n\tint\n\tdefault SIZE\n",
    ])
    let on = kconfig.closure(of: ["CHAIN3000"], without: [])
    #expect(on.count == 3001 + 4 && on.isSuperset(of: ["CHAIN0", "A", "B", "64BIT", "EARLY"]))
    #expect(!kconfig.closure(of: ["CHAIN3000"], without: ["64BIT"]).contains("A"))
    #expect(
      kconfig.defaults(with: on)
        == ["SIZE": "12", "MOST": "2", "BASE": "0x1f", "NAME": "\"a b\""])
  }
}

/// `1 scenario`, `2 scenarios`.
func scenarioCount(_ scenarios: Int) -> String { counted(scenarios, "scenario") }

/// `1 case`, `2 cases`: a number with its noun, whose plural is regular.
func counted(_ number: Int, _ noun: String) -> String {
  "\(number) \(noun)\(number == 1 ? "" : "s")"
}

/// `1 scenario exists`, `2 scenarios exist`.
func existing(_ number: Int, _ noun: String) -> String {
  counted(number, noun) + (number == 1 ? " exists" : " exist")
}

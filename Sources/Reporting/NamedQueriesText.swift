import MatrixStore

/// The named queries with their parameters, or one of them with its SQL.
public func namedQueriesText(_ query: NamedQuery?) -> String {
  guard let query else {
    return NamedQuery.all.map { query in
      let parameters = query.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
      return folded("\(query.name): \(query.title)", hanging: "  ")
        + folded(parameters, indent: "    ", hanging: "    ")
    }.joined()
  }
  var text = folded(query.title) + "\n" + folded(query.summary) + "\n"
  for parameter in query.parameters {
    text += folded("-p \(parameter.name)=\(parameter.value)  \(parameter.summary)", indent: "  ")
  }
  return text + "\n" + query.sql
}

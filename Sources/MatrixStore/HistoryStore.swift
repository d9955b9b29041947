import DMAModel
import Foundation
import GRDB
import Support

/// A state of a history as it is stored.
public struct StoredState: Sendable {
  /// A lint that the state violates.
  public struct Finding: Sendable {
    public let lint: String
    public let text: String
    public let scenarios: Int
    public let witness: String

    public init(lint: String, text: String, scenarios: Int, witness: String) {
      (self.lint, self.text, self.scenarios, self.witness) = (lint, text, scenarios, witness)
    }
  }

  public let commit: String
  /// In seconds since 1970.
  public let date: Int64
  public let subject: String
  /// The kernel that has its answers; nil where it cannot be asked.
  public let kernel: String?
  public let findings: [Finding]

  public init(
    commit: String, date: Int64, subject: String, kernel: String?, findings: [Finding]
  ) {
    (self.commit, self.date, self.subject) = (commit, date, subject)
    (self.kernel, self.findings) = (kernel, findings)
  }
}

/// Histories of trees in a database.
public enum HistoryStore {
  /// Adds a history, or replaces one of the same name.
  ///
  /// - Parameters:
  ///   - kernels: The answers of the states that do not share another's.
  ///   - states: The oldest first.
  /// - Throws: ``StoreError``; nothing is changed then.
  public static func add(
    _ name: String, of repository: String, states: [StoredState],
    kernels: [(kernel: KernelVersion, provenance: String)], domain: MatrixDomain,
    to path: String, toolVersion: String, at time: Date = Date(),
    building: ([String]) -> Void = { _ in }
  ) throws {
    try TreeStore.add(kernels, domain: domain, to: path, building: building) { database in
      let same = "(SELECT id FROM history WHERE name = ?)"
      for table in ["history_finding", "history_state"] {
        try database.execute(
          sql: "DELETE FROM \(table) WHERE history_id IN \(same)", arguments: [name])
      }
      try database.execute(sql: "DELETE FROM history WHERE name = ?", arguments: [name])
      try database.execute(
        sql: "INSERT INTO history (name, repository, imported, tool_version) VALUES (?, ?, ?, ?)",
        arguments: [name, repository, time.formatted(.iso8601), toolVersion])
      let id = database.lastInsertedRowID
      for (position, state) in states.enumerated() {
        let date = Date(timeIntervalSince1970: TimeInterval(state.date)).formatted(.iso8601)
        try database.execute(
          sql: "INSERT INTO history_state VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [id, position, state.commit, date, state.subject, state.kernel])
        for finding in state.findings {
          try database.execute(
            sql: """
              INSERT INTO history_finding VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
              """,
            arguments: [
              id, position, finding.lint, finding.text, finding.scenarios, finding.witness,
            ])
        }
      }
    }
  }

  /// A state and what it answers to one scenario.
  public struct Answer: Sendable {
    public let commit: String
    public let date: String
    public let subject: String
    /// By the columns' names; nil where the state cannot be asked, or has no such scenario.
    public let values: [(column: String, value: String)]?
    /// Whether it was asked at all.
    public let isAsked: Bool
  }

  /// The columns of an answer and its end.
  private static let columns = [
    "result", "verdict", "exposure", "dma", "enc", "mem_state", "pte", "warn", "max_map",
    "pool_kind", "unmap_copy", "slots_after", "state_after", "owner_after", "warn_after",
    "atomic_call",
  ]

  /// The names of the histories, the last that was stored first.
  public static func names(in database: MatrixDatabase) throws(StoreError) -> [String] {
    try database.read { database in
      guard try database.tableExists("history") else { return [] }
      return try String.fetchAll(database, sql: "SELECT name FROM history ORDER BY id DESC")
    }
  }

  /// What each state of a history answers to a scenario, the oldest first.
  public static func answers(
    to scenario: Scenario, in history: String, of database: MatrixDatabase
  ) throws(StoreError) -> [Answer] {
    let axes = Scenario.axes.filter { $0 != DMAMask.axis }
    let values = zip(Scenario.axes, scenario.names).filter { $0.0 != DMAMask.axis }.map(\.1)
    return try database.read { database in
      let conditions = axes.map { "v.\"\($0)\" = ?" }.joined(separator: " AND ")
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT v.position, \(columns.map { "v.\"\($0)\"" }.joined(separator: ", "))
          FROM history_behavior AS v
          WHERE v.history = ? AND \(conditions) AND ? BETWEEN v.mask_first AND v.mask_last
          """, arguments: StatementArguments([history] + values) + [Int(scenario.mask.bits)])
      var found: [Int: [(column: String, value: String)]] = [:]
      for row in rows {
        found[try row.integer(0)] = try columns.enumerated().map { index, column in
          (column, try row.text(index + 1))
        }
      }
      return try Row.fetchAll(
        database,
        sql: """
          SELECT t.position, t.commit_id, t.author_date, t.subject, t.kernel IS NOT NULL
          FROM history_state t JOIN history h ON h.id = t.history_id
          WHERE h.name = ? ORDER BY t.position
          """, arguments: [history]
      ).map { row in
        Answer(
          commit: try row.text(1), date: try row.text(2), subject: try row.text(3),
          values: found[try row.integer(0)], isAsked: try row.integer(4) == 1)
      }
    }
  }

  /// A finding, and the commits between which it stands.
  public struct Standing: Sendable {
    public let lint: String
    public let finding: String
    public let scenarios: Int
    public let witness: String
    /// What brought it; nil where it was there at the start.
    public let since: (commit: String, subject: String)?
    /// What ended it; nil where it still stands.
    public let until: (commit: String, subject: String)?
  }

  /// The findings of a history: those that still stand first.
  public static func findings(
    in history: String, of database: MatrixDatabase
  ) throws(StoreError) -> [Standing] {
    try database.read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT lint, finding, scenarios, witness, since_commit, since_subject, until_commit,
            until_subject
          FROM history_standing WHERE history = ?
          ORDER BY until_commit IS NOT NULL, since_commit IS NULL, lint, finding, since_commit
          """, arguments: [history]
      ).map { row in
        func commit(_ index: Int) throws -> (commit: String, subject: String)? {
          let id: String? = try row.decode(atIndex: index)
          return try id.map { ($0, try row.text(index + 1)) }
        }
        return Standing(
          lint: try row.text(0), finding: try row.text(1), scenarios: try row.integer(2),
          witness: try row.text(3), since: try commit(4), until: try commit(6))
      }
    }
  }
}

import Foundation
import Support

/// Why a database cannot be used, made or queried, in one sentence.
public enum StoreError: UserFacingError, Equatable {
  case missing(path: String)
  case isDirectory(path: String)
  case notSQLite(path: String)
  case foreign(path: String, applicationID: Int32)
  case newer(path: String, version: Int32, supported: Int32)
  case older(path: String, version: Int32, supported: Int32)
  case corrupt(path: String, reason: String)
  case cannotOpen(path: String, reason: String)
  case cannotWrite(path: String, reason: String)
  case query(String)
  case noScenario(String)
  /// The drivers of a tree are not there, or of more than one.
  case drivers(String)
  case timeLimit(seconds: Double)
  case emptyDomain(String)
  case noObservations(path: String)
  case undigested(path: String)
  case parts(String)

  /// Why a file with a journal beside it is neither read nor replaced.
  static func otherWriter(_ path: String, _ journal: String = "-journal") -> String {
    let name = (path as NSString).lastPathComponent
    return "another program changes it, or was killed when it did, and left \(name)\(journal); "
      + "'sqlite3 \(name) .tables' settles that"
  }

  /// Why a database whose changes go to a log is neither read nor replaced.
  static func inWALMode(_ path: String) -> String {
    let name = (path as NSString).lastPathComponent
    return "it is in WAL mode, in which every reader leaves files beside it; "
      + "'sqlite3 \(name) \"PRAGMA journal_mode = DELETE\"' ends that"
  }

  /// Whether the database itself is damaged, rather than what the user asked.
  public var isDamage: Bool {
    if case .corrupt = self { return true }
    return false
  }

  /// 1 for damage, which a check has found; 2 else.
  public var exitStatus: Int32 { isDamage ? 1 : 2 }

  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): no such database; 'dmamatrix generate --database \(path)' makes it"
    case .isDirectory(let path):
      "\(path): is a directory; expected a database made by 'dmamatrix generate'"
    case .notSQLite(let path):
      "\(path): is not an SQLite database; expected one made by 'dmamatrix generate'"
    case .foreign(let path, let id):
      "\(path): is another application's database (application_id \(id)); "
        + "expected one made by 'dmamatrix generate'"
    case .newer(let path, let version, let supported):
      "\(path): has schema version \(version), but this dmamatrix knows \(supported); "
        + "update dmamatrix"
    case .older(let path, let version, let supported):
      "\(path): has schema version \(version), but this dmamatrix needs \(supported); "
        + "run 'dmamatrix generate' again"
    case .corrupt(let path, let reason):
      "\(path): is truncated or damaged (\(reason)); run 'dmamatrix generate' again"
    case .cannotOpen(let path, let reason):
      "\(path): cannot be opened (\(reason))"
    case .cannotWrite(let path, let reason):
      "\(path): cannot be written (\(reason)); nothing was changed"
    case .query(let message):
      "query: \(message)"
    case .noScenario(let sentence), .drivers(let sentence):
      sentence
    case .timeLimit(let seconds):
      "query: stopped after \(seconds.formatted()) s; --timeout 0 lifts the limit; "
        + Self.lessToWalk
    case .emptyDomain(let reason):
      "nothing to generate: \(reason)"
    case .noObservations(let path):
      "\(path): holds no observations; 'dmamatrix observe FILE --database \(path)' imports them"
    case .undigested(let path):
      "\(path): holds no digest of its content; run 'dmamatrix generate' again"
    case .parts(let sentence):
      "\(sentence); nothing was changed"
    }
  }
}

extension StoreError {
  /// What to ask instead of a question that takes too long.
  static let lessToWalk =
    "sum(combinations) of behavior_count or behavior_span counts without walking every mask"
}

/// The SQL of this directory, compiled into the executable.
public enum Schema {
  /// Tables, before any row is inserted.
  public static let tables = text(PackageResources.tables_sql)
  /// Views, after the rows.
  public static let views = text(PackageResources.views_sql)
  /// One row of `description` for each object and column.
  public static let descriptions = text(PackageResources.descriptions_sql)

  /// The review's claims, mapped to scenarios.
  public static let claims = text(PackageResources.claims_json)

  /// `application_id` of a dmamatrix database: "DMAM".
  public static let applicationID: Int32 = 0x444d_414d
  /// `user_version`: the version of the tables and views.
  public static let version: Int32 = 1

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// The SQL of this directory, compiled into the executable.
public enum Schema {
  /// Tables, before any row is inserted.
  public static let tables = text(PackageResources.tables_sql)
  /// Views, after the rows.
  public static let views = text(PackageResources.views_sql)
  /// One row of `description` for each object and column.
  public static let descriptions = text(PackageResources.descriptions_sql)

  /// Migrations of the tables of observations, drivers, machines and histories, oldest first.
  public static let observationMigrations: [(name: String, sql: String)] = [
    ("observations-1", text(PackageResources.observations_sql)),
    ("drivers-1", text(PackageResources.drivers_sql)),
    ("fleet-1", text(PackageResources.fleet_sql)),
    ("drivers-2", text(PackageResources.doubts_sql)),
    ("history-1", text(PackageResources.history_sql)),
  ]

  /// The review's claims, mapped to scenarios.
  public static let claims = text(PackageResources.claims_json)

  /// The questions of schema/queries, by name, each with its heading comment.
  public static let queries: [(name: String, text: String)] = [
    ("40-bit", text(PackageResources._0_bit_sql)),
    ("above-256k", text(PackageResources.above_256k_sql)),
    ("bootline", text(PackageResources.bootline_sql)),
    ("cbit-under-force", text(PackageResources.cbit_under_force_sql)),
    ("coherent-mask", text(PackageResources.coherent_mask_sql)),
    ("coherent-only", text(PackageResources.coherent_only_sql)),
    ("corrupts", text(PackageResources.corrupts_sql)),
    ("driver-doubts", text(PackageResources.driver_doubts_sql)),
    ("driver-others", text(PackageResources.driver_others_sql)),
    ("fleet-bounces", text(PackageResources.fleet_bounces_sql)),
    ("fleet-breaks", text(PackageResources.fleet_breaks_sql)),
    ("fleet-coherent", text(PackageResources.fleet_coherent_sql)),
    ("iommu-off", text(PackageResources.iommu_off_sql)),
    ("mask-histogram", text(PackageResources.mask_histogram_sql)),
    ("masks-that-bounce", text(PackageResources.masks_that_bounce_sql)),
    ("noforce-guests", text(PackageResources.noforce_guests_sql)),
    ("path-not-verdict", text(PackageResources.path_not_verdict_sql)),
    ("pools", text(PackageResources.pools_sql)),
    ("require-coherent-fails", text(PackageResources.require_coherent_fails_sql)),
    ("rules", text(PackageResources.rules_sql)),
    ("scenario", text(PackageResources.scenario_sql)),
    ("sme-bounces", text(PackageResources.sme_bounces_sql)),
    ("streaming-only", text(PackageResources.streaming_only_sql)),
    ("thunderbolt", text(PackageResources.thunderbolt_sql)),
    ("who-bounces", text(PackageResources.who_bounces_sql)),
    ("who-breaks", text(PackageResources.who_breaks_sql)),
  ]

  /// `application_id` of a dmamatrix database: "DMAM".
  public static let applicationID: Int32 = 0x444d_414d
  /// `user_version`: the version of the tables and views.
  public static let version: Int32 = 4

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

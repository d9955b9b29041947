/// Which point releases of a stable series a model holds for.
///
/// Source: `verify` of Debian's linux-source packages, the whole matrix.
public struct PointReleases: Sendable {
  /// The one that the model was taken from.
  public let model: String
  /// Others that answer alike in everything that is compared.
  public let alike: [String]
  /// Others that answer otherwise, all in the same way: see ``difference``.
  public let different: [String]
  /// What else is to be known of them, in a sentence.
  public let note: String?

  /// What tells the releases that are ``different``: older ones than those that are alike.
  public static let difference =
    "dma_alloc_pages() with GFP_ATOMIC returns the CPU address of an atomic pool's memory as if "
    + "it were the page, which is then not freed (kernel/dma/direct.c "
    + "dma_direct_alloc_from_pool())"

  /// Those of a modelled release; nil where no other was looked at.
  public static func of(_ kernel: KernelVersion) -> PointReleases? { all[kernel.name] }

  private static let all: [String: PointReleases] = [
    "6.1": PointReleases(
      model: "6.1.192", alike: [],
      different: ["6.1.170", "6.1.176", "6.1.187", "6.1.190"], note: nil),
    "6.12": PointReleases(
      model: "6.12.117", alike: ["6.12.111", "6.12.113", "6.12.115"], different: ["6.12.107"],
      note: nil),
    "7.2": PointReleases(
      model: "7.2.13", alike: ["7.2.6", "7.2.9", "7.2.11", "7.2.12"], different: [],
      note: "7.2.13 holds patches 1, 3 and 5 of v7 as backports; a 7.2 without them was not "
        + "looked at"),
  ]
}

import Conformance

/// Reads what people collect: kernel logs of machines that loaded dmaprobe, and the
/// CSV of booted kernels, plain or compressed by gzip.
public enum ObservationFile {
  /// How a file holds observations.
  public enum Kind: String, Sendable { case log, csv }

  /// Bytes of a file, decompressed: a million lines and more.
  static let limit = 256 << 20

  /// The boots of a file, in its order.
  ///
  /// - Parameters:
  ///   - kernel: The modelled kernel, where a log's release does not name one.
  ///   - intactOnly: Whether intact lines of a damaged log are taken.
  /// - Throws: ``InputError`` or ``ProbeLogError``.
  public static func read(
    path: String, kernel: String? = nil, intactOnly: Bool = false
  ) throws -> (kind: Kind, boots: [BootObservations]) {
    let bytes = try GzipFile.contents(of: path, limit: limit)
    let header = String(decoding: bytes.prefix(64), as: UTF8.self)
    if BootCSV.isHeader(header) {
      return (.csv, try BootCSV.read(name: path, bytes: bytes))
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return (
      .log, try ProbeLog.read(name: path, text: text, kernel: kernel, intactOnly: intactOnly)
    )
  }
}

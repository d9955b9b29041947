import Conformance
import Support

/// Reads what people collect: kernel logs of machines that loaded dmaprobe, and the
/// CSV of booted kernels, plain or compressed by gzip.
public enum ObservationFile {
  /// How a file holds observations.
  public enum Kind: String, Sendable { case log, csv }

  /// Bytes of a file, decompressed: a million lines and more.
  static let limit = 256 << 20

  /// What was read from a file: its boots in its order, and its bytes, decompressed.
  public typealias Content = (kind: Kind, boots: [BootObservations], bytes: [UInt8])

  /// Reads a file once; it may be a pipe.
  ///
  /// - Parameters:
  ///   - kernel: The modelled kernel, where a log's release does not name one.
  ///   - intactOnly: Whether intact lines of a damaged log are taken.
  /// - Throws: ``InputError`` or ``ProbeLogError``.
  public static func read(
    path: String, kernel: String? = nil, intactOnly: Bool = false
  ) throws -> Content {
    let bytes = try GzipFile.contents(of: path, limit: limit)
    let header = String(decoding: bytes.prefix(64), as: UTF8.self)
    if BootCSV.isHeader(header) {
      return (.csv, try BootCSV.read(name: path, bytes: bytes), bytes)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let boots = try ProbeLog.read(name: path, text: text, kernel: kernel, intactOnly: intactOnly)
    return (.log, boots, bytes)
  }
}

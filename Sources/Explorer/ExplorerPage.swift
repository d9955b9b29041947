import Analysis
import CZlib
import DMAModel
import Foundation
import MatrixStore
import Support

/// The matrix as one HTML file that needs no server and no network.
public struct ExplorerPage {
  /// The whole file.
  public let html: String

  /// Makes the page of a database.
  ///
  /// - Parameter progress: Receives the part that is done.
  public init(
    _ database: MatrixDatabase, progress: (Double) -> Void = { _ in }
  ) throws(StoreError) {
    let name = URL(fileURLWithPath: database.path).lastPathComponent
    var data = try ExplorerData(database, name: name) { progress($0 * 0.2) }
    let known = data.content.kernels.compactMap { KernelVersion.named($0.name) }
    data.addFindings(Self.findings(of: known) { progress(0.2 + 0.8 * $0) })
    progress(1)
    html = try Self.html(data)
  }

  /// The violations that the report `findings` lists, kernel by kernel.
  private static func findings(
    of kernels: [KernelVersion], progress: (Double) -> Void
  ) -> [ExplorerData.Finding] {
    var findings: [ExplorerData.Finding] = []
    let checks = concurrently(kernels) { Check.standard(of: $0) }
    for (index, check) in checks.enumerated() {
      for (number, cause) in check.causes.enumerated() {
        findings += cause.findings.map { finding in
          ExplorerData.Finding(
            kernel: check.kernel.name, lint: finding.lint.rawValue,
            headline: "cause \(number + 1), \(finding.severity.name): \(finding.headline)",
            scenarios: finding.scenarios,
            conditions: finding.conditions.map {
              ExplorerData.Condition(text: $0.text, scenarios: $0.scenarios, witness: $0.witness)
            })
        }
      }
      progress(Double(index + 1) / Double(kernels.count))
    }
    return findings
  }

  /// Fills the template. The policy in its head allows this one script alone, so
  /// that no text of a database can run.
  private static func html(_ data: ExplorerData) throws(StoreError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let json = try? encoder.encode(data.content) else {
      throw .query("the matrix cannot be written as JSON")
    }
    var payload = [UInt8](json)
    payload.append(0)
    if payload.count % 2 == 1 { payload.insert(0x20, at: 0) }
    for line in data.lines { payload += bytes(line) }
    for altered in data.altered { payload += bytes(altered.line) }
    for altered in data.altered { payload += bytes(altered.profile) }
    let packed = try compressed(payload).base64EncodedString()
    let script = [
      PackageResources.state_js, PackageResources.data_js, PackageResources.drivers_js,
      PackageResources.explorer_js,
    ].map(text).joined()
    let hash = Data(SHA256.hash(Data(script.utf8))).base64EncodedString()
    return text(PackageResources.explorer_html)
      .replacing("@HASH@", with: "sha256-" + hash)
      .replacing("@STYLE@", with: text(PackageResources.explorer_css))
      .replacing("@DATA@", with: packed)
      .replacing("@SCRIPT@", with: script)
  }

  /// A number, little-endian.
  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// The bytes as a gzip stream, which browsers decompress themselves.
  static func compressed(_ bytes: [UInt8]) throws(StoreError) -> Data {
    var stream = z_stream()
    // 15 bits of window, and 16 for a gzip header.
    guard
      deflateInit2_(
        &stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw .query("zlib cannot start: out of memory") }
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    let status = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return deflate(&stream, Z_FINISH)
      }
    }
    guard status == Z_STREAM_END else { throw .query("zlib cannot compress the matrix") }
    return Data(output.prefix(Int(stream.total_out)))
  }
}

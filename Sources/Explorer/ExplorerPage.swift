import Analysis
import CZlib
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
    _ database: MatrixDatabase, progress: @Sendable (Double) -> Void = { _ in }
  ) throws(StoreError) {
    let name = URL(fileURLWithPath: database.path).lastPathComponent
    let kernels = try ExplorerData.knownKernels(database)
    // The findings take most of the time, and need nothing of the file: it is read as one
    // piece of work among them.
    let parts = concurrently([nil] + kernels.map(Optional.init), progress: progress) { kernel in
      kernel.map { Part.check(ExplorerData.check(of: $0)) }
        ?? .read(
          Result { () throws(StoreError) in try ExplorerData(database, name: name) { _ in } })
    }
    var checks: [Check] = []
    var read: Result<ExplorerData, StoreError>?
    for part in parts {
      switch part {
      case .check(let check): checks.append(check)
      case .read(let result): read = result
      }
    }
    guard var data = try read?.get() else {
      preconditionFailure("the first piece of work reads the database")
    }
    data.addFindings(checks)
    html = try Self.html(data)
  }

  /// What one piece of the work gives.
  private enum Part: Sendable {
    case read(Result<ExplorerData, StoreError>)
    case check(Check)
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
    payload += Self.steps(data)
    for altered in data.altered { payload += bytes(altered.profile) }
    let packed = try compressed(payload).base64EncodedString()
    let script = [
      PackageResources.state_js, PackageResources.data_js, PackageResources.view_js,
      PackageResources.drivers_js, PackageResources.controls_js, PackageResources.grid_js,
      PackageResources.detail_js, PackageResources.findings_js, PackageResources.search_js,
      PackageResources.copy_js, PackageResources.explorer_js,
    ].map(text).joined()
    let style = [
      PackageResources.explorer_css, PackageResources.dark_css, PackageResources.print_css,
    ].map(text).joined()
    let hash = Data(SHA256.hash(Data(script.utf8))).base64EncodedString()
    return text(PackageResources.explorer_html)
      .replacing("@HASH@", with: "sha256-" + hash)
      .replacing("@STYLE@", with: style)
      .replacing("@DATA@", with: packed)
      .replacing("@SCRIPT@", with: script)
  }

  /// The lines that circumstances alter, each as the step from the one before it in groups
  /// of seven bits, the lowest first: many are neighbours, and a step is then one byte that
  /// repeats.
  private static func steps(_ data: ExplorerData) -> [UInt8] {
    var steps: [UInt8] = []
    var rest = data.altered[...]
    for count in data.content.alteredLines {
      var next: UInt32 = 0
      for altered in rest.prefix(count) {
        var step = altered.line - next
        while step > 0x7f {
          steps.append(UInt8(step & 0x7f) | 0x80)
          step >>= 7
        }
        steps.append(UInt8(step))
        next = altered.line + 1
      }
      rest = rest.dropFirst(count)
    }
    return steps
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

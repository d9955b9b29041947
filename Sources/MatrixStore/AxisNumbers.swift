import DMAModel
import GRDB
import Support

/// The numbers that a database has for values of axes, and for what is made of them.
///
/// Values of the model have the numbers of their order everywhere; finer ones follow
/// in the order in which they were asked for.
struct AxisNumbers: Sendable {
  /// By number.
  let platforms: [Platform]
  let coherentMasks: [CoherentMask]
  let busLimits: [BusLimit]
  let facings: [Facing]
  let operations: [Operation]
  let buffers: [Buffer]

  /// The numbers of a database that is made for a domain.
  init(_ domain: MatrixDomain) {
    platforms = Platform.all(with: domain.platforms)
    coherentMasks = CoherentMask.all(with: domain.coherentMasks)
    busLimits = BusLimit.all(with: domain.busLimits)
    facings = Facing.all(with: domain.facings)
    operations = Operation.all(with: domain.operations)
    buffers = Buffer.all(with: domain.buffers)
  }

  /// The numbers that a database has.
  init(_ database: Database) throws {
    platforms = try Self.values(database)
    coherentMasks = try Self.values(database)
    busLimits = try Self.values(database)
    facings = try Self.values(database)
    operations = try Self.values(database)
    buffers = try Self.values(database)
    // Numbers have 16 bits, and none of ours is near.
    guard platforms.count <= 256, busLimits.count <= 256, buffers.count <= 256,
      facings.count <= 8, operations.count <= 16,
      coherentMasks.count * max(4, busLimits.count)
        <= Self.deviceLimit(facings: facings.count)
    else {
      throw MalformedRow("an axis has more than 256 values")
    }
  }

  /// How many pairs of a coherent mask and a bus limit have numbers of 16 bits.
  static func deviceLimit(facings: Int) -> Int { (1 << 16) / (2 * max(2, facings)) }

  private static func values<Value: AxisValue>(_ database: Database) throws -> [Value] {
    try String.fetchAll(database, sql: "SELECT name FROM \"\(Value.axis)\" ORDER BY id").map {
      name in
      guard let value = Value(name: name) else {
        throw MalformedRow("\(Value.axis) '\(name.printable)' is unknown")
      }
      return value
    }
  }

  /// A finer value of a domain that has no number here, with its axis.
  func missing(_ domain: MatrixDomain) -> (axis: String, name: String)? {
    func missing<Value: AxisValue>(_ used: [Value], _ known: [Value]) -> (String, String)? {
      used.first { !known.contains($0) }.map { (Value.axis, $0.name) }
    }
    return missing(domain.platforms, platforms) ?? missing(domain.coherentMasks, coherentMasks)
      ?? missing(domain.busLimits, busLimits) ?? missing(domain.facings, facings)
      ?? missing(domain.operations, operations) ?? missing(domain.buffers, buffers)
  }

  func platform(_ platform: Platform) -> Int { platforms.firstIndex(of: platform) ?? 0 }

  /// Mixed radix of the four device axes.
  func device(
    _ coherentMask: CoherentMask, _ busLimit: BusLimit, _ coherence: Coherence, _ facing: Facing
  ) -> UInt16 {
    let mask = UInt16(coherentMasks.firstIndex(of: coherentMask) ?? 0)
    let limit = UInt16(busLimits.firstIndex(of: busLimit) ?? 0)
    let radix = UInt16(max(4, busLimits.count))
    return ((mask * radix + limit) * 2 + UInt16(coherence.rawValue))
      * UInt16(max(2, facings.count)) + UInt16(facings.firstIndex(of: facing) ?? 0)
  }

  /// Mixed radix of the three request axes.
  func request(_ operation: Operation, _ attributes: Attributes, _ buffer: Buffer) -> UInt16 {
    let number = UInt16(buffer.position ?? buffers.firstIndex(of: buffer) ?? 0)
    let place = UInt16(operations.firstIndex(of: operation) ?? 0)
    return (place * 16 + UInt16(attributes.rawValue))
      * UInt16(max(16, buffers.count)) + number
  }
}

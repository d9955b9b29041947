import DMAModel
import Support

/// One run of the probe: from its begin line to its end line.
struct ProbeRunReader {
  let file: String
  let boot: ObservedBoot
  var observations: [Observation] = []
  /// The number of the next line.
  var next = 0
  private(set) var isComplete = false
  /// What the last set_mask line said; requests repeat its bits.
  private var mask: Observation?

  init(file: String, boot: ObservedBoot) {
    self.file = file
    self.boot = boot
  }

  mutating func take(_ line: ProbeLine, at number: Int) throws(ProbeLogError) {
    let fields = ProbeFields(file: file, line: number, fields: line.fields)
    if line.kind == "end" {
      isComplete = try fields.integer("lines") == line.number + 1
      return
    }
    let bits = try fields.integer("mask")
    guard (0...64).contains(bits) else { throw fields.bad("mask", accepted: "0 to 64") }
    let name = try fields.text("op")
    guard let operation = ProbeOperation(rawValue: name) else {
      throw fields.bad(
        "op", accepted: ProbeOperation.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if operation == .setMask {
      let observation = try maskLine(fields, bits, number)
      if let wrong = observation.implausible { throw fields.bad(wrong) }
      mask = observation
      observations.append(observation)
      return
    }
    // Without its set_mask line nobody knows under which mask a request ran.
    guard let mask, mask.maskBits == bits else { return }
    let observation = try request(fields, operation, mask, number)
    if let wrong = observation.implausible { throw fields.bad(wrong) }
    observations.append(observation)
  }

  private func maskLine(
    _ fields: ProbeFields, _ bits: Int, _ line: Int
  ) throws(ProbeLogError) -> Observation {
    guard let mask = try fields.number("dma_mask") else {
      throw fields.bad("dma_mask", accepted: "a mask")
    }
    return Observation(
      line: line, maskBits: bits, setMaskError: try fields.integer("set"),
      setCoherentMaskError: try fields.integer("setc"), dmaMask: mask, operation: .setMask,
      region: "", attributes: [], result: try result(fields), maxMapping: try fields.number("max"),
      optimalMapping: try fields.number("opt"), requiredMask: try fields.number("required"),
      isAddressingLimited: try fields.flag("limited"))
  }

  private func request(
    _ fields: ProbeFields, _ operation: ProbeOperation, _ mask: Observation, _ line: Int
  ) throws(ProbeLogError) -> Observation {
    let result = try result(fields)
    var observation = Observation(
      line: line, maskBits: mask.maskBits, setMaskError: mask.setMaskError,
      setCoherentMaskError: mask.setCoherentMaskError, dmaMask: mask.dmaMask,
      operation: operation, region: try fields.text("region"), attributes: [], result: result)
    if result == .absent { return observation }
    guard let direction = ProbeDirection(rawValue: try fields.text("dir")) else {
      throw fields.bad("dir", accepted: "bidi, to, from")
    }
    observation.direction = direction
    observation.attributes = ProbeAttributes.names(try fields.text("attrs"))
    observation.length = try fields.number("len")
    observation.physicalAddress = try fields.number("phys")
    observation.secondAddress = try fields.number("phys2")
    observation.dmaAddress = try fields.number("dma")
    observation.needsSync = try fields.flag("sync")
    observation.slots = try fields.number("slots").map { Int(clamping: $0) }
    observation.copiedIn = try fields.flag("in")
    observation.copiedOut = try fields.flag("out")
    return observation
  }

  private func result(_ fields: ProbeFields) throws(ProbeLogError) -> ProbeResult {
    guard let result = ProbeResult(rawValue: try fields.text("result")) else {
      throw fields.bad(
        "result", accepted: ProbeResult.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return result
  }
}

/// The fields of one line.
struct ProbeFields {
  let file: String
  let line: Int
  let fields: [String: String]

  func bad(_ wrong: Observation.Implausible) -> ProbeLogError {
    .field(
      file: file, line: line, field: wrong.field, value: wrong.value, accepted: wrong.accepted)
  }

  func bad(_ field: String, accepted: String) -> ProbeLogError {
    .field(file: file, line: line, field: field, value: fields[field] ?? "", accepted: accepted)
  }

  func text(_ field: String) throws(ProbeLogError) -> String {
    guard let text = fields[field] else { throw bad(field, accepted: "a value") }
    return text
  }

  func integer(_ field: String) throws(ProbeLogError) -> Int {
    guard let value = Int(try text(field)) else { throw bad(field, accepted: "a whole number") }
    return value
  }

  func integer(_ field: String, in range: ClosedRange<Int>) throws(ProbeLogError) -> Int {
    let value = try integer(field)
    guard range.contains(value) else {
      throw bad(field, accepted: "\(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A number, decimal or with 0x; nil for `-`.
  func number(_ field: String) throws(ProbeLogError) -> UInt64? {
    let text = try text(field)
    if text == "-" { return nil }
    guard let value = UInt64(unsigned: text) else { throw bad(field, accepted: "a number, or -") }
    return value
  }

  /// 0 or 1; nil for `-`.
  func flag(_ field: String) throws(ProbeLogError) -> Bool? {
    switch try text(field) {
    case "0": return false
    case "1": return true
    case "-": return nil
    default: throw bad(field, accepted: "0, 1 or -")
    }
  }

  /// `0x…-0x…`, end exclusive; nil for an empty one.
  func range(_ field: String) throws(ProbeLogError) -> PhysicalRange? {
    guard let range = PhysicalRange(text: try text(field)), range.end < 1 << 56 else {
      throw bad(field, accepted: "a range below 2^56 as 0x7bee2000-0x7fee2000")
    }
    return range.length == 0 ? nil : range
  }
}

import Foundation

/// The seed of tests whose inputs are drawn: the same in every run, so that one commit
/// gets one verdict. `DMAMATRIX_SEED=N` draws others.
public func testSeed(function: String = #function) -> UInt64 {
  let seed =
    ProcessInfo.processInfo.environment["DMAMATRIX_SEED"].flatMap { UInt64($0) } ?? 20_260_702
  print("\(function): seed \(seed); DMAMATRIX_SEED=N draws other inputs")
  return seed
}

/// SplitMix64: numbers of a seed, the same on every machine.
///
/// Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014).
public struct SeededNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Numbers for the classes of a diagram: 0 for what belongs to none, then 1, 2 and so
/// on in the order in which the classes are first met.
public struct ClassNumbers<Key: Hashable> {
  /// The classes; the first has the number 1.
  public private(set) var keys: [Key] = []
  private var numbers: [Key: Int32] = [:]

  public init() {}

  /// The number of a class, a new one where it was not met before; 0 for nil.
  public mutating func number(of key: Key?) -> Int32 {
    guard let key else { return 0 }
    if let known = numbers[key] { return known }
    keys.append(key)
    numbers[key] = Int32(keys.count)
    return Int32(keys.count)
  }
}

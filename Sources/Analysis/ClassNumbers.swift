/// Numbers for the classes of a diagram: 0 for what belongs to none, then 1, 2 and so
/// on in the order in which the classes are first met.
public struct ClassNumbers<Key: Hashable> {
  /// The classes; the first has the number 1.
  public private(set) var keys: [Key] = []
  private var numbers: [Key: Int32] = [:]
  /// The class that was asked for last, which neighbours mostly have too.
  private var latest: (key: Key, number: Int32)?

  public init() {}

  /// The number of a class, a new one where it was not met before; 0 for nil.
  public mutating func number(of key: Key?) -> Int32 {
    guard let key else { return 0 }
    if let latest, latest.key == key { return latest.number }
    if let known = numbers[key] {
      latest = (key, known)
      return known
    }
    keys.append(key)
    let number = Int32(keys.count)
    numbers[key] = number
    latest = (key, number)
    return number
  }
}

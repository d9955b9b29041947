/// A part of a whole, rounded to tenths of a percent: `12.3 %`, `0 %`, `100 %`.
///
/// Some is never 0 % and less than all never 100 %: `below 0.1 %`, `above 99.9 %`.
///
/// More than the whole is `over 100 %`: what counts it was read while it changed.
///
/// - Parameter whole: Not 0.
package func percentText(_ part: UInt64, of whole: UInt64) -> String {
  if part > whole { return "over 100 %" }
  let tenths = Int((Double(part) / Double(whole) * 1000).rounded())
  if tenths == 0, part > 0 { return "below 0.1 %" }
  if tenths == 1000, part < whole { return "above 99.9 %" }
  return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
}

import Testing

@testable import BootInputs

/// The search by bytes against a naive one, over every marker and text of few letters.
@Suite struct SubstringSearchTests {
  @Test func theFirstPlaceIsFound() {
    let letters = ["a", "b", "\u{e9}"]
    func words(_ length: Int) -> [String] {
      length == 0 ? [""] : words(length - 1).flatMap { word in letters.map { word + $0 } }
    }
    let texts = (0...5).flatMap(words)
    for marker in (1...3).flatMap(words) {
      let wanted = Array(marker.utf8)
      for text in texts {
        let bytes = Array(text.utf8)
        let place = bytes.indices.first { bytes[$0...].starts(with: wanted) }
        // A part of a longer text, whose neighbours do not count.
        let part = (marker + text + marker).dropFirst(marker.count).dropLast(marker.count)
        let found = part.firstRange(of: marker)
        #expect(found.map { part.utf8.distance(from: part.startIndex, to: $0.lowerBound) } == place)
        #expect(found.map { String(part[$0]) } == place.map { _ in marker })
        #expect(part.contains(marker) == (place != nil))
      }
    }
    #expect("abc"[...].firstRange(of: "") == nil)
  }
}

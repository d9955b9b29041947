import DMAModel
import Foundation
import Support
import Testing

@testable import Observations

/// Logs as people really have them: cut, mixed, newer, of a kernel that died.
@Suite struct BadLogTests {
  private let name = Logs.names[0]

  private func error(reading text: String, intactOnly: Bool = false) -> ProbeLogError? {
    do {
      _ = try ProbeLog.read(name: "log", text: text, intactOnly: intactOnly)
      return nil
    } catch {
      return error
    }
  }

  /// Cut behind every line: a sentence, and every whole line with --intact.
  @Test func aLogCutAnywhereIsNoticed() throws {
    let lines = try Logs.lines(name)
    let whole = try #require(try Logs.boots(name).first).observations
    let begin = try #require(lines.firstIndex { $0.contains(" begin ") })
    let machine = try #require(lines.lastIndex { $0.contains("BIOS-e820") })
    for count in 1..<lines.count {
      let text = lines.prefix(count).joined(separator: "\n")
      guard count > begin else {
        #expect(error(reading: text) == .noProbe(file: "log"))
        continue
      }
      #expect(count > machine)
      let probed = lines[begin..<count].count { $0.contains("dmaprobe: v1 ") }
      #expect(error(reading: text) == .truncated(file: "log", line: count, lines: probed))
      let kept = try ProbeLog.read(name: "log", text: text, intactOnly: true)
      #expect(kept[0].observations == Array(whole.prefix(probed - 1)))
    }
  }

  /// Cut at every byte of a line.
  @Test func aLineCutAnywhereIsNoticed() throws {
    let lines = try Logs.lines(name)
    let index = try #require(lines.firstIndex { $0.contains("op=map_page") })
    let marked = try #require(lines[index].range(of: "dmaprobe: v1 ")).upperBound
    let head = lines[index][..<marked].count
    for length in head..<lines[index].count {
      var changed = lines
      changed[index] = String(lines[index].prefix(length))
      #expect(
        error(reading: changed.joined(separator: "\n"))
          == .damaged(file: "log", line: index + 1, count: 1), "\(length)")
    }
  }

  @Test func aLineMixedWithAnotherIsNoticed() throws {
    let lines = try Logs.lines(name)
    let index = try #require(lines.firstIndex { $0.contains("op=map_sg") })
    let whole = try #require(try Logs.boots(name).first).observations
    for (position, other) in [(90, "[    4.1] usb 1-1: new"), (60, lines[index - 1])] {
      var changed = lines
      let at = changed[index].index(changed[index].startIndex, offsetBy: position)
      changed[index].insert(contentsOf: other, at: at)
      let text = changed.joined(separator: "\n")
      #expect(error(reading: text) == .damaged(file: "log", line: index + 1, count: 1))
      let kept = try ProbeLog.read(name: "log", text: text, intactOnly: true)
      #expect(kept[0].observations == whole.filter { $0.line != index + 1 })
    }
  }

  @Test func aLineThatIsLostIsNoticed() throws {
    let lines = try Logs.lines(name)
    for index in lines.indices where lines[index].contains("dmaprobe: v1 ") {
      var changed = lines
      changed.remove(at: index)
      let found = try #require(error(reading: changed.joined(separator: "\n")))
      switch found {
      case .gap(_, let line, _, _): #expect(line == index + 1)
      case .truncated: #expect(lines[index].contains(" end "))
      default: Issue.record("\(found)")
      }
    }
  }

  /// A serial console keeps several boots: each run is of its own.
  @Test func eachBootOfALogIsItsOwn() throws {
    let alone = try Logs.names.map { try Logs.boots($0) }
    let text = try Logs.names.map { try Logs.text($0) }.joined()
    let together = try ProbeLog.read(name: "log", text: text)
    #expect(together.map(\.boot) == alone.flatMap { $0 }.map(\.boot))
    let rows = together.map { $0.observations.map(\.dmaAddress) }
    #expect(rows == alone.flatMap { $0 }.map { $0.observations.map(\.dmaAddress) })
  }

  /// A newer probe is refused by name, whatever its lines look like.
  @Test func aNewerProbeIsRefused() throws {
    let text = try Logs.text(name).replacing("dmaprobe: v1 ", with: "dmaprobe: v2 ")
    guard case .newer("log", _, 2) = error(reading: text) else {
      Issue.record("\(String(describing: error(reading: text)))")
      return
    }
    #expect(error(reading: text, intactOnly: true) != nil)
  }

  @Test func aPanicIsNamed() throws {
    let lines = try Logs.lines(name)
    let count = try #require(lines.firstIndex { $0.contains("op=map_sg") })
    let text =
      lines.prefix(count).joined(separator: "\n")
      + "\n[    4.2] Kernel panic - not syncing: Fatal exception in interrupt\n"
    let found = try #require(error(reading: text))
    guard case .panicked("log", count + 1, let message, _) = found else {
      Issue.record("\(found)")
      return
    }
    #expect(message == "Kernel panic - not syncing: Fatal exception in interrupt")
    #expect(!found.description.contains("\n"))
  }

  @Test func theKernelAndTheMachineMustBeKnown() throws {
    let text = try Logs.text(name)
    let foreign = try text.split(separator: "\n").map { text -> String in
      let text = String(text)
      return text.contains(" begin ")
        ? try line(text, replacing: "release=6.1.", with: "release=5.10.") : text
    }.joined(separator: "\n")
    guard case .unknownKernel = error(reading: foreign) else {
      Issue.record("\(String(describing: error(reading: foreign)))")
      return
    }
    let named = try ProbeLog.read(name: "log", text: foreign, kernel: "6.1")
    #expect(named.map(\.boot.kernel) == ["6.1"])
    let late = text.split(separator: "\n").filter { !$0.contains("BIOS-e820") }
    #expect(error(reading: late.joined(separator: "\n")) == .machine(file: "log"))
    #expect(error(reading: "Linux version 6.1.0\n") == .noProbe(file: "log"))
  }

  /// Lines of a serial console end with CR LF.
  @Test func consolesAndTimeStampsDoNotMatter() throws {
    let text = try Logs.text(name)
    let whole = try #require(try Logs.boots(name).first).observations
    for variant in [
      text.replacing("\n", with: "\r\n"),
      text.replacing(#/\[ *[0-9.]+\] /#, with: ""),
      text.replacing("[    ", with: "<6>[    "),
    ] {
      let read = try ProbeLog.read(name: "log", text: variant)
      #expect(read[0].observations == whole)
    }
  }

  /// What a length decides where the probe gave none, a page, or one too few for the
  /// entries of a scatter list.
  @Test func lengthsAreCheckedAsTheyAreUsed() {
    func isPlausible(
      _ operation: ProbeOperation, _ region: String, _ length: UInt64?, dma: UInt64 = 0
    ) -> Bool {
      Observation(
        line: 1, maskBits: 64, setMaskError: 0, setCoherentMaskError: 0, dmaMask: .max,
        operation: operation, region: region, attributes: [], length: length,
        physicalAddress: 0, dmaAddress: dma, result: .direct
      ).isPlausible
    }
    #expect(isPlausible(.allocCoherent, "gfp_kernel", nil, dma: .max - 4096))
    #expect(!isPlausible(.allocCoherent, "gfp_kernel", nil, dma: .max - 4095))
    #expect(isPlausible(.mapPage, "a", 16, dma: .max - 16))
    #expect(!isPlausible(.mapPage, "a", 16, dma: .max - 15))
    #expect(isPlausible(.mapSG, "a+a+a+a", 4) && !isPlausible(.mapSG, "a+a+a+a", 3))
    #expect(!isPlausible(.mapSG, "a", 1))
  }

  /// Any value in any field, with a right checksum: a sentence or an answer, and the
  /// comparison ends.
  @Test func anyValueOfAnyFieldIsAnsweredOrRefused() throws {
    // The boot, the begin line and the requests of the first mask.
    let lines = Array(try Logs.lines(Logs.names[3]).prefix(90))
    let probed = lines.indices.filter { lines[$0].contains("dmaprobe: v1 ") }
    let values = [
      "0", "-", "1", "-1", "64", "65", "0x0", "0xffffffffffffffff", "18446744073709551615",
      "9223372036854775807", "-9223372036854775808", "0xfffffffffffff000", "4096", "direct",
      "bounce", "iova_bounce", "map_sg", "alloc_coherent", "high+", "../x", "0x10-0x5", "",
    ]
    var random = SplitMix(seed: 6)
    var refused = 0
    var compared = 0
    for number in 0..<6000 {
      let index = probed[Int(random.next() % UInt64(probed.count))]
      var changed = lines
      // One field, and in half of the cases another of the line.
      for _ in 0...(number % 2) {
        let fields = changed[index].split(separator: " ").filter { $0.contains("=") }
        guard !fields.isEmpty else { continue }
        let field = fields[Int(random.next() % UInt64(fields.count))]
        let key = field.prefix { $0 != "=" }
        let value = values[Int(random.next() % UInt64(values.count))]
        changed[index] = try line(
          changed[index], replacing: " \(field)", with: " \(key)=\(value)")
      }
      do {
        let boots = try ProbeLog.read(
          name: "log", text: changed.joined(separator: "\n"), kernel: "7.3", intactOnly: true)
        var summary = ObservationSummary()
        for boot in boots {
          summary.add(boot, version: try #require(KernelVersion.named("7.3")))
        }
        compared += 1
      } catch let error as ProbeLogError {
        #expect(!error.description.contains("\n"))
        refused += 1
      }
    }
    #expect(refused > 100 && compared > 100)
  }
}

/// A sequence that is the same in every run (SplitMix64).
struct SplitMix {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

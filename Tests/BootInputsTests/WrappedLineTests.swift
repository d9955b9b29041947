import Testing

@testable import BootInputs

/// What mails and terminals do to lines is undone.
@Suite struct WrappedLineTests {
  private let failure =
    "xhci-hcd ee000000.usb: swiotlb buffer is full (sz: 524288 bytes), total 32768 (slots), "
    + "used 1338 (slots)"

  /// Wherever a mailer wraps a long line, the message is whole.
  @Test(arguments: ["", "> ", ">> ", "> > "], ["[   36.745286] ", ""])
  func aFailureIsReadWhereverItIsWrapped(quote: String, stamp: String) throws {
    let words = (stamp + failure).split(separator: " ").map(String.init)
    let whole = try #require(FailingLine(failure[...]))
    let start = stamp.isEmpty ? 0 : 2
    for first in (start + 5)..<words.count {
      for second in first..<words.count {
        let parts = [words[..<first], words[first..<second], words[second...]]
          .filter { !$0.isEmpty }.map { quote + $0.joined(separator: " ") }
        let text = (["before"] + parts + ["after"]).joined(separator: "\n")
        #expect(FailingLine.all(in: text).map(\.failure) == [whole], "\(first) \(second)")
      }
    }
  }

  /// The request of an overflow, with the words of kernels before 5.3, cut at both ends.
  @Test func anOlderOverflowIsReadAcrossLines() throws {
    let text = """
      > > 1602.977542] cdns-usb3 cdns-usb3.1: overflow
      > > 0x00000007eee00000+524288 of DMA mask ffffffff bus mask 0 [
      > > 1602.977550] something else
      """
    let failure = try #require(FailingLine.all(in: text).first).failure
    #expect(failure.device == "cdns-usb3.1")
    guard case .unreachable(let mapping) = failure.kind else { throw Unexpected() }
    #expect(mapping.address == 0x7_eee0_0000 && mapping.size == 524_288)
  }

  @Test func proseAboutAFailureIsNone() {
    let text = """
      That the "swiotlb buffer is full" message
      appears (sz: 4096 bytes), total 3 (slots)
      is what DMA addr
      0x1000+4096 means.
      """
    #expect(FailingLine.all(in: text).isEmpty)
    #expect(LogLine.all(in: text).count == 4)
  }

  /// Lines that end before a mailer's limit stay alone.
  @Test func shortLinesAreNotJoined() {
    let text = "[    0.000000] Command line: quiet\nprose\n[    0.000000] Zone ranges:\nmore\n"
    #expect(
      LogLine.all(in: text).map(\.message) == [
        "Command line: quiet", "prose", "Zone ranges:", "more",
      ])
  }

  @Test func mailersBreakBetweenWords() {
    let text = """
      >> [    0.000000] Kernel command line: console=ttyAMA0,115200
      >> root=PARTUUID=c7837e2f-02 rootwait earlycon=pl011,mmio32,0x21c0000
      >> ramdisk_size=0 iommu.passthrough=0
      >> [    0.000000] software IO TLB: mapped [mem
      >> 0x00000000fbfff000-0x00000000fffff000] (64MB)
      """
    #expect(
      LogLine.all(in: text).map(\.message) == [
        "Kernel command line: console=ttyAMA0,115200 root=PARTUUID=c7837e2f-02 rootwait "
          + "earlycon=pl011,mmio32,0x21c0000 ramdisk_size=0 iommu.passthrough=0",
        "software IO TLB: mapped [mem 0x00000000fbfff000-0x00000000fffff000] (64MB)",
      ])
  }

  /// A terminal of 80 columns breaks inside words and fills the last line.
  @Test func terminalsBreakInsideWords() {
    let message = "[    0.115979] Kernel command line: " + String(repeating: "word=1 ", count: 20)
    let characters = Array(message)
    var rows: [String] = []
    for start in stride(from: 0, to: characters.count, by: 80) {
      let part = String(characters[start..<min(start + 80, characters.count)])
      rows.append("> " + part + String(repeating: " ", count: 80 - part.count))
    }
    let lines = LogLine.all(in: rows.joined(separator: "\n"))
    #expect(lines.map { $0.message.trimmed } == [message.dropFirst(15).trimmed])
  }

  /// RFC 2045: both encodings of a mail, and parts that are no text.
  @Test func mailsAreDecoded() {
    let log = "[    0.000000] Command line: root=/dev/vda1 console=ttyS0,115200 iommu=pt"
    let mail = """
      From: a@example.org
      Subject: boot fails
      Content-Type: multipart/mixed; boundary="=-Part"

      --=-Part
      Content-Transfer-Encoding: quoted-printable

      [    0.000000] Command line: root=3D/dev/vda1 console=3DttyS0,1152=
      00 iommu=3Dpt
      --=-Part
      Content-Transfer-Encoding: base64

      WyAgICAwLjAwMDAwMF0gQ29tbWFuZCBsaW5lOiByb290PS9kZXYvdmRhMSBjb25zb2xlPXR0eVMw
      LDExNTIwMCBpb21tdT1wdAo=
      --=-Part
      Content-Transfer-Encoding: base64

      AAECAwQ=
      --=-Part--
      """
    let rows = MailText(mail).rows.filter { !$0.text.isEmpty }
    #expect(rows.map(\.text) == [log[...], log[...]])
    #expect(rows.map(\.number) == [8, 13])
  }

  /// What people write in a mail is no evidence, although it begins like a message.
  @Test func proseOfAMailIsNoEvidence() throws {
    let headers = "From: a@example.org\nSubject: patch\n\n"
    #expect(throws: BootLog.ParseError.foreign) {
      try BootLog(headers + "x86/sev: mark the pool as shared\nDMAR: fix it\n")
    }
    let log = headers + "[    0.000000] Machine model: x\nx86/sev: a patch\n"
    #expect(BootFacts(try BootLog(log)).platform.platforms == [.arm64])
  }
}

private struct Unexpected: Error {}

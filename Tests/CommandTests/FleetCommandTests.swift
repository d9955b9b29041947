import Foundation
import MatrixStore
import TestSupport
import Testing

/// Captured machines in a database, as a user stores them and asks about them.
extension CommandTests {
  private func makeDatabase() throws {
    let made = try run([
      "generate", "-d", "fleet.db", "--quiet", "--kernel", "6.12,7.3", "--platform", "x86",
      "--mask",
      "32,64",
    ])
    #expect(made.status == 0, "\(made.error)")
  }

  private func rows(_ sql: String) throws -> [String] {
    let asked = try run(["query", "-d", "fleet.db", "--format", "csv", sql])
    #expect(asked.status == 0, "\(asked.error)")
    return asked.output.split(separator: "\n").dropFirst().map {
      String($0.filter { $0 != "\r" })
    }
  }

  @Test func aFleetIsStoredReplacedAndKept() throws {
    try makeDatabase()
    let machines = [try writeMachine("one"), try writeMachine("two")]
    let first = try run(["host", "--store", "fleet.db"] + machines)
    #expect(first.status == 0, "\(first.error)")
    #expect(first.output.contains("2 machines stored (0 replaced), 6 devices"))
    let second = try run(["host", "--store", "fleet.db", "--kernel", "7.3", machines[1]])
    #expect(second.output.contains("1 machine stored (1 replaced), 3 devices"))
    #expect(try rows("SELECT count(*) FROM host") == ["2"])
    #expect(
      try rows("SELECT kernel, count(*) FROM host_kernel GROUP BY 1")
        == ["6.1,1", "7.2,1", "7.3,2"])
    // Made anew, the matrix keeps them.
    try makeDatabase()
    #expect(try rows("SELECT count(*) FROM fleet") == ["6"])
    #expect(try run(["info", "-d", "fleet.db", "--check"]).status == 0)
    #expect(try DatabaseCheck(MatrixDatabase(path: directory + "/fleet.db")).requireSound() != [:])
  }

  /// The matrix and the machine give a device the same, joined by the scenario's parts: of
  /// an x86 machine of 8 GiB a mask of 32 bits bounces a high page and one of 64 does not
  /// (kernel/dma/direct.h dma_direct_map_page()).
  @Test func aFleetJoinsTheMatrix() throws {
    try makeDatabase()
    #expect(try run(["host", "--store", "fleet.db", try writeMachine()]).status == 0)
    let joined = try rows(
      """
      SELECT f.mask, a.result, b.result FROM fleet AS f
      JOIN host AS h ON h.name = f.host
      JOIN host_device AS d ON d.host = h.id AND d.address = f.address
      JOIN host_answer AS a ON a.host = d.host AND a.position = d.position
        AND a.request = 'map high'
      JOIN behavior AS b ON b.kernel = f.kernel AND b.platform = f.platform
        AND b.iommu = f.iommu AND b.swiotlb = f.swiotlb AND b.mask = f.mask
        AND b.coherent_mask = f.coherent_mask AND b.bus_limit = f.bus_limit
        AND b.coherent = f.coherent AND b.external = f.external
      WHERE b.mem = '64G' AND b.op = 'map' AND b.attrs = 'none' AND b.buf = 'high'
      ORDER BY f.address
      """)
    #expect(joined == ["32,bounce,bounce", "64,direct,direct", "32,bounce,bounce"])
  }

  @Test func namedQueriesAskAFleet() throws {
    try makeDatabase()
    let empty = try run(["query", "-d", "fleet.db", "--named", "fleet-breaks"])
    #expect(empty.status == 2 && empty.error.contains("dmamatrix host --store"))
    #expect(try run(["host", "--store", "fleet.db", try writeMachine()]).status == 0)
    for name in ["fleet-breaks", "fleet-bounces", "fleet-coherent"] {
      let asked = try run(["query", "-d", "fleet.db", "--named", name])
      #expect(asked.status == 0, "\(name): \(asked.error)")
    }
    let other = try run(["query", "-d", "fleet.db", "--named", "fleet-breaks", "-p", "kernel=v7"])
    #expect(other.status == 2 && other.error.contains("accepted: 6.1, 7.2, 7.3"))
  }

  @Test func whatIsNoCaptureIsNamedAndLeftOut() throws {
    let machine = try writeMachine("folder/inside")
    try Data("no archive\n".utf8).write(to: URL(fileURLWithPath: directory + "/bad.tar"))
    // Nothing that can be read: no database is made.
    for arguments in [["bad.tar"], ["bad.tar", "none.tar"], ["folder"]] {
      let bad = try run(["host", "--store", "fleet.db"] + arguments)
      #expect(bad.status == 2 && bad.output.isEmpty, "\(arguments)")
      #expect(bad.error.split(separator: "\n").count == 1, "\(bad.error)")
      #expect(!contents.contains("fleet.db"))
    }
    try makeDatabase()
    let some = try run(["host", "--store", "fleet.db", "bad.tar", machine])
    #expect(some.status == 2 && some.error.contains("not stored: bad.tar: "))
    #expect(try rows("SELECT count(*) FROM host") == ["1"])
    for more in [["--cmdline", "quiet"], ["--root", "/"], ["--format", "json"]] {
      let refused = try run(["host", "--store", "fleet.db", machine] + more)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(more)")
    }
  }

  /// A stored tree is compared where the matrix's machine is answered as this one.
  @Test func aStoredTreeIsComparedWithAMachine() throws {
    let made = try run([
      "generate", "-d", "fleet.db", "--quiet", "--kernel", "6.12", "--platform", "x86", "--mask",
      "32,64",
    ])
    #expect(made.status == 0)
    let tree = RecordedTree(named: "mine")
    let root = try writeMachine()
    let unknown = try run([
      "host", "--root", root, "--trees", "fleet.db", "--kernel", tree.kernel.name,
    ])
    #expect(unknown.status == 2 && unknown.error.contains("kernel 'mine' is unknown"))
    let alone = try run(["host", "--root", root, "--trees", "fleet.db"])
    #expect(alone.status == 2 && alone.error.contains("--trees needs --kernel"))
  }
}

import Testing

extension CommandTests {
  /// Each bad input: status 2 and one sentence that names the value and what is
  /// accepted.
  @Test(arguments: [
    (
      ["report", "nonsense"],
      "report 'nonsense' is unknown; accepted: platform, versions, map, 2026-07-02, findings, lifecycle, maintainers, observed, device, drivers, history, html"
    ),
    (["generate", "--kernel", "9.9"], "--kernel '9.9' is unknown; accepted: 6.1, 6.12"),
    (["generate", "--platform", "vax"], "--platform 'vax' is unknown; accepted: x86, x86-sme47"),
    (["generate", "--op", "unmap"], "--op 'unmap' is unknown; accepted: map, map_sg"),
    (["generate", "--mask", "0x5"], "--mask '0x5' is no power of two less one, which explain"),
    (["generate", "--mask", "65"], "--mask '65' is not a DMA mask; accepted: 0 to 64"),
    (["generate", "--mask", "abc"], "--mask 'abc' is not a DMA mask; accepted: 0 to 64"),
    (["generate", "--mask", "40-32"], "--mask '40-32' is not a DMA mask"),
    (["comapre", "v6", "v7"], "'comapre' is no command of dmamatrix; did you mean compare?"),
    (["help", "exlpain"], "'exlpain' is no command of dmamatrix; did you mean explain?"),
    (["lab", "rnu"], "'rnu' is no command of lab; did you mean run? Accepted: plan, run"),
    (["policy", "knob"], "'knob' is no command of policy; did you mean knobs?"),
    (["check", "--fill", "atomic"], "'--fill' is no option of check; accepted by explain, verify"),
    (["compare", "v6", "v7", "--fill=atomic"], "'--fill' is no option of compare; accepted by"),
    (["report", "lifecycle", "--fill", "x"], "'--fill' is no option of report; accepted by"),
    (["check", "--formta", "json"], "'--formta' is no option of check; did you mean --format?"),
    (["check", "--al"], "'--al' is no option of check; did you mean --all?"),
    (["check", "--xyzzy"], "'--xyzzy' is no option of check; accepted: those of 'dmamatrix check"),
    (["generate", "--jobs", "-3"], "--jobs '-3' is not a number of CPUs; accepted: 1 to 1024"),
    (["query", "SELECT 1", "--limit", "-1"], "--limit '-1' is not a number of rows"),
    (["solve", "--from", "v6", "--base", "7.2", "--max-changes", "-1"], "accepted: 1 to 4"),
    (["generate", "--buf", "-,hihg"], "--buf 'hihg' is unknown; accepted: -, low, dma32"),
    (["explain", "--buf", "-,high"], "--buf has 2 values; explain takes one"),
    (
      ["explain", "--kernel", "v6", "x86/none/default"],
      "'x86/none/default' is no scenario's key; accepted: PLATFORM/IOMMU/SWIOTLB/MEM/MASK/"
    ),
    (
      ["explain", "--kernel", "v6", "x86/none/default/64G/64/same/none/1/0/map/none/hihg"],
      "the key's buf 'hihg' is unknown"
    ),
    (
      [
        "explain", "--kernel", "v6", "x86/none/default/64G/64/same/none/1/0/map/none/high",
        "--op", "alloc",
      ], "--op 'alloc' contradicts the key, which says map"
    ),
    (
      ["explain", "--kernel", "v6", "x86/none/default/64G/64/same/none/1/0/map/none/high;a=b"],
      "the key's circumstance 'a=b' is unknown; accepted: mask_change=..."
    ),
    (["generate", "--jobs", "0"], "--jobs '0' is not a number of CPUs; accepted: 1 to 1024"),
    (
      ["generate", "--bus-limit", "65"],
      "--bus-limit '65' is unknown; accepted: none, 32, 1 to 64, 0xADDRESS"
    ),
    (["generate", "--buf", "1G+0"], "--buf '1G+0' is unknown; accepted: -, low, dma32"),
    (["generate", "--buf", "1G"], "mmio64, 0xADDRESS+LENGTH, mmio:0xADDRESS+LENGTH"),
    (["generate", "--platform", "x86-sme52"], "xen-pv, x86-smeN with the C-bit at N, 40 to 51"),
    (
      ["generate", "--platform", "x86-sme40", "--buf", "1024G+4K"],
      "--buf '0x10000000000+4096' lies above bit 40, which x86-sme40 has for encryption; accepted:"
    ),
    (
      ["generate", "--platform", "sev,x86-sme43", "--machine", "big=0-16384G"],
      "machine 'big' has RAM above bit 43, which x86-sme43 has for encryption; accepted:"
    ),
    (
      ["verify", "--tree", "/etc", "--buf", "256G+4K"],
      "the harness cannot express --buf 0x4000000000+4096; accepted: below 256 GiB"
    ),
    (["generate", "--mem", "4G"], "--mem '4G' is unknown; accepted: 2G, 64G"),
    (["generate", "--machine", "6G"], "--machine '6G' is not a machine"),
    (["generate", "--machine", "6G=2G-0"], "ranges are ascending, disjoint"),
    (["generate", "--machine", "6G=0-x"], "'0-x' is not a range"),
    (["generate", "--machine", "2G=0-4G"], "and not 2G or 64G"),
    (["generate", "--shard", "3/2"], "--shard '3/2' is not a part; accepted: i/n with i from 1"),
    (["generate", "--shard", "auto"], "--shard 'auto' is not a part; accepted: auto with SLURM"),
    (
      ["lab", "run", "--kernel", "k", "--module", "m", "-o", "o", "--shard", "5/4"],
      "--shard '5/4' is not a part; accepted: i/n with i from 1"
    ),
    (["merge", "-o", "all.db", "/no/such.db"], "/no/such.db: no such database"),
    (["merge", "-o", "all.db", "/etc/passwd"], "/etc/passwd: is not an SQLite database"),
    (["info", "-d", "/no/such.db", "--check"], "/no/such.db: no such database"),
    (["info", "--check", "--schema"], "--check and --schema are two questions"),
    (["generate", "-d", "/no/such/dir/m.db"], "no such directory: /no/such/dir"),
    (["generate", "-d", "/"], "/: is a directory"),
    (["query", "-d", "/no/such.db", "SELECT 1"], "/no/such.db: no such database"),
    (["query", "-d", "/", "SELECT 1"], "/: is a directory"),
    (["query", "-d", "/etc/passwd", "SELECT 1"], "/etc/passwd: is not an SQLite database"),
    (["query", "SELECT 1", "--format", "box"], "--format 'box' is unknown; accepted: table, csv"),
    (["query", "SELECT 1", "-p", "x"], "-p 'x' has no value; accepted: name=value"),
    (["query", "SELECT 1", "--limit=-1"], "--limit '-1' is not a number of rows"),
    (["query", "SELECT 1", "--timeout", "1e300"], "--timeout '1e+300' is not a number of seconds"),
    (["query", "--list", "SELECT 1"], "--list runs no statement; give one of both"),
    (["kernels", "--alternatives", "nothing such"], "no alternative is about 'nothing such'"),
    (["compare", "v6", "v6+P03+P04"], "P03 sets M10 attributesAfterBounce to guestPoolElseForced"),
    (["compare", "v6", "v6+P03+X"], "joins 'X', which is no alternative of v6; accepted: P01"),
    (["axes", "colour"], "axis 'colour' is unknown; accepted: platform, iommu, swiotlb, mask"),
    (["report", "device"], "report device is about one device; accepted: one --mask, as 36"),
    (["report", "device", "--mask", "32-36"], "accepted: one --mask, as 36"),
    (
      ["report", "device", "--mask", "36", "--coherent-mask", "32,64"],
      "accepted: one --coherent-mask"
    ),
    (["report", "device", "--mask", "36", "--op", "map"], "--op is no filter of report device"),
    (["reply", "--alternative", "P13"], "on several versions; accepted: v6+P13, v7+P13"),
    (["reply", "--alternative", "6.1"], "'6.1' changes no other version; accepted: v6+P01"),
    (["reply", "--alternative", "P99"], "--alternative 'P99' is unknown"),
    (["policy", "reach", "7.3", "--kernel", "v6"], "--kernel is no filter of policy reach"),
    (["report", "--all", "--format", "svg"], "--format 'svg' is not for --all"),
    (
      ["check", "--baseline", "/etc"],
      "--baseline '/etc' is no readable file (is a directory); expected what"
    ),
    (["check", "--baseline", "a", "--write-baseline", "b"], "exclude each other; give one"),
    (
      ["check", "--format", "b4", "--baseline", "/etc/passwd"],
      "--baseline is not for --format b4, where the mail names the version"
    ),
    (["check", "--format", "b4", "--kernel", "v6"], "--kernel is not for --format b4"),
    (["lab", "plan", "--kernel", ""], "kernel '' is unknown; accepted: 6.1"),
    (["lab", "plan", "--iommu", ""], "--iommu '' is unknown; accepted: none"),
    (["report", "findings", "-o", "-"], "'-' is no file to write; expected the name of one"),
    (["check", "--kernel", "6.1", "--lint", "no-new-exposure"], "no-new-exposure needs --base"),
    (["check", "--lint", "no-new-exposure", "--format", "ktap"], "no-new-exposure needs --base"),
    (["generate", "--jobs", "x"], "'x' is invalid for '--jobs <n>'; accepted: a number"),
    (["query"], "no question; accepted: a SELECT, - for standard input, --named or --list"),
    (
      ["query", "--named", "why", "--list"],
      "--named 'why' is unknown; accepted: 40-bit, above-256k,"
    ),
    (["report"], "no report is named; accepted: platform, versions, map,"),
    (["report", "--all", "map"], "--all writes every report; a name is not accepted with it"),
    (["report", "--all", "-o", "/dev/null"], "/dev/null: is not a directory"),
    (
      ["report", "versions", "--format", "svg"],
      "--format 'svg' is unknown; accepted: text, markdown"
    ),
    (["report", "html", "-d", "/no/such.db"], "/no/such.db: no such database"),
    (
      ["compare", "v6", "v7", "--color", "blue"],
      "--color 'blue' is unknown; accepted: auto, always"
    ),
    (["verify", "--tree", "/no/such", "--yes"], "--tree '/no/such' does not exist; accepted:"),
    (["verify", "--tree", "/etc", "--yes"], "is no kernel tree: 'kernel/dma/mapping.c'"),
    (["verify", "--tree", "/etc", "--kernel", "v6"], "--kernel is no filter of verify"),
    (["verify", "--tree", "/etc", "--platform", "xen-pv"], "cannot express platform xen-pv"),
    (["verify", "--tree", "/etc", "--show=-1"], "--show '-1' is not a number"),
    (["verify", "--tree", "/etc", "--shard", "3/2"], "--shard '3/2' is not a part"),
    (["verify", "--tree", "/etc", "--shard", "1/2"], "--shard needs --against"),
    (["solve", "--from", "v6", "--base", "v0"], "--base 'v0' is unknown; accepted: 6.1"),
    (["solve", "--from", "v0", "--base", "v6"], "--from 'v0' is unknown; accepted: 6.1"),
    (["verify", "--tree", "/etc", "--against", "v0"], "--against 'v0' is unknown; accepted: 6.1"),
    (["check", "--base", "v0"], "--base 'v0' is unknown; accepted: 6.1"),
    (["solve", "--from", "v6"], "--base"),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--require", "tidy"], "--require 'tidy' is unknown"
    ),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--require", "guest-private-stays-private"],
      "is not decidable"
    ),
    (["solve", "--from", "v6", "--base", "7.2", "--prefer", "speed"], "accepted: changes, lost"),
    (["solve", "--from", "v6", "--base", "7.2", "--max-changes", "9"], "accepted: 1 to 4"),
    (["solve", "--from", "v6", "--base", "7.2", "--knob", "M99"], "--knob 'M99' is unknown"),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--kernel", "v7"], "--kernel is no filter of solve"
    ),
    (["export", "csv", "-d", "/no/such.db"], "/no/such.db: no such database"),
    (["export", "datasette", "x", "-d", "/"], "/: is a directory"),
    (["kernels", "5.10"], "kernel '5.10' is unknown; accepted: 6.1, 6.12"),
    (["conform", "/no/such.csv"], "/no/such.csv: no such file"),
    (["conform", "/"], "/: is a directory; expected a file, plain or compressed by gzip"),
    (["frobnicate"], "frobnicate"),
    (["generate", "--policy", "/no/such"], "/no/such: cannot be read"),
    (["check", "--policy", "/no/such"], "/no/such: cannot be read"),
    (["check", "--trees", "/no/such"], "/no/such: no such database"),
    (
      ["check", "--kernel", "v6", "--platform", "xen-pv", "--iommu", "translated"],
      "no scenario that these filters keep exists on v6"
    ),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--platform", "xen-pv", "--iommu", "translated"],
      "no scenario that these filters keep exists on v6"
    ),
    (["check", "--lint", ""], "--lint '' is unknown"),
    (["verify", "--tree", "/etc", "--iommu", "lazy,none"], "cannot express --iommu lazy"),
    (["verify", "--tree", "/etc", "--platform", "xen-pv,sev"], "cannot express platform xen-pv"),
    (["report", "findings", "--kernel", "v6,v7"], "is about one kernel; --kernel names 2"),
    (["report", "findings", "--op", "map"], "--op is no filter of report findings; accepted: --k"),
    (["report", "lifecycle", "--kernel", "v6"], "--kernel is no filter of report lifecycle"),
    (["report", "html", "--platform", "sev"], "--platform is no filter of report html"),
    (["report", "html", "--format", "svg"], "--format 'svg' is no format of report html"),
    (["report", "--all", "--kernel", "v6"], "--kernel is no filter of report --all"),
    (["report", "findings", "-o", "/dev/full"], "/dev/full: is not a regular file"),
    (["report", "findings", "-o", "/no/such/x"], "(No such file or directory); nothing was"),
    (["compare", "v6"], "compare needs two kernels or more, not 1"),
    (["compare", "v6", "v99"], "kernel 'v99' is unknown; accepted: 6.1, 6.12"),
    (["compare", "v6", "v7", "--format", "xml"], "accepted: text, markdown, json"),
    (["compare", "v6", "v7", "--kernel", "v7"], "--kernel is no filter of compare"),
    (
      ["compare", "v6", "v7", "--platform", "x86", "--iommu", "off", "--external", "1"],
      "no scenario that these filters keep exists"
    ),
    (["compare", "v6", "v7", "--policy", "/no/such"], "/no/such: cannot be read"),
    (["explain", "--mask", "64"], "the platform is not known; accepted: --platform"),
    (["explain", "--platform", "sev"], "the kernel is not known; accepted: --kernel"),
    (
      [
        "explain", "--kernel", "v6", "--platform", "x86-sme47", "--iommu", "none", "--cmdline",
        "iommu=pt",
      ],
      "--iommu none contradicts the command line, which says passthrough"
    ),
    (
      ["explain", "--kernel", "v6", "--platform", "x86-sme47", "--cmdline", "mem_encrypt=off"],
      "--cmdline says mem_encrypt=off, but the platform is an SME host"
    ),
    (
      ["explain", "--kernel", "v6", "--platform", "sev", "--cmdline", " "], "command line is empty"
    ),
    (
      ["explain", "--kernel", "v6", "--platform", "ppc64", "--iommu", "off", "--mask", "64"],
      "does not exist on v6"
    ),
    (["explain", "--kernel", "v6,v7,7.3", "--platform", "sev"], "one kernel or two, not 3"),
    (["explain", "--dmesg", "/no/such"], "--dmesg '/no/such' is no readable file"),
    (["explain", "--dmesg", "/etc/hostname"], "holds no boot log of Linux"),
    (["check", "--lint", "tidy"], "--lint 'tidy' is unknown; accepted: no-silent-corruption"),
    (["check", "--format", "tap"], "accepted: text, markdown, json, ktap, sarif, b4"),
    (["policy", "show", "v0"], "kernel 'v0' is unknown"),
    (["claims", "C999"], "claim 'C999' is unknown; accepted: C001 to"),
  ])
  func badInput(arguments: [String], sentence: String) throws {
    let run = try run(arguments)
    #expect(run.status == 2)
    #expect(run.output.isEmpty)
    #expect(run.error.contains(sentence), "\(run.error)")
    #expect(run.error.hasPrefix("dmamatrix: ") && run.error.split(separator: "\n").count == 1)
    #expect(contents == [])
  }
}

// swift-tools-version: 6.1

import PackageDescription

// "make fuzz" builds one product more, with instrumentation, in a folder of its own.
let isFuzzed = Context.environment["DMAMATRIX_FUZZ"] != nil

/// Test targets, joined by commas, that alone are built, with what they need: each
/// sanitizer compiles what it runs.
let testTargets = Context.environment["DMAMATRIX_TEST_TARGETS"]?.split(separator: ",")

/// Every target is compiled in the Swift 6 language mode.
let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

/// The questions of schema/queries, which become part of the executable.
let namedQueries = [
  "40-bit", "above-256k", "bootline", "cbit-under-force", "coherent-mask", "coherent-only",
  "corrupts", "driver-doubts", "driver-others", "fleet-bounces", "fleet-breaks",
  "fleet-coherent", "iommu-off", "mask-histogram", "masks-that-bounce", "noforce-guests",
  "path-not-verdict", "pools", "require-coherent-fails", "rules", "scenario", "sme-bounces",
  "streaming-only", "thunderbolt", "who-bounces", "who-breaks",
]

/// The C files that a kernel tree is compiled against, which become part of the
/// executable; `.in`, because they are not compiled with it.
let shimFiles = [
  "arm64-boot.c", "arm64.h", "base.h", "device.c", "device.h", "heap.c", "host.c", "host.h",
  "iommu.h", "kernel.h", "launcher.c", "lent.c", "memory.c", "memory.h", "platform.h",
  "ppc64-boot.c", "ppc64.h", "request.c", "run.c", "s390-boot.c", "s390.h", "undo.c",
  "x86-boot.c", "x86.h",
]

/// The scripts of the page that `report html` makes, which become part of the executable.
let pageScripts = [
  "controls", "copy", "data", "detail", "drivers", "explorer", "findings", "grid", "search",
  "state", "view",
]

let package = Package(
  name: "dmamatrix",
  products: [
    .executable(name: "dmamatrix", targets: ["dmamatrix"]),
    .library(name: "DMAModel", targets: ["DMAModel"]),
  ],
  // Package.resolved is not committed: fixes arrive, new interfaces do not.
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
    .package(url: "https://github.com/groue/GRDB.swift", .upToNextMinor(from: "7.10.0")),
    .package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2")),
  ],
  targets: [
    // Text, files, gzip, CSV, hashing, and work for all CPUs; nothing of the kernel.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // Calls of Linux that Swift does not import.
    .systemLibrary(name: "CLinux"),
    .target(
      name: "Support", dependencies: ["CCrypto", "CLinux", "CZlib"], swiftSettings: settings),

    // The pure model. DMAHardware depends on the axes alone: the verdict is
    // computed by code that cannot see a policy.
    .target(name: "DMAAxes", dependencies: ["Support"], swiftSettings: settings),
    .target(name: "DMAHardware", dependencies: ["DMAAxes"], swiftSettings: settings),
    .target(
      name: "DMAModel", dependencies: ["DMAAxes", "DMAHardware", "Support"], swiftSettings: settings
    ),

    // What people paste: boot logs and kernel command lines, and what they say about a machine.
    .target(name: "BootInputs", dependencies: ["DMAModel", "Support"], swiftSettings: settings),

    // The masks that the drivers of a kernel tree set; nothing in it is run.
    .target(name: "DriverScan", dependencies: ["DMAModel", "Support"], swiftSettings: settings),

    // Questions about one or more kernels: compare, explain, check, claims.
    .target(
      name: "Analysis", dependencies: ["DMAModel", "DriverScan", "Support"], swiftSettings: settings
    ),

    // A kernel tree's own code, compiled against a shim and asked.
    .target(
      name: "KernelTree",
      dependencies: [
        "CLinux", "DMAModel", "Support",
      ],
      resources: shimFiles.map { .embedInCode("Shim/\($0).in") },
      swiftSettings: settings
    ),

    // Variants that a user describes in YAML.
    .target(
      name: "PolicyFiles",
      dependencies: ["DMAModel", "Support", .product(name: "Yams", package: "Yams")],
      swiftSettings: settings
    ),

    // Measured outcomes against the model.
    .target(name: "Conformance", dependencies: ["DMAModel", "Support"], swiftSettings: settings),

    // What booted kernels did, beside the model.
    .target(
      name: "Observations",
      dependencies: ["Analysis", "BootInputs", "Conformance", "DMAModel", "Support"],
      swiftSettings: settings),

    // A machine as it is: archives, folders and the running system, as typed devices.
    .target(
      name: "HostCapture", dependencies: ["BootInputs", "DMAModel", "Support"],
      swiftSettings: settings),
    // The text of the kernel's DMA tracepoints, as typed events.
    .target(name: "TraceEvents", dependencies: ["Support"], swiftSettings: settings),
    // A captured machine and its traffic, beside the model of that machine.
    .target(
      name: "HostModel",
      dependencies: [
        "BootInputs", "DMAHardware", "DMAModel", "DriverScan", "HostCapture", "Support",
        "TraceEvents",
      ],
      swiftSettings: settings),

    // Machines to boot in QEMU, and the smallest choice among them.
    .target(
      name: "Lab", dependencies: ["DMAModel", "Observations", "Conformance", "Support"],
      swiftSettings: settings),

    // The SQL of schema/ becomes part of the executable.
    .target(
      name: "EmbeddedSchema",
      path: "schema",
      resources: [
        .embedInCode("tables.sql"), .embedInCode("views.sql"), .embedInCode("descriptions.sql"),
        .embedInCode("claims.json"), .embedInCode("observations.sql"),
        .embedInCode("doubts.sql"), .embedInCode("drivers.sql"), .embedInCode("fleet.sql"),
        .embedInCode("history.sql"),
      ]
        + namedQueries.map { .embedInCode("queries/\($0).sql") },
      swiftSettings: settings
    ),
    // The one function of SQLite that Swift cannot call.
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(
      name: "MatrixStore",
      dependencies: [
        "CLinux", "CSQLite", "CZlib", "Conformance", "DMAModel", "DriverScan", "EmbeddedSchema",
        "HostCapture", "HostModel", "Observations", "Support",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: settings
    ),
    // Measurements against baselines in the same run.
    .target(
      name: "Benchmarks",
      dependencies: [
        "DMAModel", "MatrixStore", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: settings
    ),
    .target(
      name: "Reporting",
      dependencies: [
        "Analysis", "DMAModel", "DriverScan", "HostCapture", "HostModel", "MatrixStore",
        "Conformance", "KernelTree", "Observations", "Lab", "Support", "TraceEvents",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings
    ),
    // The matrix as one HTML file.
    .target(
      name: "Explorer",
      dependencies: [
        "Analysis", "DMAModel", "MatrixStore", "Reporting", "Support", "CZlib",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      resources: [
        .embedInCode("Web/explorer.html"), .embedInCode("Web/explorer.css"),
        .embedInCode("Web/dark.css"), .embedInCode("Web/print.css"),
      ]
        + pageScripts.map { .embedInCode("Web/\($0).js") },
      swiftSettings: settings
    ),
    .executableTarget(
      name: "dmamatrix",
      dependencies: [
        "Explorer",
        "Analysis", "BootInputs", "DMAModel", "EmbeddedSchema", "PolicyFiles", "Conformance",
        "MatrixStore", "Observations", "Lab", "Reporting", "KernelTree", "HostCapture",
        "HostModel", "TraceEvents",
        "Benchmarks", "DriverScan", "Support",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings
    ),

    // What the tests share.
    .target(
      name: "TestSupport", dependencies: ["DMAModel"], path: "Tests/Support",
      swiftSettings: settings),
    .testTarget(
      name: "AnalysisTests",
      dependencies: ["Analysis", "DMAModel", "DriverScan", "EmbeddedSchema", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "BootInputsTests",
      dependencies: ["BootInputs", "DMAModel", "Support", "TestSupport"], exclude: ["Formats"],
      swiftSettings: settings),
    .testTarget(
      name: "KernelTreeTests", dependencies: ["Analysis", "DMAModel", "KernelTree", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "PolicyFilesTests", dependencies: ["DMAModel", "PolicyFiles", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ObservationsTests",
      dependencies: ["BootInputs", "Conformance", "DMAModel", "Observations", "Support"],
      resources: [.copy("Logs")], swiftSettings: settings),
    .testTarget(
      name: "LabTests", dependencies: ["DMAModel", "Lab", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "HostModelTests",
      dependencies: [
        "DMAModel", "DriverScan", "HostCapture", "HostModel", "Reporting", "Support",
        "TestSupport", "TraceEvents",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "DriverScanTests", dependencies: ["DMAModel", "DriverScan", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "DMAModelTests", dependencies: ["DMAModel", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "ConformanceTests",
      dependencies: ["Conformance", "DMAModel", "TestSupport"],
      resources: [.copy("Vectors")],
      swiftSettings: settings
    ),
    .testTarget(
      name: "MatrixStoreTests",
      dependencies: [
        "Conformance", "DMAModel", "DriverScan", "EmbeddedSchema", "HostCapture", "HostModel",
        "MatrixStore", "Observations", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: settings
    ),
    // The inputs that fuzzing kept, given to the same targets.
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "Analysis", "BootInputs", "Conformance", "DMAModel", "DriverScan", "HostCapture",
        "HostModel",
        "KernelTree", "MatrixStore", "Observations", "Reporting", "Support", "TraceEvents",
        "PolicyFiles", "CSQLite",
      ],
      resources: [.copy("Seeds")],
      swiftSettings: settings),
    .testTarget(
      name: "ReportingTests",
      dependencies: ["Analysis", "DMAModel", "MatrixStore", "Reporting", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ExplorerTests",
      dependencies: ["DMAModel", "Explorer", "MatrixStore", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "dmamatrix", "DMAModel", "MatrixStore", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: settings
    ),
  ]
)

if isFuzzed {
  package.targets += [
    .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CFuzzer", "Analysis", "BootInputs", "PolicyFiles", "Conformance", "DMAModel",
        "DriverScan",
        "HostCapture", "HostModel", "KernelTree", "Reporting", "Support", "TraceEvents",
        "MatrixStore", "Observations", "CSQLite",
      ],
      path: "Tests/Fuzz/Targets",
      swiftSettings: settings),
  ]
}

if let testTargets {
  /// The names of what a target needs directly.
  func needs(_ target: Target) -> [String] {
    target.dependencies.compactMap { dependency in
      switch dependency {
      case .targetItem(let name, _), .byNameItem(let name, _): name
      default: nil
      }
    }
  }
  var wanted = Set(testTargets.map(String.init))
  var count = 0
  while count < wanted.count {
    count = wanted.count
    for target in package.targets where wanted.contains(target.name) {
      wanted.formUnion(needs(target))
    }
  }
  package.targets.removeAll { !wanted.contains($0.name) }
  package.products = []
}

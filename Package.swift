// swift-tools-version: 6.1

import PackageDescription

// "make fuzz" builds one product more, with instrumentation, in a folder of its own.
let isFuzzed = Context.environment["DMAMATRIX_FUZZ"] != nil

/// Every target is compiled in the Swift 6 language mode.
let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

/// The questions of schema/queries, which become part of the executable.
let namedQueries = [
  "above-256k", "bootline", "cbit-under-force", "coherent-mask",
  "corrupts", "iommu-off", "masks-that-bounce", "noforce-guests",
  "path-not-verdict", "require-coherent-fails", "rules", "sme-bounces",
  "thunderbolt",
]

/// The C files that a kernel tree is compiled against, which become part of the
/// executable; `.in`, because they are not compiled with it.
let shimFiles = [
  "arm64-boot.c", "arm64.h", "base.h", "device.c", "device.h", "heap.c", "host.c", "host.h",
  "iommu.h", "kernel.h", "launcher.c", "memory.c", "memory.h", "platform.h", "ppc64-boot.c",
  "ppc64.h", "request.c", "run.c", "s390-boot.c", "s390.h", "undo.c", "x86-boot.c", "x86.h",
]

let package = Package(
  name: "dmamatrix",
  products: [
    .executable(name: "dmamatrix", targets: ["dmamatrix"]),
    .library(name: "DMAModel", targets: ["DMAModel"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // The pure model. DMAHardware depends on the axes alone: the verdict is
    // computed by code that cannot see a policy.
    .target(name: "DMAAxes", swiftSettings: settings),
    .target(name: "DMAHardware", dependencies: ["DMAAxes"], swiftSettings: settings),
    .target(name: "DMAModel", dependencies: ["DMAAxes", "DMAHardware"], swiftSettings: settings),

    // Work for all CPUs, and what it shares.
    .target(name: "Parallel", swiftSettings: settings),

    // Questions about one or more kernels: compare, explain, check, claims.
    .target(name: "Analysis", dependencies: ["DMAModel", "Parallel"], swiftSettings: settings),

    // A kernel tree's own code, compiled against a shim and asked.
    .target(
      name: "KernelTree",
      dependencies: [
        "DMAModel", "Parallel", .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: shimFiles.map { .embedInCode("Shim/\($0).in") },
      swiftSettings: settings
    ),

    // Variants that a user describes in YAML.
    .target(
      name: "PolicyFiles",
      dependencies: ["DMAModel", .product(name: "Yams", package: "Yams")],
      swiftSettings: settings
    ),

    // Measured outcomes against the model.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Conformance", dependencies: ["DMAModel", "CZlib"], swiftSettings: settings),

    // What booted kernels did, beside the model.
    .target(
      name: "Observations", dependencies: ["Analysis", "Conformance", "DMAModel"],
      swiftSettings: settings),

    // Machines to boot in QEMU, and the smallest choice among them.
    .target(
      name: "Lab", dependencies: ["DMAModel", "Observations", "Conformance"],
      swiftSettings: settings),

    // The SQL of schema/ becomes part of the executable.
    .target(
      name: "EmbeddedSchema",
      path: "schema",
      resources: [
        .embedInCode("tables.sql"), .embedInCode("views.sql"), .embedInCode("descriptions.sql"),
        .embedInCode("claims.json"), .embedInCode("observations.sql"),
      ]
        + namedQueries.map { .embedInCode("queries/\($0).sql") },
      swiftSettings: settings
    ),
    .target(
      name: "MatrixStore",
      dependencies: [
        "Conformance", "DMAModel", "EmbeddedSchema", "Observations", "Parallel",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
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
        "Analysis", "DMAModel", "MatrixStore", "Conformance", "Observations", "Lab", "Parallel",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings
    ),
    // The matrix as one HTML file.
    .target(
      name: "Explorer",
      dependencies: [
        "Analysis", "DMAModel", "MatrixStore", "Parallel", "CZlib",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [
        .embedInCode("Web/explorer.html"), .embedInCode("Web/explorer.css"),
        .embedInCode("Web/explorer.js"), .embedInCode("Web/state.js"),
        .embedInCode("Web/data.js"),
      ],
      swiftSettings: settings
    ),
    .executableTarget(
      name: "dmamatrix",
      dependencies: [
        "Explorer",
        "Analysis", "DMAModel", "EmbeddedSchema", "PolicyFiles", "Conformance", "MatrixStore",
        "Observations", "Lab", "Reporting", "KernelTree",
        "Benchmarks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings
    ),

    // What the tests share.
    .target(name: "TestSupport", path: "Tests/Support", swiftSettings: settings),
    .testTarget(
      name: "AnalysisTests", dependencies: ["Analysis", "DMAModel", "EmbeddedSchema"],
      swiftSettings: settings),
    .testTarget(
      name: "KernelTreeTests", dependencies: ["Analysis", "DMAModel", "KernelTree", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "PolicyFilesTests", dependencies: ["DMAModel", "PolicyFiles"], swiftSettings: settings),
    .testTarget(
      name: "ObservationsTests", dependencies: ["Conformance", "DMAModel", "Observations"],
      resources: [.copy("Logs")], swiftSettings: settings),
    .testTarget(
      name: "LabTests", dependencies: ["DMAModel", "Lab", "TestSupport"],
      swiftSettings: settings),
    .testTarget(name: "DMAModelTests", dependencies: ["DMAModel"], swiftSettings: settings),
    .testTarget(
      name: "ConformanceTests",
      dependencies: ["Conformance", "DMAModel", "TestSupport"],
      resources: [.copy("Vectors")],
      swiftSettings: settings
    ),
    .testTarget(
      name: "MatrixStoreTests",
      dependencies: [
        "Conformance", "DMAModel", "EmbeddedSchema", "MatrixStore", "Observations", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: settings
    ),
    // The inputs that fuzzing kept, given to the same targets.
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "Analysis", "Conformance", "DMAModel", "KernelTree", "MatrixStore", "Observations",
        "PolicyFiles",
      ],
      resources: [.copy("Seeds")],
      swiftSettings: settings),
    .testTarget(
      name: "ReportingTests",
      dependencies: ["DMAModel", "MatrixStore", "Reporting", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "dmamatrix", "TestSupport", .product(name: "GRDB", package: "GRDB.swift"),
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
        "CFuzzer", "Analysis", "PolicyFiles", "Conformance", "DMAModel", "KernelTree",
        "MatrixStore", "Observations",
      ],
      path: "Tests/Fuzz/Targets",
      swiftSettings: settings),
  ]
}

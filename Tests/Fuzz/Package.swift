// swift-tools-version: 6.1

// Fuzz targets for the parsers: a package of its own, so that the product is built
// without instrumentation. Modules and schema are links to the product's sources.

import PackageDescription

let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Modules/\(name)", resources: resources,
    // The targets call what is internal.
    swiftSettings: settings + [.unsafeFlags(["-enable-testing"])])
}

let shimFiles = [
  "arm64-boot.c", "arm64.h", "base.h", "device.c", "device.h", "heap.c", "host.c", "host.h",
  "iommu.h", "kernel.h", "launcher.c", "memory.c", "memory.h", "platform.h", "ppc64-boot.c",
  "ppc64.h", "request.c", "run.c", "s390-boot.c", "s390.h", "undo.c", "x86-boot.c", "x86.h",
]

let namedQueries = [
  "above-256k", "bootline", "cbit-under-force", "coherent-mask",
  "corrupts", "iommu-off", "masks-that-bounce", "noforce-guests",
  "path-not-verdict", "require-coherent-fails", "rules", "sme-bounces",
  "thunderbolt",
]

let package = Package(
  name: "fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    module("DMAAxes"),
    module("DMAHardware", ["DMAAxes"]),
    module("DMAModel", ["DMAAxes", "DMAHardware"]),
    module("Analysis", ["DMAModel"]),
    module(
      "KernelTree", ["DMAModel", .product(name: "Crypto", package: "swift-crypto")],
      resources: shimFiles.map { .embedInCode("Shim/\($0).in") }),
    module("Observations", ["Analysis", "Conformance", "DMAModel"]),
    module("PolicyFiles", ["DMAModel", .product(name: "Yams", package: "Yams")]),
    .systemLibrary(name: "CZlib", path: "Modules/CZlib", pkgConfig: "zlib"),
    module("Conformance", ["DMAModel", "CZlib"]),
    .target(
      name: "EmbeddedSchema",
      path: "schema",
      resources: [
        .embedInCode("tables.sql"), .embedInCode("views.sql"), .embedInCode("descriptions.sql"),
        .embedInCode("claims.json"), .embedInCode("observations.sql"),
      ] + namedQueries.map { .embedInCode("queries/\($0).sql") },
      swiftSettings: settings
    ),
    module(
      "MatrixStore",
      [
        "Conformance", "DMAModel", "EmbeddedSchema", "Observations",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .target(name: "CFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CFuzzer", "Analysis", "PolicyFiles", "Conformance", "KernelTree", "MatrixStore",
        "Observations",
      ],
      swiftSettings: settings,
      // gold fails on libFuzzer's debug information.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]
    ),
  ]
)

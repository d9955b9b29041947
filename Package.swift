// swift-tools-version: 6.1
import PackageDescription
let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]
let package = Package(
  name: "dmamatrix",
  targets: [
    .target(name: "DMAAxes", swiftSettings: settings),
    .target(name: "DMAHardware", dependencies: ["DMAAxes"], swiftSettings: settings),
    .target(name: "DMAModel", dependencies: ["DMAAxes", "DMAHardware"], swiftSettings: settings),
  ])

// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "clm-replay",
  products: [
    .library(name: "EventStore", targets: ["EventStore"]),
    .library(name: "Projections", targets: ["Projections"]),
    .library(name: "CEL", targets: ["CEL"]),
    .executable(name: "clm-replay", targets: ["clm-replay"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
  ],
  targets: [
    .systemLibrary(
      name: "CLMDB", pkgConfig: "lmdb",
      providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .systemLibrary(
      name: "CLibcrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .target(name: "CProcessor"),
    .target(name: "CEL"),
    .target(
      name: "EventStore",
      dependencies: [
        "CLMDB", "CLibcrypto", "CProcessor", "CZlib",
      ]),
    .target(
      name: "Projections",
      dependencies: ["CEL", "EventStore", .product(name: "Yams", package: "Yams")]),
    .executableTarget(
      name: "clm-replay",
      dependencies: [
        "CEL", "CSQLite", "EventStore", "Projections",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Mustache", package: "swift-mustache"),
      ]),
    .testTarget(name: "CELTests", dependencies: ["CEL"]),
    .testTarget(name: "EventStoreTests", dependencies: ["EventStore"]),
    .testTarget(name: "ProjectionsTests", dependencies: ["Projections", "EventStore", "CEL"]),
    .testTarget(name: "CommandTests", dependencies: ["clm-replay"]),
  ],
  swiftLanguageModes: [.v6]
)

// The same rules for every Swift target: memory safety is explicit (SE-0458) and a warning is an
// error. `Lifetimes` lets a span borrow the transaction that it came from.
for target in package.targets where target.type != .system && target.name != "CProcessor" {
  target.swiftSettings = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}

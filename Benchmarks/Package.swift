// swift-tools-version: 6.2
import PackageDescription

// What `make bench` measures the store with; a package of its own, so that no other build has to make it.
let package = Package(
  name: "benchmarks",
  products: [.executable(name: "store-benchmark", targets: ["store-benchmark"])],
  dependencies: [.package(name: "clm-replay", path: "..")],
  targets: [
    .executableTarget(
      name: "store-benchmark", dependencies: [.product(name: "EventStore", package: "clm-replay")],
      path: "Store",
      swiftSettings: [
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        .enableExperimentalFeature("Lifetimes"),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ])
  ],
  swiftLanguageModes: [.v6]
)

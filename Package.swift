// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  // Regular expressions of the standard library are not used; linked in, they are a third of the
  // program, and each generic type that is made at start searches their conformances as well.
  .unsafeFlags([
    "-Xfrontend", "-disable-implicit-string-processing-module-import",
    "-Xfrontend", "-disable-implicit-concurrency-module-import",
  ]),
]

let package = Package(
  name: "anchorhold",
  products: [.executable(name: "anchorhold", targets: ["anchorhold"])],
  targets: [
    .target(name: "CLinux", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .target(name: "CProbe", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .systemLibrary(
      name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
      name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
    .target(name: "Linux", dependencies: ["CLinux", "CProbe"], swiftSettings: strict),
    .target(name: "Profile", dependencies: ["CYAML", "Schema"], swiftSettings: strict),
    .target(name: "Wire", swiftSettings: strict),
    .target(name: "Schema", dependencies: ["Wire"], swiftSettings: strict),
    .target(name: "Policy", dependencies: ["Wire", "Schema", "Profile"], swiftSettings: strict),
    .target(
      name: "Confinement", dependencies: ["Linux", "Profile", "CSeccomp"],
      swiftSettings: strict),
    .target(name: "Audit", dependencies: ["Linux", "Wire", "CNettle"], swiftSettings: strict),
    .target(
      name: "Session",
      dependencies: ["Linux", "Profile", "Wire", "Policy", "Confinement", "Audit"],
      swiftSettings: strict),
    .executableTarget(
      name: "anchorhold",
      dependencies: [
        "Linux", "Profile", "Wire", "Policy", "Confinement", "Audit", "Session",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "bench-schema", dependencies: ["Schema", "Wire"], path: "Benchmarks/schema"),
    .executableTarget(
      name: "bench-call", dependencies: ["Audit", "Policy", "Profile", "Wire"],
      path: "Benchmarks/call"),
    .executableTarget(name: "bench-decode", dependencies: ["Wire"], path: "Benchmarks/decode"),
    .target(name: "Generators", path: "Tests/Generators"),
    .executableTarget(
      name: "properties", dependencies: ["Generators", "Wire", "Policy", "Profile"],
      path: "Tests/Properties"),
    .testTarget(name: "WireTests", dependencies: ["Wire", "Generators"]),
    .testTarget(name: "SchemaTests", dependencies: ["Schema", "Wire", "Generators"]),
    .testTarget(name: "ProfileTests", dependencies: ["Profile"]),
    .testTarget(
      name: "PolicyTests", dependencies: ["Policy", "Wire", "Profile", "Audit", "Generators"]),
    .testTarget(name: "LinuxTests", dependencies: ["Linux"]),
    .testTarget(
      name: "ConfinementTests", dependencies: ["CLinux", "Confinement", "Linux", "Profile"]),
    .testTarget(name: "AuditTests", dependencies: ["Audit", "Wire", "Linux"]),
    .testTarget(
      name: "SessionTests", dependencies: ["Session", "Linux", "Profile", "Policy", "Wire"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu11
)

// swift-tools-version: 6.2
// Targets stand in the order of the architecture: an arrow only ever points to a target above.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// Tests are compiled for speed of the compiler, also in a release build: what they call is what
// takes the time.
let tests = strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

// What only kurad needs: without this trait neither Hummingbird nor BoringSSL is fetched or built.
let ifServer: TargetDependencyCondition? = .when(traits: ["Server"])

let package = Package(
    name: "kura",
    products: [
        .executable(name: "kura", targets: ["kura"]),
        .library(name: "KuraBench", targets: ["KuraBench"]),
        .library(name: "KuraCodec", targets: ["KuraCodec"]),
        .library(name: "KuraFormat", targets: ["KuraFormat"]),
        .library(name: "KuraIO", targets: ["KuraIO"]),
        .library(name: "KuraReplicas", targets: ["KuraReplicas"]),
        .library(name: "KuraS3", targets: ["KuraS3"]),
        .library(name: "KuraStore", targets: ["KuraStore"]),
        .executable(name: "kurad", targets: ["kurad"]),
    ],
    traits: [
        .trait(
            name: "Server",
            description: "Build kurad, the server with the portal. Takes minutes of BoringSSL.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
    ],
    targets: [
        // The C world: system libraries, and what Swift cannot call by itself.
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "CKernels"),
        .target(name: "CLinux"),

        // Every on-disk structure: FORMAT.md in Swift. No I/O, no threads, no Foundation.
        .target(name: "KuraFormat", swiftSettings: strict),

        // Bytes in, bytes out: chunk boundaries, hashing, compression.
        .target(
            name: "KuraCodec", dependencies: ["CCrypto", "CKernels", "CZstd", "KuraFormat"],
            swiftSettings: strict),

        // Keys: who may write the log of a vault, as signatures, files and printed sheets.
        .target(name: "KuraSeal", dependencies: ["CCrypto", "KuraFormat"], swiftSettings: strict),

        // Files, durability, locks, threads.
        .target(
            name: "KuraIO",
            dependencies: [
                "CLinux", "KuraFormat", .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // Disks that a server gives over a socket.
        .target(
            name: "KuraNBD",
            dependencies: ["KuraIO", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: strict),

        // Disks in the formats of other programs: told apart, checked, and read.
        .target(
            name: "KuraImages",
            dependencies: [
                "CLinux", "KuraIO", "KuraNBD",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // One replica of a region: its objects, whatever keeps them.
        .target(
            name: "KuraReplicas",
            dependencies: [
                "KuraCodec", "KuraFormat", "KuraIO",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // The log of one vault: reading its chain, deciding its next record, what its records say.
        .target(
            name: "KuraLog", dependencies: ["KuraFormat", "KuraIO", "KuraReplicas", "KuraSeal"],
            swiftSettings: strict),

        // A replica in a bucket: an S3 client of its own, and the store on it.
        .target(
            name: "KuraS3",
            dependencies: [
                "CCrypto", "CCurl", "CLinux", "KuraCodec", "KuraFormat", "KuraIO", "KuraReplicas",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // One vault in one region: ingest, restore, verify; packs, index, manifests.
        .target(
            name: "KuraStore",
            dependencies: [
                "KuraCodec", "KuraFormat", "KuraIO", "KuraLog", "KuraReplicas", "KuraSeal",
            ],
            swiftSettings: strict),

        // How fast the engine is, beside what the machine could do at most.
        .target(
            name: "KuraBench",
            dependencies: [
                "KuraCodec", "KuraFormat", "KuraIO", "KuraReplicas", "KuraStore",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // One vault in two regions: what is missing on one side, and how it gets there.
        .target(
            name: "KuraReplication",
            dependencies: ["KuraFormat", "KuraIO", "KuraReplicas", "KuraStore"],
            swiftSettings: strict),

        // When backups are made, and which points stay: pure functions of policy and time.
        .target(name: "KuraPolicy", swiftSettings: strict),

        // Virtual machines: where they are, what their agent allows, how they come to rest.
        .target(
            name: "KuraMachines",
            dependencies: [
                "CLinux", "KuraIO", "KuraImages",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // The subscription: home, regions, vaults, recovery points by name.
        .target(
            name: "KuraVault",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraMachines", "KuraPolicy", "KuraReplicas",
                "KuraReplication", "KuraStore", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // Each operation once: from a request to a report, for every caller.
        .target(
            name: "KuraOperations",
            dependencies: [
                "KuraCodec", "KuraFormat", "KuraIO", "KuraImages", "KuraMachines", "KuraNBD",
                "KuraPolicy", "KuraReplicas", "KuraReplication", "KuraStore", "KuraVault",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // The pages of the portal: pure functions from what is shown to HTML. No sockets, no home.
        .target(
            name: "KuraPortal", dependencies: ["KuraIO", "KuraPolicy"], swiftSettings: strict),

        // What kurad does for its clients, from a request to an answer: accounts, sessions, jobs
        // on threads, the schedule. No sockets.
        .target(
            name: "KuraService",
            dependencies: [
                "CCrypto", "KuraFormat", "KuraIO", "KuraMachines", "KuraOperations", "KuraPolicy",
                "KuraPortal", "KuraVault", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // The command line: parse, render, exit codes.
        .target(
            name: "KuraCLI",
            dependencies: [
                "CLinux", "KuraBench", "KuraFormat", "KuraIO", "KuraImages", "KuraMachines",
                "KuraOperations", "KuraPolicy", "KuraVault",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "kura", dependencies: ["KuraCLI"], swiftSettings: strict),

        // The sockets of kurad, and its commands. Empty without the trait Server.
        .target(
            name: "KuraHTTP",
            dependencies: [
                "KuraPortal", "KuraService",
                .product(name: "HTTPTypes", package: "swift-http-types", condition: ifServer),
                .product(name: "Hummingbird", package: "hummingbird", condition: ifServer),
                .product(name: "HummingbirdCore", package: "hummingbird", condition: ifServer),
                .product(name: "HummingbirdTLS", package: "hummingbird", condition: ifServer),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio", condition: ifServer),
                .product(name: "NIOPosix", package: "swift-nio", condition: ifServer),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: ifServer),
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle",
                    condition: ifServer),
                .product(
                    name: "UnixSignals", package: "swift-service-lifecycle", condition: ifServer),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "kurad",
            dependencies: [
                "KuraHTTP", "KuraIO", "KuraPortal", "KuraService",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // Tests. A disk in memory that loses what was not flushed when power fails.
        .target(
            name: "Simulation",
            dependencies: [
                "KuraIO", .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/Simulation", swiftSettings: strict),
        // What several tests need: seeded property runs, synthetic disks, file systems that fail.
        .target(
            name: "TestSupport",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraReplicas", "KuraStore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/Support", swiftSettings: strict),
        // Power cuts at every system call, on a simulated disk: run by Tools/crash-sweep.
        .executableTarget(
            name: "crash-sweep",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraReplication", "KuraStore", "Simulation", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/CrashSweep", swiftSettings: strict),
        // The protocol between writers as a machine of small steps: run by Tools/log-model.
        .target(name: "LogModel", path: "Tests/LogModel/Model", swiftSettings: strict),
        .executableTarget(
            name: "log-model", dependencies: ["LogModel"], path: "Tests/LogModel/Command",
            swiftSettings: strict),
        .testTarget(name: "LogModelTests", dependencies: ["LogModel"], swiftSettings: tests),
        // Every decoder of bytes from a disk, as Tools/fuzz and the test of its corpus run them.
        .target(
            name: "HostileBytes",
            dependencies: [
                "KuraCodec", "KuraFormat", "KuraIO", "KuraImages", "KuraMachines", "KuraNBD",
                "KuraPolicy",
            ],
            path: "Tests/Fuzzing/HostileBytes", swiftSettings: strict),
        .testTarget(
            name: "FuzzingTests",
            dependencies: [
                "HostileBytes", "KuraIO", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraFormatTests", dependencies: ["KuraFormat", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "KuraCodecTests", dependencies: ["KuraCodec", "KuraFormat", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "KuraSealTests", dependencies: ["KuraFormat", "KuraSeal", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "KuraIOTests",
            dependencies: [
                "KuraIO", "Simulation", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraNBDTests",
            dependencies: [
                "KuraIO", "KuraNBD", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraImagesTests",
            dependencies: [
                "CLinux", "KuraIO", "KuraImages", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraBenchTests",
            dependencies: [
                "KuraBench", "KuraCodec", "KuraFormat", "KuraIO", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        // A server of S3 in the process of a test, which goes wrong on request.
        .target(
            name: "ScriptedServer", dependencies: ["CCrypto", "KuraCodec", "KuraFormat", "KuraIO"],
            path: "Tests/ScriptedServer", swiftSettings: strict),
        .testTarget(
            name: "KuraS3Tests",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraReplicas", "KuraS3", "ScriptedServer", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        // What every store keeps to, run on each.
        .testTarget(
            name: "StoreContractTests",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraReplicas", "KuraS3", "ScriptedServer", "Simulation",
                "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraLogTests",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraLog", "KuraReplicas", "KuraSeal", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraStoreTests",
            dependencies: [
                "KuraBench", "KuraCodec", "KuraFormat", "KuraIO", "KuraLog", "KuraReplicas",
                "KuraSeal", "KuraStore", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraReplicationTests",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraReplication", "KuraStore", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraPolicyTests", dependencies: ["KuraPolicy", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "KuraVaultTests",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraPolicy", "KuraStore", "KuraVault", "Simulation",
                "TestSupport",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraOperationsTests",
            dependencies: [
                "KuraFormat", "KuraIO", "KuraImages", "KuraMachines", "KuraOperations",
                "KuraPolicy", "KuraReplication", "KuraStore", "KuraVault", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraPortalTests",
            dependencies: ["KuraIO", "KuraPolicy", "KuraPortal"],
            swiftSettings: tests),
        .testTarget(
            name: "KuraServiceTests",
            dependencies: [
                "KuraIO", "KuraOperations", "KuraPortal", "KuraService", "KuraVault", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "KuraCLITests",
            dependencies: [
                "KuraCLI", "KuraIO",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "kura", "KuraFormat", "KuraIO", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: tests),
    ]
)

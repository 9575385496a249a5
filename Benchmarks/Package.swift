// swift-tools-version: 6.2
// A package of its own, so that a build of Kura does not build the benchmark harness, too.
import PackageDescription

let package = Package(
    name: "kura-benchmarks",
    dependencies: [
        .package(name: "kura", path: ".."),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Kernels",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "KuraCodec", package: "kura"),
                .product(name: "KuraFormat", package: "kura"),
            ],
            path: "Benchmarks/Kernels",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
        // Grows an index to 10^8 chunks and measures it.
        .executableTarget(
            name: "index-scale",
            dependencies: [
                .product(name: "KuraBench", package: "kura"),
                .product(name: "KuraFormat", package: "kura"),
                .product(name: "KuraReplicas", package: "kura"),
                .product(name: "KuraStore", package: "kura"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Benchmarks/IndexScale"),
        // Writes to a bucket and reads from it, for Tools/store-rates.
        .executableTarget(
            name: "store-rates",
            dependencies: [
                .product(name: "KuraFormat", package: "kura"),
                .product(name: "KuraIO", package: "kura"),
                .product(name: "KuraReplicas", package: "kura"),
                .product(name: "KuraS3", package: "kura"),
            ],
            path: "Benchmarks/StoreRates"),
        // What Tools/bench-guard counts the instructions of, and compares the speed of.
        .executableTarget(
            name: "guard-kernels",
            dependencies: [
                .product(name: "KuraBench", package: "kura"),
                .product(name: "KuraCodec", package: "kura"),
                .product(name: "KuraFormat", package: "kura"),
                .product(name: "KuraIO", package: "kura"),
                .product(name: "KuraReplicas", package: "kura"),
                .product(name: "KuraStore", package: "kura"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Benchmarks/Guard"),
    ]
)

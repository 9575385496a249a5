// swift-tools-version: 6.2
// A package of its own, so that whoever builds Kura does not build the benchmark harness.
import PackageDescription

let package = Package(
    name: "kura-benchmarks",
    dependencies: [
        .package(name: "kura", path: ".."),
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
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ]
)

// swift-tools-version: 6.2
import PackageDescription

/// One set of compiler settings for every Swift target: Swift 6 mode, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A room of the program: `docs/architecture.md` says what each owns; arrows go down that page only.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil, exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "devdb",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "dev", targets: ["dev"]),
        .executable(name: "devd", targets: ["devd"]),
    ],
    targets: [
        // C libraries that Debian and Homebrew both carry.
        .systemLibrary(
            name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(
            name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        // What Swift cannot express: GNU extensions, variadics, a C++ header.
        .target(name: "CPosix"),
        .target(name: "CToml", cxxSettings: [.define("TOML_EXCEPTIONS", to: "0")]),

        room("Basics"),
        room("PostgresWire", ["Basics", "COpenSSL"]),
        room("HTTPWire", ["Basics"]),
        room("Loop", ["Basics", "CUV", "CPosix"]),
        room("Files", ["Basics", "CPosix"]),
        room("Registry", ["Basics", "Files", "CSQLite"]),
        // libpq by dlopen: only its header comes from the package.
        .target(name: "CLibpqOnDemand", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        room("PostgresSession", ["Basics", "Loop", "CLibpqOnDemand"]),
        // The profiles of server settings, as they lie in templates/, embedded in the program.
        .target(
            name: "Profiles", path: "templates/profiles",
            resources: [.embedInCode("durable.conf"), .embedInCode("ephemeral.conf")], swiftSettings: strict),
        room(
            "InstanceManager",
            ["Basics", "Loop", "Files", "Registry", "PostgresWire", "HandoffImage", "CPosix", "Profiles"]),
        // The hand-off library, compiled from Sources/CHandoff (which is no target: it must not be linked into us).
        .plugin(name: "EmbedHandoff", capability: .buildTool()),
        .target(name: "HandoffImage", swiftSettings: strict, plugins: ["EmbedHandoff"]),
        room("Front", ["Basics", "Loop", "PostgresWire", "HandoffImage", "Registry", "InstanceManager", "CPosix"]),
        room("HTTPShim", ["Basics", "Loop", "PostgresSession", "HTTPWire", "InstanceManager", "Registry"]),
        room("DevAPI", ["Basics", "HTTPWire"]),
        room("CommandLine", ["Basics"]),
        room(
            "DevServer",
            [
                "Basics", "Loop", "Files", "Registry", "InstanceManager", "Front", "HTTPShim", "HTTPWire", "DevAPI", "HandoffImage",
                "CToml", "CPosix",
            ]),
        .executableTarget(name: "devd", dependencies: ["DevServer"], swiftSettings: strict),
        room("DevCommands", ["Basics", "DevAPI", "HTTPWire", "CommandLine"]),
        // No loader, no libraries to look up: a third of what a command takes. lld, since gold warns of glibc's functions that
        // want its shared libraries (names of users), which dev never calls.
        .executableTarget(
            name: "dev", dependencies: ["DevCommands"], swiftSettings: strict,
            linkerSettings: [
                .unsafeFlags(["-static-executable", "-use-ld=lld"], .when(platforms: [.linux], configuration: .release))
            ]),

        // Throw-away servers and child processes for all tests; no product.
        .target(name: "TestSupport", dependencies: ["CPosix"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "WireTestSupport", dependencies: ["PostgresWire", "HTTPWire"], path: "Tests/WireTestSupport",
            swiftSettings: strict),
        tests("PostgresWireTests", ["Basics", "PostgresWire", "WireTestSupport", "TestSupport"]),
        tests("HTTPWireTests", ["HTTPWire", "WireTestSupport"]),
        tests("BasicsTests", ["Basics"]),
        tests(
            "IntegrationTests", ["TestSupport", "CLibpq"],
            exclude: [
                "Clients/accelerate.mjs", "Clients/drivers.mjs", "Clients/oracle.mjs", "Clients/program.mjs", "Clients/stops.mjs",
                "Clients/vectors.mjs",
            ]),
        tests("FrontTests", ["Basics", "Front", "HandoffImage", "Loop", "PostgresWire", "InstanceManager", "Registry", "TestSupport"]),
        tests("LoopTests", ["Basics", "Loop", "CPosix"]),
        .target(
            name: "ControlTestSupport", dependencies: ["Basics", "DevAPI"], path: "Tests/ControlTestSupport", swiftSettings: strict),
        tests("CommandLineTests", ["CommandLine"]),
        // `dev` itself is run by its tests.
        tests(
            "DevCommandsTests", ["Basics", "DevAPI", "CommandLine", "DevCommands", "ControlTestSupport", "dev"],
            exclude: ["Snapshots"]),
        tests("DevAPITests", ["Basics", "DevAPI", "ControlTestSupport"], exclude: ["fake-devd.sh"]),
        tests("FilesTests", ["Basics", "Files"]),
        tests("DevServerTests", ["Basics", "Loop", "HTTPShim", "HTTPWire", "DevAPI", "DevServer", "TestSupport"]),
        tests("HTTPShimTests", ["Basics", "Loop", "HTTPShim", "HTTPWire", "PostgresSession", "WireTestSupport"]),
        tests("RegistryTests", ["Basics", "Files", "Registry"]),
        tests(
            "InstanceManagerTests",
            ["TestSupport", "InstanceManager", "HandoffImage", "Basics", "Loop", "Files", "Registry", "PostgresSession", "Profiles"]),
        tests("PostgresSessionTests", ["Basics", "Loop", "PostgresSession", "TestSupport"]),
    ],
    cLanguageStandard: .gnu11,
    cxxLanguageStandard: .gnucxx17
)

import Foundation
import PackagePlugin

/// Compiles the hand-off library (Sources/CHandoff) with the toolchain's clang and turns the result into a Swift file
/// of `HandoffImage`, so that `devd` carries it: it is a library of its own because it is loaded into PostgreSQL, and
/// must never be linked into us, where it would replace `accept` and `recv`.
@main struct EmbedHandoff: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let sources = context.package.directoryURL.appending(path: "Sources/CHandoff")
        let source = sources.appending(path: "handoff.c")
        let script = sources.appending(path: "embed.sh")
        let output = context.pluginWorkDirectoryURL.appending(path: "HandoffLibrary+Image.swift")
        let clang = try context.tool(named: "clang").url
        return [
            .buildCommand(
                displayName: "Embedding the hand-off library", executable: URL(filePath: "/bin/sh"),
                arguments: [
                    script.path(percentEncoded: false), clang.path(percentEncoded: false), source.path(percentEncoded: false),
                    output.path(percentEncoded: false),
                ],
                inputFiles: [source, script], outputFiles: [output])
        ]
    }
}

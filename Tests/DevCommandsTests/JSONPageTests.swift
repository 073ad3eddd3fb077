import Basics
import ControlTestSupport
import DevAPI
import Foundation
import Testing

@testable import DevCommands

/// docs/json.md against what the commands print.
@Suite struct JSONPageTests {
    private let page: [String: [String: String]]

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/json.md")
        var page: [String: [String: String]] = [:]
        var title = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("## ") { title = String(line.dropFirst(3)) }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if line.hasPrefix("| `"), cells.count >= 2, !title.isEmpty {
                page[title, default: [:]][cells[0].trimmingCharacters(in: ["`"])] = cells[1]
            }
        }
        self.page = page
    }

    private func check(_ title: String, _ full: String, _ sparse: String? = nil, hasNulls: Bool = false) throws {
        let documented = try #require(page[title])
        for (text, isFull) in [(full, true)] + (sparse.map { [($0, false)] } ?? []) {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(Set(object.keys) == Set(documented.keys))
            for (key, value) in object {
                let type = documented[key] ?? ""
                let actual = name(value)
                #expect(
                    type.split(separator: " or ").contains { $0 == actual || ($0.hasPrefix("array of") && actual == "array") },
                    "\(title).\(key)")
                if isFull { #expect(actual != "null", "\(title).\(key)") }
            }
        }
        // What may be null has been seen to be.
        if let sparse {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(sparse.utf8)) as? [String: Any])
            for (key, type) in documented where type.hasSuffix("or null") { #expect(name(object[key] as Any) == "null", "\(title).\(key)") }
        } else if !hasNulls {
            #expect(!documented.values.contains { $0.hasSuffix("or null") })
        }
    }

    private func name(_ value: Any) -> String {
        switch value {
        case is NSNull: "null"
        case is String: "string"
        case is [Any]: "array"
        case let number as NSNumber:
            number === (true as NSNumber) || number === (false as NSNumber) || value is Bool && "\(value)".count > 3 ? "boolean" : "number"
        default: "object"
        }
    }

    private static let cache = CacheFacts(entries: 1, bytes: 2, capacity: 3, hits: 4, stale: 5, misses: 6)

    @Test func `Instance`() throws {
        var full = Samples.instance(bin: "/bin")
        full.frontReason = "x"
        full.reason = "x"
        full.cache = Self.cache
        full.limits = ["queryTimeout": "10s"]
        full.chaos = ["fail": "10%"]
        try check("Cache", JSONText.compact(Self.cache))
        var sparse = Samples.instance(state: .stopped)
        sparse.project = nil
        try check("Instance", JSONText.compact(full), JSONText.compact(sparse))
    }

    @Test func `Daemon, diagnosis and configuration`() throws {
        var daemon = Samples.daemon
        let sparse = try JSONText.compact(daemon)
        daemon.runsServersAs = "postgres"
        daemon.httpPortReason = "x"
        try check("Daemon", JSONText.compact(daemon), sparse)
        try check("Diagnosis", JSONText.compact(Samples.doctor))
        try check("Configuration", JSONText.compact(Samples.config))
        try check("Entry", JSONText.compact(Samples.config.entries[0]))
        var toolchain = Samples.doctor.toolchains[0]
        let working = try JSONText.compact(toolchain)
        toolchain.problem = "below 13"
        try check("Toolchain", JSONText.compact(toolchain), working)
        var item = Samples.doctor.checks[0]
        let fine = try JSONText.compact(item)
        item.help = "x"
        try check("Check", JSONText.compact(item), fine)
    }

    @Test func `URL, variables and version as the commands print them`() throws {
        var instance = Samples.instance()
        instance.cache = Self.cache
        instance.limits = ["queryTimeout": "10s"]
        instance.chaos = ["fail": "10%"]
        let stage = try Stage(instance)
        defer { stage.close() }
        stage.run("url", "--json")
        try check("URL", stage.output)
        stage.run("url", "--serverless")
        try check("Transport configuration", stage.output)
        stage.run("version", "--json")
        try check("Version", stage.output)
        stage.run("env", "--json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(stage.output.utf8)) as? [String: String])
        #expect(Set(object.keys) == Set(Variables.of(Samples.instance()).map(\.key)))
        stage.run("up", "--json")
        try check("Instance", stage.output.replacingOccurrences(of: ": null", with: ": \"x\""), hasNulls: true)
    }

    @Test func `Errors`() throws {
        try check(
            "Errors", JSONText.compact(DevError(.failed, "m", object: "o", cause: "c", help: "h")),
            JSONText.compact(DevError(.failed, "m", object: "o")))
        let text = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/json.md"), encoding: .utf8)
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 2, let status = Int32(cells[0]) else { continue }
            for code in cells[1].split(separator: "`").enumerated().filter({ $0.offset % 2 == (cells[1].hasPrefix("`") ? 0 : 1) }).map(
                \.element)
            {
                #expect(DevErrorCode(rawValue: String(code)).exitStatus == status, "\(code)")
            }
        }
    }
}

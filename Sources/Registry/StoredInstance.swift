internal import Basics

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Values in text columns.
enum JSONText {
    static func encode(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Strings, lists and dictionaries of them, finite numbers: none of them can fail.
        guard let data = try? encoder.encode(value) else { return "null" }
        return String(decoding: data, as: UTF8.self)
    }

    static func decode<T: Decodable>(_ text: String, _ path: String) throws(DevError) -> T {
        do { return try JSONDecoder().decode(T.self, from: Data(text.utf8)) } catch {
            throw RegistryError.corrupt(path, cause: "a value is not the JSON it should be")
        }
    }
}

/// An instance in the trash, as JSON. Its own type, since `Secret` is not Codable on purpose; fields that later
/// versions add are optional here.
struct StoredInstance: Codable {
    var id, name, pgVersion, pgBin, profile, idle, password: String
    var passwordIsGenerated: Bool?
    var verifier: String?
    var verifierExpires: Double?
    var roles: [String]
    var verifierFresh: Bool
    var mainDatabase: String
    var settings: [String: String]
    var http: [String: String]?
    var sources: [String: String]?
    var extensions: [String]
    var front: String
    var project: String?
    var createdAt: Double
    /// Kind → port.
    var ports: [String: UInt16]
    var brokenReason: String?

    init(_ record: InstanceRecord) {
        id = record.id
        name = record.name.text
        pgVersion = record.pgVersion
        pgBin = record.pgBin
        profile = record.profile
        idle = record.idle.text
        password = record.password.reveal()
        passwordIsGenerated = record.passwordIsGenerated
        verifier = record.verifier?.reveal()
        verifierExpires = record.verifierExpires
        roles = record.roles
        verifierFresh = record.verifierFresh
        mainDatabase = record.mainDatabase
        settings = record.settings
        http = record.http
        sources = record.sources
        extensions = record.extensions
        front = record.front
        project = record.project
        createdAt = record.createdAt
        ports = Dictionary(record.ports.map { ($0.kind.rawValue, $0.port) }, uniquingKeysWith: { first, _ in first })
        brokenReason = record.brokenReason
    }

    /// nil when a field makes no sense.
    var record: InstanceRecord? {
        guard let name = try? InstanceName(name), let idle = IdleLimit(idle) else { return nil }
        return InstanceRecord(
            id: id, name: name, pgVersion: pgVersion, pgBin: pgBin, profile: profile, idle: idle, password: Secret(password),
            passwordIsGenerated: passwordIsGenerated ?? false,
            verifier: verifier.map { Secret($0) }, verifierExpires: verifierExpires, roles: roles, verifierFresh: verifierFresh,
            mainDatabase: mainDatabase,
            settings: settings, http: http ?? [:], sources: sources ?? [:], extensions: extensions, front: front, project: project,
            createdAt: createdAt,
            ports: PortRecord.Kind.allCases.compactMap { kind in ports[kind.rawValue].map { PortRecord(kind: kind, port: $0) } },
            brokenReason: brokenReason)
    }
}

/// The result structure of a dataMap, from JSON.
enum ResultMapDecoder {
    /// nil for what is no structure.
    static func structure(_ json: JSON?) -> Structure? {
        guard let json else { return nil }
        switch json["type"]?.string {
        case "affectedRows": return .affectedRows
        case "object":
            guard let members = json["fields"]?.members else { return nil }
            var fields: [(name: String, structure: Structure)] = []
            for member in members {
                guard let structure = structure(member.value, name: member.key) else { return nil }
                fields.append((member.key, structure))
            }
            return .object(
                ObjectStructure(
                    serializedName: json["serializedName"]?.string, skipsNulls: json["skipNulls"]?.bool ?? false, fields: fields,
                    source: json))
        case "field": return structure(json, name: "<result>")
        default: return nil
        }
    }

    /// A field without a column's name has its key's (§1, the compact encoding's rule).
    private static func structure(_ json: JSON, name: String) -> Structure? {
        guard json["type"]?.string == "field" else { return structure(json) }
        let type = json["fieldType"]
        return .field(
            FieldStructure(
                column: json["dbName"]?.string ?? name, kind: kind(type), isList: type?["arity"]?.string == "list", source: json))
    }

    /// An unknown type passes its values through.
    private static func kind(_ type: JSON?) -> FieldStructure.Kind {
        switch type?["type"]?.string {
        case "string": .string
        case "int": .int
        case "bigint": .bigint
        case "float": .float
        case "boolean": .boolean
        case "json": .json
        case "object": .object
        case "datetime": .datetime
        case "decimal": .decimal
        case "enum": .enumeration(type?["name"]?.string ?? "undefined")
        case "bytes": .bytes(type?["encoding"]?.string.flatMap { FieldStructure.Encoding(rawValue: $0) } ?? .base64)
        default: .unsupported
        }
    }

    static func enums(_ json: JSON?) -> [String: [String: String]] {
        var enums: [String: [String: String]] = [:]
        for member in json?.members ?? [] {
            var names: [String: String] = [:]
            for pair in member.value.members ?? [] { names[pair.key] = pair.value.string ?? pair.value.text }
            enums[member.key] = names
        }
        return enums
    }
}

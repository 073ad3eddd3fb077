/// The shapes that request bodies must have, and the reference's words when they don't (HTTP protocol specification §4.1): an
/// error of the zod library, whose message is the list of issues as JSON.
struct BodyCheck {
    private var issues: [JSON] = []

    static let isolationLevels = ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SNAPSHOT", "SERIALIZABLE"]

    /// JavaScript's word for a value in such errors.
    private static func word(_ json: JSON?) -> String {
        switch json {
        case nil: "undefined"
        case .null?: "null"
        case .array?: "array"
        case .some(let value): value.kind
        }
    }

    private mutating func expect(_ expected: String, _ path: [String], _ found: JSON?) {
        issues.append(
            .object([
                JSON.Member("expected", .string(expected)), JSON.Member("code", .string("invalid_type")),
                JSON.Member("path", .array(path.map { .string($0) })),
                JSON.Member("message", .string("Invalid input: expected \(expected), received \(BodyCheck.word(found))")),
            ]))
    }

    private mutating func string(_ json: JSON, _ key: String, isRequired: Bool) {
        guard let value = json[key] else {
            if isRequired { expect("string", [key], nil) }
            return
        }
        guard let text = value.string else { return expect("string", [key], value) }
        guard text.isEmpty, key != "newTxId" else { return }
        issues.append(
            .object([
                JSON.Member("origin", .string("string")), JSON.Member("code", .string("too_small")), JSON.Member("minimum", .number("1")),
                JSON.Member("inclusive", .bool(true)), JSON.Member("path", .array([.string(key)])),
                JSON.Member("message", .string("Too small: expected string to have >=1 characters")),
            ]))
    }

    /// - Returns: the 400's body; nil when all is well.
    static func plan(_ json: JSON) -> JSON? {
        var check = BodyCheck()
        if json.members == nil {
            check.expect("object", [], json)
        } else {
            check.string(json, "model", isRequired: false)
            check.string(json, "operation", isRequired: true)
            for key in ["plan", "params"] where json[key]?.members == nil { check.expect("record", [key], json[key]) }
            if let comments = json["comments"] {
                if let members = comments.members {
                    for member in members where member.value.string == nil {
                        check.expect("string", ["comments", member.key], member.value)
                    }
                } else {
                    check.expect("record", ["comments"], comments)
                }
            }
        }
        return check.body
    }

    static func start(_ json: JSON) -> JSON? {
        var check = BodyCheck()
        if json.members == nil {
            check.expect("object", [], json)
        } else {
            for key in ["timeout", "maxWait"] {
                if let value = json[key], value.kind != "number" || value == .null { check.expect("number", [key], value) }
            }
            if let level = json["isolationLevel"], !isolationLevels.contains(level.string ?? "") {
                check.issues.append(
                    .object([
                        JSON.Member("code", .string("invalid_value")), JSON.Member("values", .array(isolationLevels.map { .string($0) })),
                        JSON.Member("path", .array([.string("isolationLevel")])),
                        JSON.Member(
                            "message",
                            .string("Invalid option: expected one of " + isolationLevels.map { "\"\($0)\"" }.joined(separator: "|"))),
                    ]))
            }
            check.string(json, "newTxId", isRequired: false)
        }
        return check.body
    }

    private var body: JSON? {
        guard !issues.isEmpty else { return nil }
        return .object([
            JSON.Member("success", .bool(false)),
            JSON.Member(
                "error",
                .object([
                    JSON.Member("name", .string("ZodError")), JSON.Member("message", .string(BodyCheck.indented(.array(issues), 0))),
                ])),
        ])
    }

    /// As `JSON.stringify(value, null, 2)`.
    private static func indented(_ json: JSON, _ depth: Int) -> String {
        let (outer, inner) = (String(repeating: "  ", count: depth), String(repeating: "  ", count: depth + 1))
        switch json {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + indented($0, depth + 1) }.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let members) where !members.isEmpty:
            return "{\n"
                + members.map { "\(inner)\(JSON.string($0.key).text): \(indented($0.value, depth + 1))" }.joined(separator: ",\n")
                + "\n\(outer)}"
        default: return json.text
        }
    }
}

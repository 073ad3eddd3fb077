internal import Basics
internal import HTTPWire

/// Who a driver says it is: the instance's name and the owner's password (specification of the drivers §1). Both come
/// percent-coded out of a connection string, and as they are out of `transportConfig`; either is taken.
struct DriverAccess {
    var user: String
    var password: Secret

    /// `Authorization: Basic …`
    init?(header: String?) {
        guard let words = header?.split(separator: " ", omittingEmptySubsequences: true), words.count == 2, words[0].lowercased() == "basic"
        else { return nil }
        let bytes = Base64.decode(words[1].utf8)
        // JavaScript's btoa writes Latin-1.
        let text = String(validating: bytes, as: UTF8.self) ?? String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
        guard let colon = text.firstIndex(of: ":") else { return nil }
        user = String(text[..<colon])
        password = Secret(String(text[text.index(after: colon)...]))
    }

    /// The first message of a session.
    init?(message: [UInt8]) {
        guard let json = try? JSONScanner.parse(message), let user = json["username"]?.string, let password = json["password"]?.string
        else {
            return nil
        }
        self.user = user
        self.password = Secret(password)
    }

    /// The instance it names, if there can be one.
    var name: InstanceName? { PercentCoding.decode(user).flatMap { try? InstanceName($0) } }

    /// In a time that does not tell where it differs.
    func proves(_ wanted: Secret) -> Bool {
        let plain = SecretComparison.equal(wanted, password)
        let decoded = SecretComparison.equal(wanted, Secret(PercentCoding.decode(password.reveal()) ?? password.reveal()))
        return plain || decoded
    }

    /// The database in the request's query, which the drivers encode twice; nil: the instance's main one.
    static func database(_ head: RequestHead) -> String? {
        guard let text = head.queryItems?.first(where: { $0.name == "db" })?.value, !text.isEmpty, text != "template1" else { return nil }
        return PercentCoding.decode(text) ?? text
    }
}

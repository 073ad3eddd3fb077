#if !FUZZING
    public import PostgresWire
#endif

/// What must hold for any bytes in the start-up phase. Run by the fuzzer, and by tests over its findings.
public func checkStartup(_ bytes: [UInt8]) throws {
    if let renamed = StartupPacket.renamingPlain(bytes, "template1", to: "main") {
        var reader = StartupReader()
        guard case .request(.startup(var packet), let end) = reader.next(bytes) else { return try require(false, "a plain packet is one") }
        try require(packet.dropForeignParameters().isEmpty && packet.replication == .no, "a plain packet holds nothing foreign")
        if packet.database == "template1" { packet.setDatabase("main") }
        try require(packet.encoded() + bytes[end...] == renamed, "a plain packet is renamed as any other")
    }
    for output in try decodedEveryWay(bytes, StartupCodec.init) {
        switch output {
        case .refused(let refusal):
            if case .fatal(let message) = refusal {
                let reply = refusal.reply(newestMinor: 0)
                try require(BackendMessage.read(reply) == .message(.error(message), end: reply.count), "a refusal reads back")
            }
        case .request(.cancel(let cancel), let length):
            try require(cancel.encoded().count == length, "a cancel request keeps its length")
        case .request(.startup(let packet), let length):
            let encoded = packet.encoded()
            try require(encoded.count == length, "a start-up packet keeps its length")
            try require(!packet.isTooLong, "what was read is not too long")
            try requireReads(packet)
            var rewritten = packet
            rewritten.setDatabase("devdb_shadow")
            rewritten.dropForeignParameters()
            try require(rewritten.database == "devdb_shadow" && rewritten.user == packet.user, "rewriting keeps the user")
            try require(rewritten.dropForeignParameters().isEmpty, "foreign parameters are dropped at once")
            if !rewritten.isTooLong { try requireReads(rewritten) }
        case .request: break
        }
    }
}

private func requireReads(_ packet: StartupPacket) throws {
    let bytes = packet.encoded()
    var reader = StartupReader()
    try require(reader.next(bytes) == .request(.startup(packet), end: bytes.count), "a start-up packet reads back")
}

/// What must hold for any bytes in place of password messages, verifiers, a server's messages and its SCRAM challenge.
public func checkLogin(_ bytes: [UInt8]) throws {
    let text = String(decoding: bytes, as: UTF8.self)
    let entropy = Array("123456789012345678".utf8)
    let verifiers: [PasswordVerifier?] = [ScramFixture.pencil, MD5Verifier(password: "pencil", user: "user").map { .md5($0) }, nil]
    for verifier in verifiers {
        let exchange = LoginExchange(user: "user", verifier: verifier, mockSecret: [1, 2, 3], entropy: entropy)
        let outputs = try decodedEveryWay(bytes) { LoginCodec(exchange) }
        if verifier == nil {
            try require(!outputs.contains { if case .accepted = $0 { true } else { false } }, "nobody logs in without a verifier")
        }
    }
    try decodedEveryWay(bytes, BackendCodec.init)
    var client = ScramClient(password: "pencil", entropy: entropy, maximumIterations: 16)
    if let final = try? client.final(bytes) { try require(!final.isEmpty, "an answer is not empty") }
    try? client.verify(bytes)
    if let verifier = ScramVerifier(text) {
        try require(ScramVerifier(verifier.formatted) == verifier, "a verifier reads back")
    }
}

/// A verifier with a fixed salt: the example of RFC 7677 §3, whose password is `pencil`.
public enum ScramFixture {
    public static let pencil = PasswordVerifier(
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
}

/// A promise of a codec that did not hold.
public struct BrokenPromise: Error, CustomStringConvertible {
    public var description: String
}

func require(_ condition: Bool, _ promise: String) throws(BrokenPromise) {
    guard condition else { throw BrokenPromise(description: "not kept: \(promise)") }
}

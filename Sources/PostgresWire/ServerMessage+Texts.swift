/// PostgreSQL's own words, in one place: a client must not be able to tell the front from the server.
/// Compared with what PostgreSQL 15 sends; `source` names the file and function there.
extension ServerMessage {
    private static func violation(_ message: WireText, detail: WireText? = nil, _ file: String, _ routine: String) -> ServerMessage {
        ServerMessage(code: "08P01", message, detail: detail, source: (file, routine))
    }

    // Start-up.

    public static func unsupportedProtocol(major: UInt16, minor: UInt16, newestMinor: UInt16) -> ServerMessage {
        ServerMessage(
            code: "0A000", WireText("unsupported frontend protocol \(major).\(minor): server supports 3.0 to 3.\(newestMinor)"),
            source: ("postmaster.c", "ProcessStartupPacket"))
    }
    public static let startupNotTerminated = violation(
        "invalid startup packet layout: expected terminator as last byte", "postmaster.c", "ProcessStartupPacket")
    /// PostgreSQL says this to its log alone, for what no client should send; here the client has done nothing wrong.
    public static func startupTooLong(_ detail: WireText) -> ServerMessage {
        violation("invalid length of startup packet", detail: detail, "postmaster.c", "ProcessStartupPacket")
    }
    public static let noUserName = ServerMessage(
        code: "28000", "no PostgreSQL user name specified in startup packet", source: ("postmaster.c", "ProcessStartupPacket"))
    public static func invalidReplication(_ value: WireText) -> ServerMessage {
        ServerMessage(
            code: "22023", WireText(Array("invalid value for parameter \"replication\": \"".utf8) + value.bytes + [UInt8(ascii: "\"")]),
            hint: "Valid values are: \"false\", 0, \"true\", 1, \"database\".", source: ("postmaster.c", "ProcessStartupPacket"))
    }
    public static let unencryptedDataAfterSSL = unencryptedData("received unencrypted data after SSL request")
    public static let unencryptedDataAfterGSS = unencryptedData("received unencrypted data after GSSAPI encryption request")
    private static func unencryptedData(_ message: WireText) -> ServerMessage {
        violation(
            message, detail: "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.",
            "postmaster.c", "ProcessStartupPacket")
    }

    // Login.

    public static func wrongPassword(user: WireText) -> ServerMessage {
        let text = Array("password authentication failed for user \"".utf8) + user.name.bytes + [UInt8(ascii: "\"")]
        return ServerMessage(code: "28P01", WireText(text), source: ("auth.c", "auth_failed"))
    }
    public static let emptyPassword = ServerMessage(
        code: "28P01", "empty password returned by client", source: ("auth.c", "recv_password_packet"))
    public static let invalidPasswordPacket = violation("invalid password packet size", "auth.c", "recv_password_packet")
    public static func expectedSASLResponse(got type: UInt8) -> ServerMessage {
        violation(WireText("expected SASL response, got message type \(type)"), "auth-sasl.c", "CheckSASLAuth")
    }
    public static func expectedPasswordResponse(got type: UInt8) -> ServerMessage {
        violation(WireText("expected password response, got message type \(type)"), "auth.c", "recv_password_packet")
    }
    public static let invalidMechanism = violation(
        "client selected an invalid SASL authentication mechanism", "auth-scram.c", "scram_init")
    public static let insufficientData = violation("insufficient data left in message", "pqformat.c", "pq_getmsgbytes")
    public static let invalidString = violation("invalid string in message", "pqformat.c", "pq_getmsgrawstring")
    public static let invalidFormat = violation("invalid message format", "pqformat.c", "pq_getmsgend")

    // SCRAM.

    static func malformedSCRAM(_ detail: String, in routine: String) -> ServerMessage {
        violation("malformed SCRAM message", detail: WireText(detail), "auth-scram.c", routine)
    }
    static let authorizationIdentity = ServerMessage(
        code: "0A000", "client uses authorization identity, but it is not supported",
        source: ("auth-scram.c", "read_client_first_message"))
    static let mandatoryExtension = ServerMessage(
        code: "0A000", "client requires an unsupported SCRAM extension", source: ("auth-scram.c", "read_client_first_message"))
    static let nonPrintableNonce = violation(
        "non-printable characters in SCRAM nonce", "auth-scram.c", "read_client_first_message")
    static let unexpectedChannelBinding = violation(
        "unexpected SCRAM channel-binding attribute in client-final-message", "auth-scram.c", "read_client_final_message")
    static let nonceMismatch = violation("invalid SCRAM response", detail: "Nonce does not match.", "auth-scram.c", "scram_exchange")

    // While no server can be had.

    public static func unknownDatabase(_ name: WireText) -> ServerMessage {
        let text = Array("database \"".utf8) + name.name.bytes + Array("\" does not exist".utf8)
        return ServerMessage(code: "3D000", WireText(text), source: ("postinit.c", "InitPostgres"))
    }
    public static let tooManyClients = ServerMessage(
        code: "53300", "sorry, too many clients already", source: ("proc.c", "InitProcess"))
    public static let adminShutdown = ServerMessage(
        code: "57P01", "terminating connection due to administrator command", source: ("postgres.c", "ProcessInterrupts"))
    /// Ours: PostgreSQL says 57P03 for a server that is not up; the reason and the repairing command go to detail and hint.
    public static func cannotConnectNow(_ message: WireText, detail: WireText? = nil, hint: WireText? = nil) -> ServerMessage {
        ServerMessage(code: "57P03", message, detail: detail, hint: hint)
    }
}

internal import Basics

/// The server's side of the opening handshake (RFC 6455 §4.2).
public enum WebSocketHandshake {
    public enum Outcome: Sendable, Equatable {
        /// The bytes of the 101 answer; what follows on the connection are frames.
        case accepted([UInt8])
        case refused(HTTPResponse)
    }

    /// - Parameter subprotocol: the one that the client must offer. No extension is agreed to.
    public static func answer(_ head: RequestHead, subprotocol: String) -> Outcome {
        guard head.method == "GET", head.minorVersion >= 1, head.framing == .none || head.framing == .length(0),
            head.headers.tokens("upgrade").contains("websocket"), head.headers.tokens("connection").contains("upgrade")
        else { return refusal(426, "This is a WebSocket.", ["upgrade": "websocket", "connection": "upgrade"]) }
        guard head.headers.values("sec-websocket-version") == ["13"] else {
            return refusal(426, "Only version 13 of WebSocket is supported.", ["sec-websocket-version": "13"])
        }
        let keys = head.headers.values("sec-websocket-key")
        guard let key = keys.first, keys.count == 1, isKey(key) else { return refusal(400, "Sec-WebSocket-Key is not one key.") }
        let offered = head.headers.values("sec-websocket-protocol").flatMap { $0.split(separator: ",") }
        guard offered.contains(where: { $0.drop { $0 == " " }.prefix { $0 != " " } == subprotocol }) else {
            return refusal(400, "The subprotocol \(subprotocol) is not offered.")
        }
        let headers: Headers = Headers([
            "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": accept(key), "sec-websocket-protocol": subprotocol,
        ])
        return .accepted(ResponseHead(status: 101, headers: headers).encoded())
    }

    /// §4.2.2, item 5.4.
    static func accept(_ key: String) -> String {
        String(decoding: Base64.encode(SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))), as: UTF8.self)
    }

    private static func refusal(_ status: Int, _ reason: String, _ headers: KeyValuePairs<String, String> = [:]) -> Outcome {
        var response = HTTPRefusal(status, reason).response
        for (name, value) in headers { response.headers.set(name, value) }
        return .refused(response)
    }

    /// 16 bytes in base64.
    private static func isKey(_ key: String) -> Bool { Base64.decodeStrict(key.utf8)?.count == 16 }
}

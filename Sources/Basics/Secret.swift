/// A password, key or token. Prints as stars wherever it is interpolated or dumped; `reveal()` is the one way
/// out, so that every place where a secret leaves is found by a search for it.
public struct Secret: Sendable, Hashable {
    private let value: String
    public init(_ value: String) { self.value = value }
    public func reveal() -> String { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

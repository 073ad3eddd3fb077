/// A codec under test: bytes go in, in any pieces; what has come out so far does not tell how they were cut.
public protocol StreamCodec {
    associatedtype Output: Equatable
    /// Feeds the next bytes and returns what they complete.
    mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output]
}

/// The same bytes came out differently when they were cut differently.
public struct DifferentOutcomes: Error, CustomStringConvertible {
    public var way: String
    public var whole: String
    public var other: String
    public var description: String { "\(way): \(other)\nwhole: \(whole)" }
}

/// Feeds a codec whole, byte by byte, and in pieces of changing lengths, and wants one result. For "many at once",
/// concatenate messages.
/// - Returns: that result.
@discardableResult
public func decodedEveryWay<Codec: StreamCodec>(
    _ bytes: [UInt8], _ make: () -> Codec
) throws(DifferentOutcomes) -> [Codec.Output] {
    let whole = decoded(bytes, lengths: [max(bytes.count, 1)], make)
    for (way, lengths) in [("byte by byte", [1]), ("1, 2, 3, 5, 8", [1, 2, 3, 5, 8]), ("7, 64, 1", [7, 64, 1])] {
        let other = decoded(bytes, lengths: lengths, make)
        guard other == whole else {
            throw DifferentOutcomes(way: way, whole: String(describing: whole), other: String(describing: other))
        }
    }
    return whole
}

private func decoded<Codec: StreamCodec>(_ bytes: [UInt8], lengths: [Int], _ make: () -> Codec) -> [Codec.Output] {
    var codec = make()
    var outputs: [Codec.Output] = []
    var position = 0
    var turn = 0
    while position < bytes.count {
        let end = min(position + lengths[turn % lengths.count], bytes.count)
        outputs += codec.feed(bytes[position..<end])
        position = end
        turn += 1
    }
    return outputs
}

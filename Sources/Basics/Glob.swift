/// A shell-like pattern for instance names, as prisma dev's commands take them: `*` any run, `?` one character,
/// `[a-z]` one of a set, `[!a-z]` none of it, `\` takes the next character as it is. A `[` without its `]` stands for
/// itself. Matching is over the whole text, and in time O(pattern × text) whatever the pattern.
public struct Glob: Sendable, Equatable {
    private enum Part: Sendable, Equatable {
        case character(Character)
        case any
        case run
        case set([ClosedRange<Character>], negated: Bool)
    }

    public let pattern: String
    private let parts: [Part]

    public init(_ pattern: String) {
        self.pattern = pattern
        parts = Glob.parse(Array(pattern))
    }

    /// It can match only one text: a name, not a pattern.
    public var isLiteral: Bool {
        parts.allSatisfy { if case .character = $0 { true } else { false } }
    }

    public func matches(_ text: String) -> Bool {
        let text = Array(text)
        var part = 0
        var position = 0
        // Where to go on if what follows the last `*` did not fit: one character further. Earlier stars never need
        // another try, so there is no recursion.
        var retry: (part: Int, position: Int)?
        while position < text.count {
            if part < parts.count, case .run = parts[part] {
                part += 1
                retry = (part, position)
            } else if part < parts.count, Glob.fits(parts[part], text[position]) {
                part += 1
                position += 1
            } else if let last = retry {
                part = last.part
                position = last.position + 1
                retry = (part, position)
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .run }
    }

    private static func fits(_ part: Part, _ character: Character) -> Bool {
        switch part {
        case .character(let wanted): wanted == character
        case .any: true
        case .run: false
        case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
        }
    }

    private static func parse(_ text: [Character]) -> [Part] {
        var parts: [Part] = []
        var index = 0
        while index < text.count {
            switch text[index] {
            case "*":
                if parts.last != .run { parts.append(.run) }
            case "?":
                parts.append(.any)
            case "\\" where index + 1 < text.count:
                index += 1
                parts.append(.character(text[index]))
            case "[":
                if let (set, end) = parseSet(text, from: index) {
                    parts.append(set)
                    index = end
                } else {
                    parts.append(.character("["))
                }
            case let other:
                parts.append(.character(other))
            }
            index += 1
        }
        return parts
    }

    /// - Parameter start: the index of `[`.
    /// - Returns: the set and the index of its `]`; nil when there is none.
    private static func parseSet(_ text: [Character], from start: Int) -> (Part, Int)? {
        var index = start + 1
        var negated = false
        if index < text.count, text[index] == "!" || text[index] == "^" {
            negated = true
            index += 1
        }
        var ranges: [ClosedRange<Character>] = []
        let first = index
        while index < text.count {
            // A `]` in first place is a member (POSIX).
            if text[index] == "]", index > first { return (.set(ranges, negated: negated), index) }
            let low = text[index]
            if index + 2 < text.count, text[index + 1] == "-", text[index + 2] != "]" {
                let high = text[index + 2]
                if low <= high { ranges.append(low...high) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }
}

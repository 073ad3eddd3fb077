internal import Basics

enum SecretComparison {
    /// In a time that does not tell where they differ.
    static func equal(_ left: Secret, _ right: Secret) -> Bool {
        let (first, second) = (left.reveal().utf8, right.reveal().utf8)
        var difference = first.count ^ second.count
        var place = first.startIndex
        for byte in second {
            // Round and round: how long the right one is does not tell either.
            if place == first.endIndex { place = first.startIndex }
            difference |= Int(byte ^ (first.isEmpty ? 0 : first[place]))
            if !first.isEmpty { place = first.index(after: place) }
        }
        return difference == 0
    }
}

internal import Basics

enum SecretComparison {
    /// In a time that does not tell where they differ.
    static func equal(_ left: Secret, _ right: Secret) -> Bool {
        var (left, right) = (left.reveal(), right.reveal())
        return left.withUTF8 { first in
            right.withUTF8 { second in
                var difference = first.count ^ second.count
                var place = 0
                for byte in second {
                    // Round and round: how long the right one is does not tell either.
                    if place == first.count { place = 0 }
                    difference |= Int(byte ^ (first.isEmpty ? 0 : first[place]))
                    place += 1
                }
                return difference == 0
            }
        }
    }
}

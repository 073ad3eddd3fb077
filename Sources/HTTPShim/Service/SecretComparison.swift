internal import Basics

enum SecretComparison {
    /// In a time that does not tell where they differ.
    static func equal(_ left: Secret, _ right: Secret) -> Bool {
        let (first, second) = (Array(left.reveal().utf8), Array(right.reveal().utf8))
        var difference = first.count ^ second.count
        for index in second.indices { difference |= Int(second[index] ^ (first.isEmpty ? 0 : first[index % first.count])) }
        return difference == 0
    }
}

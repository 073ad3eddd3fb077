/// The nearest of a list of words to one that is not in it.
enum Nearest {
    /// nil when nothing is near: more than a third of the letters (at least one) would have to change.
    static func to(_ word: String, among words: [String]) -> String? {
        // A word cut short is meant whole: `comp` is `completions`.
        if word.count >= 2, let whole = words.filter({ $0.hasPrefix(word) }).min(by: { $0.count < $1.count }) { return whole }
        var best: (word: String, distance: Int)?
        for candidate in words {
            let limit = max(1, max(word.count, candidate.count) / 3)
            let distance = distance(word, candidate)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        // A name that long is no typing mistake, and the table is quadratic.
        let left = Array(left.prefix(64))
        let right = Array(right.prefix(64))
        var table = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for row in 0...left.count { table[row][0] = row }
        for column in 0...right.count { table[0][column] = column }
        for row in 0..<left.count {
            for column in 0..<right.count {
                let same = left[row] == right[column]
                var value = min(table[row][column + 1], table[row + 1][column]) + 1
                value = min(value, table[row][column] + (same ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    value = min(value, table[row - 1][column - 1] + 1)
                }
                table[row + 1][column + 1] = value
            }
        }
        return table[left.count][right.count]
    }
}

/// Rows in columns for people; JSON has its own types.
enum Table {
    static func text(_ header: [String], _ rows: [[String]], colours: Bool) -> String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.enumerated().map { index, row in
            let cells = row.indices.map { column in
                column == row.count - 1 ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }
            let line = cells.joined(separator: "  ")
            return (index == 0 && colours ? "\u{1b}[1m\(line)\u{1b}[0m" : line) + "\n"
        }.joined()
    }
}

internal import Basics
internal import PostgresSession

/// One statement of the serverless drivers: the descriptor (their specification §2.2), and values that follow it.
struct DriverStatement: Equatable {
    /// Only the number of rows is wanted.
    var isExec: Bool
    var sql: String
    var slots: [Slot] = []

    enum Slot: Equatable {
        case null
        case text([UInt8])
        case binary([UInt8])
        /// Comes by itself, in so many bytes.
        case awaited(isBinary: Bool, count: Int)
    }

    struct Malformed: Error, Equatable { var reason: String }

    /// What PostgreSQL's protocol can number.
    private static let mostParameters = 65_535

    init(_ descriptor: [UInt8]) throws(Malformed) {
        guard let json = try? JSONScanner.parse(descriptor), json.members != nil else {
            throw Malformed(reason: "The descriptor is no JSON object")
        }
        switch (json["query"]?.string, json["exec"]?.string) {
        case (let sql?, nil): (isExec, self.sql) = (false, sql)
        case (nil, let sql?): (isExec, self.sql) = (true, sql)
        default: throw Malformed(reason: "The descriptor must have either query or exec")
        }
        guard let parameters = json.present("parameters") else { return }
        guard let elements = parameters.array, elements.count <= DriverStatement.mostParameters else {
            throw Malformed(reason: "parameters must be an array of at most \(DriverStatement.mostParameters)")
        }
        slots.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let slot = Slot(element) else { throw Malformed(reason: "Parameter \(index + 1) is malformed") }
            slots.append(slot)
        }
    }

    /// The first value that has to come by itself.
    var awaited: (index: Int, isBinary: Bool, count: Int)? {
        for (index, slot) in slots.enumerated() {
            if case .awaited(let isBinary, let count) = slot { return (index, isBinary, count) }
        }
        return nil
    }

    /// Bytes of the values that have to come by themselves; nil: too many for a number.
    var awaitedBytes: Int? {
        var total = 0
        for case .awaited(_, let count) in slots {
            let (sum, overflow) = total.addingReportingOverflow(count)
            guard !overflow else { return nil }
            total = sum
        }
        return total
    }

    /// What it takes in memory, nearly.
    var byteCount: Int {
        slots.reduce(sql.utf8.count + 64) { total, slot in
            switch slot {
            case .text(let bytes), .binary(let bytes): total + bytes.count + 32
            case .null, .awaited: total + 32
            }
        }
    }

    /// For libpq.
    /// - Throws: `22021` for a NUL in a text, as PostgreSQL would say.
    func parameters() throws(PostgresError) -> Parameters {
        var parameters = Parameters()
        guard !sql.utf8.contains(0) else { throw DriverStatement.noNUL }
        for slot in slots {
            switch slot {
            case .null, .awaited: parameters.appendNull()
            case .binary(let bytes): parameters.append(binary: bytes)
            case .text(let bytes):
                do throws(PostgresError) { try parameters.append(text: bytes) } catch { throw DriverStatement.noNUL }
            }
        }
        return parameters
    }

    private static let noNUL: PostgresError = {
        var error = PostgresError(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00")
        error.severity = "ERROR"
        return error
    }()
}

extension DriverStatement.Slot {
    fileprivate init?(_ json: JSON) {
        let isBinary: Bool
        switch json["type"]?.string {
        case "text": isBinary = false
        case "binary": isBinary = true
        default: return nil
        }
        switch (json["value"], json["byteSize"]) {
        case (.null, nil): self = .null
        case (.string(let text), nil): self = isBinary ? .binary(Base64.decode(text.utf8)) : .text(Array(text.utf8))
        case (nil, .some(let size)):
            guard let count = size.integer, count >= 0 else { return nil }
            self = .awaited(isBinary: isBinary, count: count)
        default: return nil
        }
    }
}

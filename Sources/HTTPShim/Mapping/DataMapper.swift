internal import PostgresSession

/// Writes a dataMap's answer (query plan specification §6): straight from the result's cells where there are rows.
struct DataMapper: ~Copyable {
    private let enums: [String: [String: String]]
    private var sink: ByteSink
    /// Values are normalised when all are mapped (§9.4): what is wrong with a type is told first.
    private var late: PlanFailure?

    private init(_ enums: [String: [String: String]], size: Int) {
        self.enums = enums
        sink = ByteSink(capacity: size)
        sink.append(MappedValue.lead)
    }

    static func map(_ value: Value, _ map: ResultMap) throws(PlanFailure) -> MappedValue {
        var mapper = DataMapper(map.enums, size: map.lastSize)
        let value = value.plain
        switch map.structure {
        case .affectedRows:
            guard let count = value.number else {
                throw .mapping("Expected an affected rows count, got: \(value.kind) (\(ValueText.string(value)))")
            }
            mapper.sink.raw("{\"count\":")
            if count.isFinite { mapper.sink.append(Array(JSNumber.text(count).utf8)) } else { mapper.sink.null() }
            mapper.sink.byte(UInt8(ascii: "}"))
        case .object(let structure): try mapper.object(value, structure)
        case .field(let field): try mapper.field(value, field, "<result>")
        }
        if let late = mapper.late { throw late }
        map.noteSize(mapper.sink.count)
        return MappedValue(mapper.sink.copied(extra: 16))
    }

    // MARK: Objects

    private mutating func object(_ value: Value, _ structure: ObjectStructure) throws(PlanFailure) {
        switch value {
        case .null, .undefined: sink.null()
        case .rows(let slice):
            let layout = layout(slice.set, structure)
            sink.byte(UInt8(ascii: "["))
            for index in 0..<slice.count {
                if index > 0 { sink.byte(UInt8(ascii: ",")) }
                try row(slice.set, slice.start + index, structure, layout)
            }
            sink.byte(UInt8(ascii: "]"))
        case .row(let row): try self.row(row.set, row.index, structure, layout(row.set, structure))
        case .list(let elements):
            sink.byte(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if element.isNullish {
                    if structure.skipsNulls { continue }
                    throw .plain("Cannot read properties of null")
                }
                if !isFirst { sink.byte(UInt8(ascii: ",")) }
                isFirst = false
                try object(element, structure)
            }
            sink.byte(UInt8(ascii: "]"))
        case .record: try record(value, structure)
        case .string(let text):
            let parsed: JSON
            do throws(JSONFailure) {
                parsed = try JSONScanner.parse(Array(text.utf8))
            } catch {
                if error.isTooDeep {
                    throw .plain("A JSON value of the answer is nested more than \(JSONScanner.maximalDepth) levels deep")
                }
                throw .user(
                    "P2023", "Expected an array or object, got a string that is not valid JSON",
                    meta: .object([JSON.Member("cause", .object([]))]))
            }
            try object(Value(parsed), structure)
        default: throw .mapping("Expected an array or an object, got: \(value.kind)")
        }
    }

    private mutating func record(_ value: Value, _ structure: ObjectStructure) throws(PlanFailure) {
        sink.byte(UInt8(ascii: "{"))
        for (index, field) in structure.fields.enumerated() {
            sink.append(structure.keys[index])
            try member(value, field)
        }
        sink.byte(UInt8(ascii: "}"))
    }

    private mutating func member(_ value: Value, _ field: (name: String, structure: Structure)) throws(PlanFailure) {
        switch field.structure {
        case .object(let structure):
            guard let name = structure.serializedName else { return try object(value, structure) }
            guard let inner = value.field(name) else { throw missing("Object", name, structure.source, value) }
            try object(inner, structure)
        case .field(let structure):
            guard let cell = value.field(structure.column) else { throw missing("Value", structure.column, structure.source, value) }
            try self.field(cell, structure, structure.column)
        case .affectedRows: throw .mapping("Unexpected 'AffectedRows' node in data mapping for field '\(field.name)'")
        }
    }

    private func missing(_ kind: String, _ name: String, _ node: JSON, _ value: Value) -> PlanFailure {
        .mapping("Missing data field (\(kind)): '\(name)'; node: \(node.text); data: \(ValueText.shown(value))")
    }

    // MARK: Rows

    private func layout(_ rows: RowSet, _ structure: ObjectStructure) -> ObjectStructure.Layout {
        if let last = structure.lastLayout, last.columns === rows.columns, last.attached == rows.attachedNames { return last }
        let sources = structure.fields.enumerated().map { index, field in
            (source: DataMapper.source(field.structure, rows), key: structure.keys[index])
        }
        let layout = ObjectStructure.Layout(columns: rows.columns, attached: rows.attachedNames, sources: sources)
        structure.lastLayout = layout
        return layout
    }

    private static func source(_ structure: Structure, _ rows: RowSet) -> ObjectStructure.Source {
        let name: String
        switch structure {
        case .field(let field): name = field.column
        case .object(let object):
            guard let serialized = object.serializedName else { return .other }
            name = serialized
        case .affectedRows: return .other
        }
        if let place = rows.attachedNames.firstIndex(of: name) { return .attached(Int32(truncatingIfNeeded: place)) }
        guard case .field(let field) = structure, let column = rows.columns.position(name) else { return .other }
        let form = CellForm(field, rows.columns.readers[column], isJSONB: rows.columns.isJSONB(column))
        return .column(Int32(truncatingIfNeeded: column), form)
    }

    private mutating func row(_ rows: RowSet, _ index: Int, _ structure: ObjectStructure, _ layout: ObjectStructure.Layout)
        throws(PlanFailure)
    {
        sink.byte(UInt8(ascii: "{"))
        let resultRow = rows.resultRow(index)
        for number in layout.places.indices {
            let place = layout.places[number]
            layout.keys.withUnsafeBytes { sink.append($0[Int(place.key)..<Int(place.key + place.keyLength)]) }
            switch place.source {
            case .column(let column, let form):
                let isWritten = rows.result.withCell(row: resultRow, column: Int(column)) { CellWriter.write($0, form, into: &sink) }
                guard !isWritten, case .field(let field) = structure.fields[number].structure else { continue }
                try self.field(rows.cell(Int(column), index), field, field.column)
            case .attached(let attached):
                let value = rows.attached[Int(attached)].values[index]
                switch structure.fields[number].structure {
                case .object(let structure): try object(value, structure)
                case .field(let structure): try self.field(value, structure, structure.column)
                case .affectedRows: sink.null()
                }
            case .other: try member(.row(RowReference(set: rows, index: index)), structure.fields[number])
            }
        }
        sink.byte(UInt8(ascii: "}"))
    }

    // MARK: Fields

    private mutating func field(_ value: Value, _ field: FieldStructure, _ column: String) throws(PlanFailure) {
        guard !value.isNullish else {
            if field.isList { sink.raw("[]") } else { sink.null() }
            return
        }
        guard field.isList else { return try cell(value, field.kind, column) }
        guard let elements = listElements(value) else { throw .plain("values.map is not a function") }
        sink.byte(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { sink.byte(UInt8(ascii: ",")) }
            try cell(element, field.kind, "\(column)[\(index)]")
        }
        sink.byte(UInt8(ascii: "]"))
    }

    private mutating func cell(_ value: Value, _ kind: FieldStructure.Kind, _ column: String) throws(PlanFailure) {
        var writer = JSONWriter()
        do throws(PlanFailure) {
            try FieldWriter.write(value, kind, column, enums, into: &writer)
            sink.append(writer.bytes)
        } catch {
            guard error.kind == .plain else { throw error }
            late = late ?? error
            sink.null()
        }
    }

    /// Lists of people's own types come as array literals (§7.1).
    private func listElements(_ value: Value) -> [Value]? {
        if let elements = value.elements { return elements }
        guard case .string(var text) = value else { return nil }
        return text.withUTF8 { bytes in
            ArrayLiteral.parse(UnsafeRawBufferPointer(bytes)) { .string(String(decoding: $0, as: UTF8.self)) }?.elements
        }
    }
}

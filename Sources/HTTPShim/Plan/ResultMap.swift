/// How rows become the answer's data (§6).
struct ResultMap {
    let structure: Structure
    /// Bytes to begin with: as many as the last answer had, within reason.
    var lastSize: Int { if case .object(let object) = structure { object.lastSize } else { 256 } }
    func noteSize(_ size: Int) { if case .object(let object) = structure { object.lastSize = min(max(size + size / 8, 256), 262_144) } }
    /// Name → database value → client's name.
    let enums: [String: [String: String]]
}

indirect enum Structure {
    case affectedRows
    case object(ObjectStructure)
    case field(FieldStructure)
}

final class ObjectStructure {
    /// The column that holds the object; nil: the record itself.
    let serializedName: String?
    let skipsNulls: Bool
    let fields: [(name: String, structure: Structure)]
    /// `"name":` as it stands in the answer, with the comma before all but the first.
    let keys: [[UInt8]]
    /// As it came, for errors.
    let source: JSON
    /// Columns that were looked up last, and what was found.
    var lastLayout: Layout?
    var lastSize = 1_024

    init(serializedName: String?, skipsNulls: Bool, fields: [(name: String, structure: Structure)], source: JSON) {
        self.serializedName = serializedName
        self.skipsNulls = skipsNulls
        self.fields = fields
        self.source = source
        keys = fields.enumerated().map { index, field in
            var writer = JSONWriter()
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.string(field.name)
            writer.byte(UInt8(ascii: ":"))
            return writer.bytes
        }
    }

    /// Where each field's cells are in results of these columns.
    final class Layout {
        let columns: ResultColumns
        /// Names of what joins attached.
        let attached: [String]
        let places: ContiguousArray<Place>
        /// All keys behind each other.
        let keys: [UInt8]

        init(columns: ResultColumns, attached: [String], sources: [(source: Source, key: [UInt8])]) {
            self.columns = columns
            self.attached = attached
            var keys: [UInt8] = []
            var places: ContiguousArray<Place> = []
            for (source, key) in sources {
                places.append(Place(source: source, key: Int32(keys.count), keyLength: Int32(key.count)))
                keys += key
            }
            (self.keys, self.places) = (keys, places)
        }
    }

    /// Of one field; holds no reference, so that a row costs no counting of them.
    struct Place {
        let source: Source
        let key: Int32
        let keyLength: Int32
    }

    enum Source {
        case column(Int32, CellForm)
        case attached(Int32)
        /// An object over the same row, or anything else that goes the long way.
        case other
    }
}

final class FieldStructure {
    enum Kind: Equatable {
        case string, int, bigint, float, boolean, json, object, datetime, decimal, unsupported
        case enumeration(String)
        case bytes(Encoding)
    }
    enum Encoding: String {
        case array, base64, hex
    }

    let column: String
    let kind: Kind
    let isList: Bool
    let source: JSON

    init(column: String, kind: Kind, isList: Bool, source: JSON) {
        self.column = column
        self.kind = kind
        self.isList = isList
        self.source = source
    }
}

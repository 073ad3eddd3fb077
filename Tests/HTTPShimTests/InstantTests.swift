import Testing

@testable import HTTPShim

@Suite struct InstantTests {
    @Test(arguments: [
        ("1970-01-01", "1970-01-01T00:00:00.000Z"), ("2024-02-29T12:34:56.789Z", "2024-02-29T12:34:56.789Z"),
        ("2024-02-29 12:34:56.7891+00", "2024-02-29T12:34:56.789Z"), ("2024-01-01T00:00:00+05:30", "2023-12-31T18:30:00.000Z"),
        ("2024-01-01T00:00:00-0130", "2024-01-01T01:30:00.000Z"), ("0044-03-15 12:00:00 BC", "-000043-03-15T12:00:00.000Z"),
        ("12345-01-02T03:04:05+00:00", "+012345-01-02T03:04:05.000Z"), ("0001-01-01", "0001-01-01T00:00:00.000Z"),
        ("1900-03-01", "1900-03-01T00:00:00.000Z"), ("2000-02-29T23:59:59.999Z", "2000-02-29T23:59:59.999Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"), ("-000043-03-15T12:00:00Z", "-000043-03-15T12:00:00.000Z"),
    ])
    func texts(text: String, iso: String) throws {
        #expect(Instant.iso(try #require(Instant.parse(text))) == iso)
    }

    /// Cells of both kinds of timestamp reach the answer in the form that JavaScript reads (§9.4); infinity is none.
    @Test(
        arguments: [
            (1114, "0044-03-15 12:00:00 BC", "-000043-03-15T12:00:00.000Z"), (1114, "0001-06-01 00:00:00 BC", "0000-06-01T00:00:00.000Z"),
            (1114, "12345-01-02 03:04:05.678901", "+012345-01-02T03:04:05.678Z"),
            (1184, "0044-03-15 12:00:00+00 BC", "-000043-03-15T12:00:00.000Z"),
            (1184, "12345-01-02 03:04:05+00", "+012345-01-02T03:04:05.000Z"), (1114, "2024-01-02 03:04:05", "2024-01-02T03:04:05.000Z"),
            (1114, "infinity", nil),
        ] as [(UInt32, String, String?)])
    func farTimestamps(oid: UInt32, cell: String, iso: String?) throws {
        let reader = try #require(CellReader(oid: oid))
        let value = Array(cell.utf8).withUnsafeBytes { reader.value($0) }
        var writer = JSONWriter()
        do {
            try FieldWriter.write(value, .datetime, "c", [:], into: &writer)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == "{\"$type\":\"DateTime\",\"value\":\"\(iso ?? "")\"}")
        } catch {
            #expect(iso == nil && error.message == "Invalid time value")
        }
    }

    @Test(arguments: [
        "", "x", "infinity", "2024", "2024-13-01", "2024-01-32", "2024-01-01T25:00:00Z", "2024-01-01T00:00:00X", "2024-01-01T",
        "999999-01-01",
    ])
    func whatIsNoInstant(text: String) {
        #expect(Instant.parse(text) == nil)
    }

    @Test(arguments: [
        ("2024-01-02", "2024-01-02T00:00:00Z"), ("10:11:12", "1970-01-01T10:11:12Z"), ("10:11:12+02", "1970-01-01T10:11:12+02"),
        ("2024-01-02 03:04:05.6", "2024-01-02T03:04:05.6Z"), ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05+00:00"),
    ])
    func databaseTexts(text: String, normalised: String) {
        #expect(DateText.normalised(text) == normalised)
    }
}

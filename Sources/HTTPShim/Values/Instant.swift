/// Instants as JavaScript's Date has them: milliseconds since 1970, UTC, years −271821 to 275760.
enum Instant {
    static let range: ClosedRange<Int64> = -8_640_000_000_000_000...8_640_000_000_000_000

    /// Days since 1970 of a day of the proleptic Gregorian calendar (H. Hinnant, "days_from_civil").
    static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    struct Parts {
        var year = 1970
        var month = 1
        var day = 1
        var hour = 0
        var minute = 0
        var second = 0
        var millisecond = 0
    }

    static func parts(_ milliseconds: Int64) -> Parts {
        let day = Int(milliseconds.floorDivided(by: 86_400_000))
        let rest = Int(milliseconds) - day * 86_400_000
        let date = civil(days: day)
        return Parts(
            year: date.year, month: date.month, day: date.day, hour: rest / 3_600_000, minute: rest / 60_000 % 60,
            second: rest / 1000 % 60, millisecond: rest % 1000)
    }

    /// `2024-01-02T03:04:05.678Z`; years outside 0…9999 with a sign and six digits.
    static func iso(_ milliseconds: Int64) -> String {
        let parts = parts(milliseconds)
        let year =
            (0...9999).contains(parts.year)
            ? padded(parts.year, 4) : (parts.year < 0 ? "-" : "+") + padded(abs(parts.year), 6)
        return "\(year)-\(padded(parts.month, 2))-\(padded(parts.day, 2))T\(time(parts, always: true))Z"
    }

    /// `String(date)` in UTC: `Tue Jan 02 2024 03:04:05 GMT+0000 (Coordinated Universal Time)`.
    static func words(_ milliseconds: Int64) -> String {
        let parts = parts(milliseconds)
        // The first of 1970 was a Thursday.
        let weekday = (Int(milliseconds.floorDivided(by: 86_400_000)) % 7 + 11) % 7
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let year = parts.year < 0 ? "-" + padded(-parts.year, 6) : padded(parts.year, 4)
        let day = "\(days[weekday]) \(months[(parts.month + 11) % 12]) \(padded(parts.day, 2)) \(year)"
        return "\(day) \(padded(parts.hour, 2)):\(padded(parts.minute, 2)):\(padded(parts.second, 2)) GMT+0000 (Coordinated Universal Time)"
    }

    /// `03:04:05.678`.
    /// - Parameter always: milliseconds also when there are none.
    static func time(_ parts: Parts, always: Bool) -> String {
        let text = "\(padded(parts.hour, 2)):\(padded(parts.minute, 2)):\(padded(parts.second, 2))"
        return always || parts.millisecond != 0 ? text + "." + padded(parts.millisecond, 3) : text
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Int64 {
    /// Rounds towards minus infinity.
    func floorDivided(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

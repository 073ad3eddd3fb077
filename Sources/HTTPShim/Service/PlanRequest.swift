/// The body of a plan request: the plan as its bytes, the rest read (HTTP protocol specification §3.2).
struct PlanRequest {
    var plan: Range<Int>
    /// The plan, if it was sent before.
    private(set) var knownPlan: Plan?
    /// Where `params` stand.
    var parameterBytes = 0..<0
    var parameters: [(name: String, value: Value)] = []
    var comments: [(key: String, value: String)] = []

    enum Refusal: Error {
        case malformed(JSONFailure)
        /// It is JSON, but not of the shape it must have.
        case invalid(JSON)
    }

    /// - Parameter known: a plan that was sent before and begins there, with its length.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, known: (UnsafeRawBufferPointer) -> (plan: Plan, length: Int)? = { _ in nil }
    ) throws(Refusal) {
        var found: Range<Int>?
        var isSound = true
        var hasOperation = false
        do throws(JSONFailure) {
            var scanner = JSONScanner(bytes)
            scanner.space()
            guard scanner.take(UInt8(ascii: "{")) else { throw scanner.failure("no object") }
            if !scanner.take(UInt8(ascii: "}")) {
                repeat {
                    let key = try scanner.key()
                    scanner.space()
                    switch key {
                    case "plan":
                        if let (plan, length) = known(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[scanner.position...]))) {
                            (found, knownPlan) = (scanner.pass(length), plan)
                            continue
                        }
                        knownPlan = nil
                        let range = try scanner.skip()
                        if bytes[range.lowerBound] == UInt8(ascii: "{") { found = range } else { isSound = false }
                    case "params":
                        let start = scanner.position
                        guard let members = try scanner.value().members else {
                            isSound = false
                            continue
                        }
                        parameterBytes = start..<scanner.position
                        parameters = members.map { ($0.key, Value($0.value)) }
                        hasParameters = true
                    case "comments":
                        let members = try scanner.value().members
                        isSound = isSound && members?.allSatisfy { $0.value.string != nil } == true
                        comments = (members ?? []).map { ($0.key, $0.value.string ?? "") }
                    case "operation":
                        hasOperation = try scanner.value().string?.isEmpty == false
                    case "model":
                        isSound = try scanner.value().string?.isEmpty == false && isSound
                    default: _ = try scanner.skip()
                    }
                } while scanner.take(UInt8(ascii: ","))
                try scanner.require(UInt8(ascii: "}"))
            }
            try scanner.finish()
        } catch {
            isSound = false
        }
        guard isSound, hasOperation, hasParameters, let found else {
            plan = 0..<0
            // The long way, which tells what is wrong.
            let json: JSON
            do throws(JSONFailure) { json = try JSONScanner.parse(Array(bytes)) } catch { throw .malformed(error) }
            throw .invalid(BodyCheck.plan(json) ?? .object([]))
        }
        plan = found
    }

    private var hasParameters = false
}

/// SQLSTATEs that several rooms decide by (PostgreSQL documentation, appendix A).
public enum SQLState {
    /// What a server says that is going, has crashed or is not there yet: nothing that was asked has been begun.
    public static let unavailable: Set<String> = ["57P01", "57P02", "57P03"]
}

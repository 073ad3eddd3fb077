/// The server settings that devdb starts with: the `.conf` files beside this one, embedded in the program.
public enum Profiles {
    public static let names = ["durable", "ephemeral"]

    /// The text of a profile; nil when there is none of that name.
    public static func text(_ name: String) -> String? {
        switch name {
        case "durable": String(decoding: PackageResources.durable_conf, as: UTF8.self)
        case "ephemeral": String(decoding: PackageResources.ephemeral_conf, as: UTF8.self)
        default: nil
        }
    }
}

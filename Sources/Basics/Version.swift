/// The version of devdb: of `dev`, `devd` and the control API alike, which must match.
public let devdbVersion = "0.1.0"

import Testing

@testable import InstanceManager

/// Commands that can be typed as they are printed.
@Suite struct InstallCommandTests {
    @Test(arguments: [
        ("ID=debian", InstallCommand.Rights.root, "mkdir -p", "apt-get install -y postgresql-16"),
        ("ID=ubuntu\nID_LIKE=debian", .sudo, "sudo sh -c 'mkdir -p", "apt-get install -y postgresql-16'"),
        ("ID=debian", .su, "su -c 'mkdir -p", "apt-get install -y postgresql-16'"),
        ("ID=fedora", .root, "dnf install", "-y postgresql16-server"), ("ID=fedora", .sudo, "sudo dnf install", "-y postgresql16-server"),
        ("ID=\"alpine\"", .su, "su -c 'apk", "add postgresql16'"),
    ])
    func rootNeedsNoSudo(_ release: String, _ rights: InstallCommand.Rights, _ begin: String, _ end: String) {
        let command = InstallCommand.forSystem(release: release, major: "16", rights)
        #expect(command.hasPrefix(begin) && command.hasSuffix(end), "\(command)")
        #expect(command.contains("sudo") == (rights == .sudo))
    }
}

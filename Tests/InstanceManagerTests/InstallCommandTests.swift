import Basics
import Testing

@testable import InstanceManager

/// Commands that can be typed as they are printed.
@Suite struct InstallCommandTests {
    @Test(arguments: [("12", false), ("13", true), ("18", true), ("99", false), ("15.3", false), ("", false)])
    func onlyMajorsThatThereAreAreAdvised(_ major: String, _ known: Bool) {
        #expect(InstallCommand.knows(major) == known)
        let help = ToolchainError.missing(major: major, found: []).help ?? ""
        #expect(help.contains("Run ") == known && help.contains("--pg"))
        // Data want their own version.
        let data = ToolchainError.missing(major: major, found: [], isOfData: true).help ?? ""
        #expect(data.contains("Run ") == known && !data.contains("--pg"))
    }

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

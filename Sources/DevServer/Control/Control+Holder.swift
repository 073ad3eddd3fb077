internal import Basics
internal import InstanceManager
internal import Loop
internal import Registry

/// Whose a server is. A name that nobody wrote down is a folder's, and two folders may have the same by chance: then one must
/// neither take the other's server nor see its data. Names that somebody wrote down are shared freely.
extension Control {
    enum Holder: Sendable, Equatable {
        /// Made by its name, outside of any project.
        case nobody
        case here
        /// Another folder, whose server it is still.
        case elsewhere(String)
        /// A folder that is gone, or goes by another name now.
        case left(String, why: String)

        var isLeft: Bool { if case .left = self { true } else { false } }
    }

    func holder(of record: InstanceRecord, for project: Project) async throws(DevError) -> Holder {
        guard let folder = record.project else { return .nobody }
        return try await loop.blocking { () throws(DevError) in Self.holder(folder, record.name, for: project) }
    }

    /// Blocks. - Parameter folder: the one that the server was made for.
    static func holder(_ folder: String, _ name: InstanceName, for project: Project) -> Holder {
        if let here = project.folder, here == folder || Folder.same(here, folder) { return .here }
        guard Folder.exists(folder) else { return .left(folder, why: "is no longer there") }
        // A dev.toml that can't be read says nothing of its name.
        guard let other = try? Project.find(from: folder), other.folder != folder || other.name != name else { return .elsewhere(folder) }
        return .left(folder, why: "goes by another name now")
    }

    /// - Throws: `exists` when the name is a folder's, and the server another's. Only `dev up` takes what was left.
    func check(_ project: Project, takes: Bool) async throws(DevError) {
        guard project.nameIsFolders, let record = await manager.status(project.name)?.record else { return }
        // What is written down is known to every command; a name on a command line is that command's alone.
        let own =
            "write name = \"NAME\" at the top of \(project.folder ?? "")/dev.toml and run dev up; or give a NAME to dev up, and again to "
            + "every other command (dev url NAME)"
        switch try await holder(of: record, for: project) {
        case .nobody, .here: return
        case .elsewhere(let other):
            throw DevError(
                .exists, "\(record.name) is the server of another project, \(other)", object: record.name.text,
                cause: "both folders have that name", help: "To have one of its own, \(own)")
        case .left(let other, let why):
            if takes { return }
            throw DevError(
                .exists, "\(record.name) is the server of \(other), which \(why)", object: record.name.text,
                help: "If that project is here now, run dev up; if it is another, \(own)")
        }
    }

    /// What is told when a folder gets a server that it did not make.
    static func note(_ holder: Holder, _ record: InstanceRecord, _ project: Project) -> String? {
        guard let folder = project.folder else { return nil }
        switch holder {
        case .here, .elsewhere: return nil
        case .nobody:
            return project.nameIsFolders ? "\(record.name) was there already, and is the server of \(folder) from now on" : nil
        case .left(let other, let why):
            return "\(record.name) was the server of \(other), which \(why): it is that of \(folder) from now on. "
                + "If that was another project, write name = \"NAME\" into \(folder)/dev.toml and run dev up again"
        }
    }
}

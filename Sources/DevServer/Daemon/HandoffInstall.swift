internal import Basics
internal import Files
internal import HandoffImage
internal import InstanceManager

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Puts the hand-off library, which this program carries, where the servers' user can read it: the loader passes over one
/// that it can't read without a word. Blocks: use `Loop.blocking`.
enum HandoffInstall {
    static func run(_ layout: HomeLayout) -> HandoffSupport {
        let image = HandoffLibrary.image
        guard !image.isEmpty else { return HandoffSupport(path: nil, reason: "this system has no hand-off library") }
        let path = layout.library + "/handoff-\(HandoffLibrary.hash).so"
        do throws(DevError) {
            try DurableFile.makeFolder(layout.library, mode: 0o755)
            if (try? DurableFile.read(path, limit: image.count)) != image { try DurableFile.write(image, to: path, mode: 0o644) }
            return HandoffSupport(path: path)
        } catch {
            return HandoffSupport(path: nil, reason: "the library can't be written: \(error.cause ?? error.message)")
        }
    }
}

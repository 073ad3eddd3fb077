import Foundation

/// The seeds and findings of a fuzzer (`Fuzz/`), which tests replay.
public enum FuzzInputs {
    /// - Returns: name and bytes; none if the folder of this source file is not where it was built.
    public static func all(_ target: String, sourceFile: String = #filePath) -> [(name: String, bytes: [UInt8])] {
        let root = URL(fileURLWithPath: sourceFile).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return ["seeds", "findings"].flatMap { kind in
            let folder = root.appendingPathComponent("Fuzz/\(kind)/\(target)")
            let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
            return files.sorted { $0.path < $1.path }.compactMap { file in
                (try? Data(contentsOf: file)).map { ("\(kind)/\(file.lastPathComponent)", Array($0)) }
            }
        }
    }
}

import CFuzzer
import Foundation

@main
enum Fuzz {
  static func main() {
    guard target != nil else {
      print("FUZZ_TARGET is none of \(targets.keys.sorted().joined(separator: ", "))")
      exit(2)
    }
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv as UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        if let target = Fuzz.target {
          do {
            try run(target, on: Array(UnsafeBufferPointer(start: data, count: size)))
          } catch {
            fatalError("\(error)")
          }
        }
        return 0
      })
  }

  private static let target = targets[ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""]
}

import Foundation

extension Error {
  /// Why a file could not be read or written, as every command says it: "No space left
  /// on device".  Foundation's own descriptions are other words for it, not in ASCII.
  package var systemReason: String {
    let under = (self as? CocoaError)?.userInfo[NSUnderlyingErrorKey]
    if let system = self as? POSIXError ?? under as? POSIXError {
      return String(cString: strerror(system.code.rawValue))
    }
    switch (self as? CocoaError)?.code {
    case .fileWriteOutOfSpace: return String(cString: strerror(ENOSPC))
    case .fileWriteNoPermission, .fileReadNoPermission: return String(cString: strerror(EACCES))
    case .fileWriteVolumeReadOnly: return String(cString: strerror(EROFS))
    case .fileNoSuchFile, .fileReadNoSuchFile: return String(cString: strerror(ENOENT))
    default: return localizedDescription
    }
  }
}

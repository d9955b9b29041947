import CCrypto

/// SHA-256 of bytes, computed by the system's libcrypto.
///
/// Source: FIPS 180-4; `EVP_sha256()` of OpenSSL 1.1 and later.
package final class SHA256 {
  private let context: OpaquePointer?

  /// Starts with no bytes.
  package init() {
    context = EVP_MD_CTX_new()
    precondition(
      context != nil && EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1,
      "libcrypto has no SHA-256, or there is no memory")
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(status == 1, "libcrypto cannot compute a SHA-256")
  }

  /// Adds bytes.
  package func update(_ bytes: some Sequence<UInt8>) {
    let added: Void? = bytes.withContiguousStorageIfAvailable {
      update(UnsafeRawBufferPointer($0))
    }
    if added == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  /// The digest of all bytes added, 32 of them; nothing can be added afterwards.
  package func finalize() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let status = EVP_DigestFinal_ex(context, &digest, nil)
    precondition(status == 1, "libcrypto cannot compute a SHA-256")
    return digest
  }

  /// The digest of bytes.
  package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let hash = SHA256()
    hash.update(bytes)
    return hash.finalize()
  }
}

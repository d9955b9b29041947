import DMAAxes

/// What memory exposes after the request has ended.
///
/// A page that goes back decrypted is handed to whoever allocates it next, and so is
/// what that one writes: to the host of a guest, or in plaintext to DRAM.
@inlinable public func exposureAfter(platform: Platform, after: LifeAnswer) -> Exposure {
  switch after.state {
  case .same, .leftPrivate, .poolPrivate: .none
  case .leftShared, .poolShared: platform.exposureOfSharedMemory
  }
}

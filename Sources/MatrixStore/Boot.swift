import DMAModel

/// One kernel on one machine with one command line.
struct Boot: Sendable {
  let kernel: KernelVersion
  let kernelID: Int
  let configuration: BootConfiguration
  let platformID: Int
  let machineID: Int

  var platform: Platform { configuration.platform }
  var iommu: IOMMUMode { configuration.iommu }
  var swiotlb: SwiotlbMode { configuration.swiotlb }
  var machine: Machine { configuration.machine }

  /// Mixed radix of the five axes; the same in every database for values that
  /// every database has.
  var id: Int64 {
    var id = Int64(kernelID)
    id = id * 32 + Int64(platformID)
    id = id * 8 + Int64(iommu.rawValue)
    id = id * 8 + Int64(swiotlb.rawValue)
    return id * 16 + Int64(machineID)
  }
}

extension MatrixDomain {
  /// The boots of the domain's part that exist, in the order of their ids.
  ///
  /// - Parameter excluded: Called for each combination that does not exist.
  func boots(excluded: (KernelVersion, Platform, Exclusion) -> Void) -> [Boot] {
    var boots: [Boot] = []
    let numbers = AxisNumbers(self)
    let configurations = self.boots
    for (kernelID, kernel) in numberedKernels {
      for configuration in configurations {
        let platform = configuration.platform
        if let rule = kernel.policy.exclusion(of: configuration) {
          excluded(kernel, platform, rule)
          continue
        }
        guard kernel.answers(configuration) else {
          excluded(kernel, platform, .notRecorded)
          continue
        }
        boots.append(
          Boot(
            kernel: kernel, kernelID: kernelID, configuration: configuration,
            platformID: numbers.platform(platform),
            machineID: machines.firstIndex { $0.name == configuration.machine.name } ?? 0))
      }
    }
    return boots
  }

  /// Kernels with their ids: the position in `KernelVersion.known`, others after it.
  var numberedKernels: [(id: Int, kernel: KernelVersion)] {
    var next = KernelVersion.known.count
    let numbered = kernels.map { kernel -> (id: Int, kernel: KernelVersion) in
      if let id = KernelVersion.known.firstIndex(of: kernel) { return (id, kernel) }
      defer { next += 1 }
      return (next, kernel)
    }
    return numbered.sorted { $0.id < $1.id }
  }
}

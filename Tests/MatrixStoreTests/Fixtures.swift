import DMAModel
import MatrixStore

/// A small domain with every kind of answer: two kernels, an SME host and a
/// platform without encryption, every request.
var smallDomain: MatrixDomain {
  var domain = MatrixDomain()
  domain.kernels = KernelVersion.all.filter { ["6.12", "v6"].contains($0.name) }
  domain.platforms = [.x86SME47, .arm64]
  domain.coherentMasks = [.same, .bits32]
  domain.busLimits = [.none]
  return domain
}

func generate(_ domain: MatrixDomain, to path: String, jobs: Int = 2) throws -> GenerationSummary {
  try MatrixGenerator(domain: domain, jobs: jobs, toolVersion: "test").generate(to: path)
}

/// The kernel's DMA mapping decision as a pure function, one policy per kernel.
///
/// Read it in this order: ``Policy`` and ``KernelVersion`` say what differs,
/// ``Machine`` and ``BootedKernel`` what a boot leaves behind, and `Kernel/` what
/// the mapping code then does, function by function under the kernel's names.
@_exported import DMAAxes
@_exported import DMAHardware

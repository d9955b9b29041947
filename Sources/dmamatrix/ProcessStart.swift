import Foundation

/// What a command may take for granted of the process it runs in.
enum ProcessStart {
  /// Files that a command may have open at once, with those of the libraries.
  private static let descriptors: rlim_t = 64

  /// Threads that a command may have beside those of its CPUs: libdispatch's and
  /// Foundation's own, and one that watches the time.
  private static let threads = 3

  /// Refuses to run without a command line: Swift reads it from /proc, and every command
  /// would be taken for none where that is not mounted.
  private static func requireArguments() throws(UsageError) {
    guard CommandLine.arguments.isEmpty else { return }
    throw UsageError(
      description: "the command line cannot be read; expected /proc to be mounted "
        + "(mount -t proc proc /proc)")
  }

  /// Refuses a limit of processes that leaves too few threads: libdispatch tries for ever
  /// to start one that the system refuses (`_dispatch_root_queue_poke_slow()`).
  private static func requireThreads() throws(UsageError) {
    let wanted = ProcessInfo.processInfo.activeProcessorCount + threads
    let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(gate, nil)
    pthread_mutex_lock(gate)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // They only wait; a limit of memory is another matter.
    pthread_attr_setstacksize(&attributes, 64 << 10)
    var started: [pthread_t] = []
    var code: Int32 = 0
    while code == 0, started.count < wanted {
      var thread = pthread_t()
      code = pthread_create(
        &thread, &attributes,
        { gate in
          let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self)
          if let gate, pthread_mutex_lock(gate) == 0 { pthread_mutex_unlock(gate) }
          return nil
        }, gate)
      if code == 0 { started.append(thread) }
    }
    pthread_mutex_unlock(gate)
    for thread in started { pthread_join(thread, nil) }
    pthread_attr_destroy(&attributes)
    pthread_mutex_destroy(gate)
    gate.deallocate()
    guard code == 0 else {
      throw UsageError(
        description: "only \(started.count) threads can be started "
          + "(\(String(cString: strerror(code)))); expected a limit of processes that leaves "
          + "\(wanted) ('ulimit -u')")
    }
  }

  /// Opens what a shell closed, and refuses too few open files, of which the system's
  /// libraries would not survive the lack.
  static func prepare() throws(UsageError) {
    // A file that is opened must not become standard output. Nothing can be written to
    // what stands in for a closed one: a result that is lost is an error.
    for (file, flags) in [
      (STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY),
    ]
    where fcntl(file, F_GETFD) < 0 {
      _ = open("/dev/null", flags)
    }
    try requireArguments()
    try requireThreads()
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    guard limit.rlim_cur < descriptors else { return }
    limit.rlim_cur = min(limit.rlim_max, descriptors)
    guard limit.rlim_cur == descriptors,
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    else {
      throw UsageError(
        description: "only \(limit.rlim_max) files can be open at once; expected a limit of "
          + "\(descriptors) or more ('ulimit -n')")
    }
  }
}

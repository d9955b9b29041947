import CLinux

/// What bounds the C compiler, whose input is a tree's code.
public enum Confinement {
  /// Whether this kernel has Landlock, by which the compiler reads the tree and the
  /// toolchain and nothing else.
  public static let isComplete = landlockVersion > 0

  /// 0 where it is missing; from 6 on the compiler can send no signal to others.
  static let landlockVersion = max(0, Int(landlock_version()))

  /// What holds without, for a question.
  public static let missing =
    "this kernel has no Landlock: what you may read the tree can have compiled into its program"
}

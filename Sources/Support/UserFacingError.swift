/// An error that a user meets: its description says what is wrong and what is accepted.
///
/// Libraries conform to it; one place of the command-line tool prints it.
public protocol UserFacingError: Error, CustomStringConvertible {
  /// The exit status of the command that it ends.
  ///
  /// The default is 2, something that the user must correct.
  var exitStatus: Int32 { get }
  /// Whether the description is one sentence, so that a line break in it comes from a name.
  ///
  /// The default is true.
  var isOneSentence: Bool { get }
}

extension UserFacingError {
  public var exitStatus: Int32 { 2 }
  public var isOneSentence: Bool { true }
}

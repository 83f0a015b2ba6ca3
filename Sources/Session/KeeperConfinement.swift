internal import Confinement
internal import Linux

extension KeeperSettings {
  /// With a keeper's filter, checked against its rules; `skip` is honoured in the test build only.
  static func confining(_ skip: CellStep?) throws(SessionError) -> KeeperSettings {
    do { return KeeperSettings(filter: try SeccompProgram.keeper().instructions, skip: skip) } catch
    {
      throw SessionError("cannot prepare the keeper's system-call filter: \(error)")
    }
  }
}

extension Keeper {
  /// What is in force of its confinement; `name` is what the record calls it.
  borrowing func checks(_ name: String) throws(SessionError) -> [SealCheck] {
    let comparison = KeeperComparison(name, process: process, facts: facts)
    return try doing("read a keeper's state back", hint: SessionError.ofMachine) {
      () throws(Errno) in try comparison.checks()
    }
  }
}

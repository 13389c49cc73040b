/// An error met in a walk, as a problem at a position.
func describe(_ error: any Error, _ position: UInt64) -> (position: UInt64, what: String) {
  switch error {
  case let fault as ChunkFault: return (fault.position, fault.what)
  case let fault as ControlFault: return (position, fault.text)
  case let fault as TableFault: return (fault.inLog.position ?? position, fault.inLog.what)
  case let error as EventStoreError: return (position, error.message)
  case let error as any SystemFailure: return (position, "\(error.operation): \(error.text)")
  default: return (position, "\(error)")
  }
}

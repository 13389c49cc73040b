import Projections

extension FitVerdict {
  var json: JSONValue {
    var members: [(String, JSONValue)] = [("code", .string(code.rawValue))]
    if let parameter { members.append(("parameter", .string(parameter))) }
    members += [("message", .string(message)), ("remedy", .string(remedy))]
    return .object(members)
  }
}

/// What the type parameters met so far stand for.
struct Substitution {
  private var bindings: [String: Type] = [:]
  /// What each binding replaced, so that a trial can be undone without a copy.
  private var trail: [(name: String, previous: Type?)] = []
  private var freshCount = 0

  /// A point to go back to.
  var mark: Int { trail.count }

  /// Undoes all bindings made since the mark.
  mutating func undo(to mark: Int) {
    while trail.count > mark, let entry = trail.popLast() {
      bindings[entry.name] = entry.previous
    }
  }

  /// Makes the types agree or leaves everything as it was.
  mutating func unifyOrUndo(_ left: Type, _ right: Type) -> Bool {
    let mark = mark
    if unify(left, right) { return true }
    undo(to: mark)
    return false
  }

  private mutating func set(_ name: String, _ type: Type) {
    trail.append((name, bindings[name]))
    bindings[name] = type
  }

  /// A parameter that is used nowhere else.
  mutating func fresh() -> Type {
    freshCount += 1
    return .parameter("_\(freshCount)")
  }

  /// The overload's own parameters replaced by fresh ones, the same name by the same.
  mutating func instantiate(_ types: [Type]) -> [Type] {
    var names: [String: Type] = [:]
    return types.map { instantiate($0, &names) }
  }

  private mutating func instantiate(_ type: Type, _ names: inout [String: Type]) -> Type {
    switch type {
    case .parameter(let name):
      if let known = names[name] { return known }
      let new = fresh()
      names[name] = new
      return new
    case .list(let element): return .list(instantiate(element, &names))
    case .map(let key, let value):
      return .map(instantiate(key, &names), instantiate(value, &names))
    default: return type
    }
  }

  /// The type with its outermost parameter replaced.
  func head(_ type: Type) -> Type {
    var type = type
    while case .parameter(let name) = type, let bound = bindings[name] { type = bound }
    return type
  }

  /// The type with every parameter replaced; one that nothing bound is `dyn` when `isFinal`.
  func resolve(_ type: Type, isFinal: Bool = false) -> Type {
    switch head(type) {
    case .parameter(let name): isFinal ? .dyn : .parameter(name)
    case .list(let element): .list(resolve(element, isFinal: isFinal))
    case .map(let key, let value):
      .map(resolve(key, isFinal: isFinal), resolve(value, isFinal: isFinal))
    case let other: other
    }
  }

  /// Makes the types agree, binding parameters; `dyn` agrees with everything. False where they cannot; then
  /// bindings may have been made all the same.
  mutating func unify(_ left: Type, _ right: Type) -> Bool {
    let a = head(left)
    let b = head(right)
    switch (a, b) {
    case (_, .parameter(let name)):
      // The newer of two parameters usually stands right: so all point at the oldest, without long chains.
      return bind(name, a)
    case (.parameter(let name), _):
      return bind(name, b)
    case (.dyn, _), (_, .dyn):
      generalize(left, a, b)
      return true
    case (.list(let x), .list(let y)):
      let agree = unify(x, y)
      generalize(left, a, b)
      return agree
    case (.map(let xKey, let xValue), .map(let yKey, let yValue)):
      let agree = unify(xKey, yKey) && unify(xValue, yValue)
      generalize(left, a, b)
      return agree
    default:
      return a == b
    }
  }

  private mutating func bind(_ name: String, _ type: Type) -> Bool {
    if case .parameter(name) = type { return true }
    if occurs(name, in: type) { return false }
    set(name, type)
    return true
  }

  /// A parameter that was bound to `a` and met `b` stands for the more general of both.
  private mutating func generalize(_ left: Type, _ a: Type, _ b: Type) {
    guard case .parameter(var name) = left else { return }
    while case .parameter(let next) = bindings[name] { name = next }
    if bindings[name] != nil { set(name, moreGeneral(a, b)) }
  }

  /// Of two types that agree, the one that says less.
  func moreGeneral(_ left: Type, _ right: Type) -> Type {
    switch (head(left), head(right)) {
    case (.dyn, _), (_, .dyn): .dyn
    case (.list(let x), .list(let y)): .list(moreGeneral(x, y))
    case (.map(let xKey, let xValue), .map(let yKey, let yValue)):
      .map(moreGeneral(xKey, yKey), moreGeneral(xValue, yValue))
    case (let other, .parameter): other
    case (.parameter, let other): other
    case (let other, _): other
    }
  }

  private func occurs(_ name: String, in type: Type) -> Bool {
    switch head(type) {
    case .parameter(let other): other == name
    case .list(let element): occurs(name, in: element)
    case .map(let key, let value): occurs(name, in: key) || occurs(name, in: value)
    default: false
    }
  }
}

/// Rules made flat for ``TruthFold``: conditions as formulas over *atoms*, and what an event does to each atom.
///
/// An atom is one comparison of a fact with a constant, or of an age with a length; what has no such form is a *general*
/// atom, which the tree evaluator answers. Each atom is one bit in three words: true, false, failed; an atom whose fact is
/// unset has none. Immutable, shared by threads.
struct TruthPlan: Sendable {
  var atoms: [Atom] = []
  /// Formulas of all conditions, operands before what reads them.
  var formulas: [Formula] = []
  /// By condition (a transition, or a stage with conditions); -1 for the last stage of those.
  var conditionRoots: [Int32] = []
  /// The comparisons that an anchor may hang on, by condition.
  var comparisons: [[Comparison]] = []
  /// By feed, for the first of each group; others have none.
  var series: [Series] = []
  /// What becomes of atoms by time alone; at most one an atom.
  var flips: [Flip] = []
  var stages: [Stage] = []
  /// Words before any event.
  var start = Words()
  /// Atoms that entering a stage makes false: ages of the stage.
  var entryFalse: UInt64 = 0
  /// Those with a flip, and after how long.
  var stageAges: [StageAge] = []
  /// Atoms that entering a stage makes true: ages of no length.
  var entryTrue: UInt64 = 0
  var generalAtoms: UInt64 = 0
  /// General atoms that read the stage.
  var stageAtoms: UInt64 = 0
  /// Facts whose values the tree evaluator has to know at any time, by feed.
  var needsState: [Bool] = []
  /// The greatest bound of a `distinct`: so many values are remembered for each.
  var longestDistinct = 1

  struct StageAge: Sendable, BitwiseCopyable {
    var flip: Int
    /// Microseconds.
    var length: Int64
  }

  struct Words: Sendable, Equatable {
    var isTrue: UInt64 = 0
    var isFalse: UInt64 = 0
    var isFailed: UInt64 = 0
  }

  struct Atom: Sendable, Hashable {
    enum Form: UInt8, Sendable {
      /// The count (sum, number of distinct values, greatest value) is at least `bound`.
      case countAtLeast, sumAtLeast, distinctAtLeast, greatestAtLeast
      case leastAtMost
      /// The last (first) value compared with `bound`.
      case lastCompares, firstCompares
      /// The last (first) event is at least `bound` microseconds ago.
      case lastIsOld, firstIsOld
      /// The stage was entered at least `bound` microseconds ago.
      case stageIsOld
      /// `bound` is the node that the tree evaluator is asked for.
      case general
    }
    var form: Form
    /// The fact's feed; -1 without.
    var feed: Int
    var bound: Int64
    var comparison = ProgramNode.Comparison.equal
  }

  struct Formula: Sendable {
    enum Kind: UInt8, Sendable { case isTrue, isFalse, atom, not, and, or }
    var kind: Kind
    /// An operand, or the number of an atom.
    var a: Int32 = 0
    var b: Int32 = 0
  }

  struct Comparison: Sendable {
    var node: Int32
    /// The formula that it became; -1 where it stands in a general atom.
    var formula: Int32
    var feeds: [Int]
  }

  /// What an event that feeds a group of facts does.
  struct Series: Sendable {
    var effects = Effects()
    var operations: [Operation] = []
    /// Facts that the tree evaluator has to know, by feed.
    var states: [Int] = []
  }

  /// What an event does to its series and its atoms, whatever came before.
  struct Effects: Sendable, BitwiseCopyable {
    /// Instants, events and values are kept (a plain count needs none of them).
    var keepsMembers = false
    var keepsSums = false
    /// Atoms that are decided.
    var setTrue: UInt64 = 0
    var setFalse: UInt64 = 0
    /// Atoms that the event may decide, general ones included.
    var touched: UInt64 = 0
    var general: UInt64 = 0
  }

  struct Operation: Sendable {
    enum Code: UInt8, Sendable {
      /// Sets the atom's flip only.
      case flip
      case countAll, countWithin, sumAll, sumWithin, last, first, firstTime, greatest, least,
        distinct
    }
    var code: Code
    var bit: UInt64
    var flip: Int32
    var bound: Int64
    /// Microseconds; 0 for all time. For ages the length.
    var within: Int64
    var comparison: ProgramNode.Comparison
  }

  /// What becomes of an atom by time alone.
  struct Flip: Sendable {
    enum Kind: UInt8, Sendable {
      /// It gets `setTrue` and `setFalse`, or neither.
      case constant
      /// Other members may still stand in the window, beyond the bound.
      case extreme
      case general
    }
    var kind: Kind
    var atom: Int
    var setTrue: UInt64 = 0
    var setFalse: UInt64 = 0
    /// For extremes.
    var series = 0
    var within: Int64 = 0
  }

  struct Stage: Sendable {
    var masks = Masks()
    /// Conditions to be tried, in file order.
    var candidates: [Int32] = []
  }

  /// What is looked at while a customer is in a stage.
  struct Masks: Sendable, BitwiseCopyable {
    /// Literals that can make a condition true that leaves the stage.
    var risesTrue: UInt64 = 0
    var risesFalse: UInt64 = 0
    /// Any change of these is looked at: a condition may end in an error, or the stage ends when its own one does.
    var watched: UInt64 = 0
    /// Atoms of which conditions that leave the stage know.
    var matters: UInt64 = 0
    /// Flips that can bring a literal, as bits.
    var wakes: UInt64 = 0
    /// Conditions that may end in an error.
    var mayFail: UInt64 = 0
  }
}

import EventStore
import Testing

@testable import Projections

/// Who is whom by links, taken at once or one part after the other.
@Suite struct IdentityTests {
  typealias Numbers = ValidityTests.Numbers

  /// Names of subjects by their numbers; those behind `count` are strangers.
  private static func name(_ number: Int) -> [UInt8] { Array("s\(number)".utf8) }

  private static func number(of name: [UInt8], below count: Int) -> UInt32? {
    (0..<count).first { Self.name($0) == name }.map { UInt32($0) }
  }

  /// Random links among subjects, some of whom nobody knows yet.
  private func links(_ numbers: inout Numbers, subjects: Int, strangers: Int) -> [Identity.Link] {
    (0..<60).map { index in
      Identity.Link(
        occurred: Int64(numbers.next(40)), position: UInt64(index),
        subject: UInt32(numbers.next(subjects)),
        named: Self.name(numbers.next(subjects + strangers)))
    }.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
  }

  private func kept(_ identity: Identity) throws -> Identity.Joins {
    let bytes = JoinCoding.encoded(identity.joins, faults: identity.faults)
    return try JoinCoding.decoded(bytes)
  }

  @Test
  func `links taken in two parts give what all at once give, where strangers became subjects`()
    throws
  {
    for seed in 1...200 {
      var numbers = Numbers(state: UInt64(seed))
      let (subjects, more) = (12, 15)
      let links = links(&numbers, subjects: subjects, strangers: 8)
      let cut = numbers.next(links.count + 1)
      let first = Identity(links: Array(links[..<cut]), subjectCount: subjects) {
        Self.number(of: $0, below: subjects)
      }
      let all = Identity(links: links, subjectCount: more) { Self.number(of: $0, below: more) }

      let restored = Identity(try kept(first), subjectCount: more) { Self.name(Int($0)) }
      var again = try #require(restored)
      #expect(again.isBefore(Array(links[cut...])))
      again.take(Array(links[cut...])) { Self.number(of: $0, below: more) }

      #expect(again.roots() == all.roots(), "seed \(seed), cut \(cut)")
      #expect(again.faults == all.faults, "seed \(seed), cut \(cut)")
      let (found, wanted) = (again.joins, all.joins)
      #expect(found.followers.map(\.subject) == wanted.followers.map(\.subject))
      #expect(found.followers.map(\.follows) == wanted.followers.map(\.follows))
      #expect(found.strangers.map(\.name) == wanted.strangers.map(\.name))
      #expect(found.strangers.map(\.follows) == wanted.strangers.map(\.follows))
      if cut > 0 && cut < links.count {
        #expect(
          found.last.map {
            $0 == (links[links.count - 1].occurred, links[links.count - 1].position)
          } == true)
        #expect(!again.isBefore([links[0]]))
      }
    }
  }

  @Test func `joins that no links come to are refused`() {
    func restored(_ pairs: [(UInt32, UInt32)], subjects: Int = 5) -> Identity? {
      let joins = Identity.Joins(
        subjects: subjects, followers: pairs.map { (subject: $0.0, follows: $0.1) })
      return Identity(joins, subjectCount: 5) { Self.name(Int($0)) }
    }
    #expect(restored([(0, 1), (1, 2), (4, 2)])?.roots() == [2, 2, 2, 3, 2])
    #expect(restored([(0, 1), (1, 2), (2, 0)]) == nil)
    #expect(restored([(3, 4), (4, 3)]) == nil)
    #expect(restored([(0, 5)]) == nil)
    #expect(restored([(5, 0)]) == nil)
    #expect(restored([(0, 1)], subjects: 6) == nil)
    let stranger = Identity.Joins(subjects: 2, strangers: [(Self.name(7), 2)])
    #expect(Identity(stranger, subjectCount: 5) { Self.name(Int($0)) } == nil)
  }
}

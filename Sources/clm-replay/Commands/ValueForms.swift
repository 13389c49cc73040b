import Projections

/// The forms of `value`, which are more than those of `--format`: a file may hold a picture or text.
enum ValueForms {
  enum Form: String, CaseIterable {
    case text = "txt"
    case json, ndjson, csv, svg

    init(_ format: OutputFormat) {
      switch format {
      case .table: self = .text
      case .json: self = .json
      case .ndjson: self = .ndjson
      case .csv: self = .csv
      }
    }
  }

  struct Destination {
    /// `-` is standard output.
    var path: String
    var form: Form
  }

  /// A file has the form of its name, standard output the one of `--format`: text unless given. With a file, standard output gets
  /// what `--format` asks for beside it.
  static func destinations(_ global: GlobalOptions, output: String?) throws -> [Destination] {
    let standard = Form(global.format ?? .table)
    guard let output, output != "-" else { return [Destination(path: "-", form: standard)] }
    guard let name = Forms.name(of: output) else {
      return [Destination(path: output, form: standard)]
    }
    guard let form = Form(rawValue: name) else {
      throw ValueOptions.usage(
        "`value` does not write \(name)",
        help: "name a file .svg, .csv, .ndjson, .json or .txt, or one without an extension")
    }
    let file = Destination(path: output, form: form)
    if global.format == nil || standard == form { return [file] }
    return [file, Destination(path: "-", form: standard)]
  }
}

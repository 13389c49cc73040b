import Mustache

/// Pages made from templates. What stands in `{{…}}` is escaped, and control characters are spelled out.
enum HTMLPage {
  /// - Parameters:
  ///   - body: a template of what stands in `<body>`.
  ///   - style: more rules, behind those that all pages have.
  ///   - values: a value whose members the template names; lists of none or one stand for what may be missing.
  static func render(
    title: String, body: String, style more: String = "", _ values: some Sendable
  ) throws -> String {
    let content = try MustacheTemplate(string: body).render(values)
    let page = try MustacheTemplate(string: frame)
    return page.render(
      Frame(
        title: title.printable, style: more.isEmpty ? style : "\(style)\n\(more)", content: content)
    )
  }

  private struct Frame: Sendable {
    var title: String
    var style: String
    var content: String
  }

  private static let frame = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}</title>
    <style>
    {{{style}}}
    </style>
    </head>
    <body>
    {{{content}}}
    </body>
    </html>

    """

  private static let style = """
    :root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --mark: #fff4c2; --good: #1a7f37; --bad: #b42318; --page: #fff }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d; --mark: #4d3f00; --good: #4ac26b; --bad: #ff7b72; --page: #0d1117 }
    }
    * { box-sizing: border-box }
    body { margin: 2rem auto; padding: 0 1rem; max-width: 62rem; color: var(--ink); background: var(--page); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word }
    h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: .5rem }
    h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid var(--line) }
    p.soft, .soft { color: var(--soft) }
    table { border-collapse: collapse; width: 100%; margin: .75rem 0; font-variant-numeric: tabular-nums }
    caption { text-align: left; font-weight: 600; padding-bottom: .25rem }
    th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line) }
    td { overflow-wrap: anywhere } td:last-child { white-space: nowrap } td.hash { white-space: normal }
    th { color: var(--soft); font-weight: 600 }
    tr.move td { font-weight: 600; border-top: 2px solid var(--ink) }
    tr.evidence td { background: var(--mark) }
    .holds { color: var(--good) } .fails { color: var(--bad) }
    ul.conditions { list-style: none; padding: 0 }
    code, pre, .hash { font-family: ui-monospace, monospace; font-size: .85em; overflow-wrap: anywhere }
    pre { white-space: pre-wrap; border: 1px solid var(--line); padding: .75rem }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem }
    dt { color: var(--soft) } dd { margin: 0 }
    footer { margin-top: 3rem; border-top: 2px solid var(--line); font-size: .9rem }
    @media (max-width: 40rem) { dl { grid-template-columns: 1fr } td, th { padding-right: .4rem } }
    @media print { body { margin: 0; max-width: none; font-size: 10pt } tr { break-inside: avoid } h2 { break-after: avoid } a { color: inherit } }
    """
}

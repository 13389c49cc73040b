/// How reports look, on light and dark ground and on paper, beside what all pages have.
enum ReportStyle {
  static let text = """
    :root {
      --c1: #64748b; --c2: #2271b3; --c3: #123c69; --c4: #0a7f6b; --c5: #ad8500; --c6: #5f2a9a; --c7: #a8406f;
      --lost: #c2410c; --lost2: #7c2d12; --calm: #7b8794; --track: #eef1f4; --grid: #e4e8ec;
      --heat0: #eff4f9; --heat1: #d3e3f2; --heat2: #a9cbe6; --heat3: #78aed8; --heat4: #2f76b0; --heat5: #1d5a90; --heat6: #0c3c68;
      --on0: #1b1f24; --on1: #1b1f24; --on2: #1b1f24; --on3: #1b1f24; --on4: #fff; --on5: #fff; --on6: #fff;
    }
    @media screen and (prefers-color-scheme: dark) {
      :root {
        --c1: #94a3b8; --c2: #4ea1e6; --c3: #b3d4f5; --c4: #34c3a4; --c5: #d9a93a; --c6: #dfc8fb; --c7: #f08fb8;
        --lost: #f97b4f; --lost2: #c9653d; --calm: #76828f; --track: #1c232c; --grid: #222a33;
        --heat0: #161d27; --heat1: #1b2d42; --heat2: #1f4061; --heat3: #255a8a; --heat4: #2f76b0; --heat5: #7bb6e8; --heat6: #c2def6;
        --on0: #e6edf3; --on1: #e6edf3; --on2: #e6edf3; --on3: #fff; --on4: #fff; --on5: #0d1117; --on6: #0d1117;
      }
    }
    @media print { :root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --good: #1a7f37; --bad: #b42318; --page: #fff } }
    body { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; font-size: 15px; -webkit-text-size-adjust: 100% }
    header.top { margin-bottom: 1.75rem }
    header.top p { margin: 0 }
    .kicker { color: var(--soft); font-size: .8rem; letter-spacing: .06em; text-transform: uppercase }
    h1 { font-size: 2rem; letter-spacing: -.015em; margin: .25rem 0 .35rem }
    h2 { border: 0; font-size: 1.2rem; letter-spacing: -.01em; margin: 0 0 .4rem }
    h3 { font-size: .9rem; font-weight: 600; margin: 0 0 .6rem }
    .tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); column-gap: 2rem; border-top: 2px solid var(--ink); border-bottom: 1px solid var(--line) }
    .tile { padding: .85rem 0 .95rem; display: grid; grid-template-columns: 1fr auto; align-content: start } .tile:nth-child(n+5) { border-top: 1px solid var(--line) }
    .tile > * { grid-column: 1 / -1 } .tile .value { grid-column: 1 } .tile .spark { grid-column: 2; grid-row: 2; align-self: center }
    .tile .name { color: var(--soft); font-size: .8rem; line-height: 1.3 }
    .tile .value { font-size: 1.5rem; font-weight: 600; letter-spacing: -.02em; line-height: 1.35; font-variant-numeric: tabular-nums }
    .tile .value.long { font-size: 1.2rem; line-height: 1.7 }
    .tile .change { font-size: .8rem; line-height: 1.35; color: var(--soft) }
    .tile .change.good { color: var(--good) } .tile .change.bad { color: var(--bad) }
    .spark { display: block; width: 5rem; height: 1.5rem }
    .spark path { fill: none; stroke: var(--c2); stroke-width: 1.5 }
    .findings { margin: 1.5rem 0 0; max-width: 52rem }
    .findings ul { margin: .3rem 0 0; padding-left: 1.1rem } .findings li { margin: .25rem 0 }
    nav { margin: 1.5rem 0 0; font-size: .85rem; line-height: 2 }
    nav a { color: var(--soft); margin-right: 1.1rem; text-decoration: none; border-bottom: 1px solid var(--line); white-space: nowrap }
    nav a:hover, nav a:focus { color: var(--ink); border-color: var(--ink) }
    .part { margin-top: 2.5rem; padding-top: 1.1rem; border-top: 1px solid var(--line) }
    .part > .head { max-width: 52rem } .part > .head p { margin: 0; color: var(--soft) }
    .figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2rem 3.25rem; margin-top: 1.4rem }
    figure { margin: 0; min-width: 0; container-type: inline-size } figure.wide { grid-column: 1 / -1 }
    .legend { list-style: none; margin: -.25rem 0 .75rem; padding: 0; font-size: .8rem; color: var(--soft); display: flex; flex-wrap: wrap; gap: .15rem 1.1rem } .legend li { max-width: 100%; overflow-wrap: anywhere }
    .legend i { display: inline-block; width: .7rem; height: .7rem; margin-right: .4rem; border-radius: 2px; background: currentColor; vertical-align: -.05rem }
    .legend i.line { height: 0; width: 1.4rem; background: none; border-top: 2px solid currentColor; border-radius: 0; vertical-align: .2rem }
    .legend i.dash, .legend i.dash1 { border-top-style: dashed } .legend i.dash2 { border-top-style: dotted }
    .legend i:not([class]), .legend i[class=""] { display: none }
    svg.plot { display: block; overflow: visible; width: 100% }
    svg.narrow { margin-left: 42px; width: calc(100% - 44px) } svg.wide { margin-left: 130px; width: calc(100% - 132px) }
    svg.plot text { font-size: 12px; fill: var(--ink); font-variant-numeric: tabular-nums }
    svg.plot text.tick, svg.plot text.small { font-size: 11px } svg.plot text.tick, svg.plot text.soft { fill: var(--soft) }
    svg.plot text.strong { font-weight: 600 }
    svg.plot text.halo { paint-order: stroke; stroke: var(--page); stroke-width: 4px; stroke-linejoin: round }
    .c1 { color: var(--c1); fill: var(--c1) } .c2 { color: var(--c2); fill: var(--c2) } .c3 { color: var(--c3); fill: var(--c3) }
    .c4 { color: var(--c4); fill: var(--c4) } .c5 { color: var(--c5); fill: var(--c5) } .c6 { color: var(--c6); fill: var(--c6) }
    .c7 { color: var(--c7); fill: var(--c7) } .lost { color: var(--lost); fill: var(--lost) } .lost2 { color: var(--lost2); fill: var(--lost2) }
    .calm { color: var(--calm); fill: var(--calm) } .ink { color: var(--ink); fill: var(--ink) }
    .track { fill: var(--track) } .end { fill: var(--ink) }
    .heat0 { fill: var(--heat0) } .heat1 { fill: var(--heat1) } .heat2 { fill: var(--heat2) } .heat3 { fill: var(--heat3) }
    .heat4 { fill: var(--heat4) } .heat5 { fill: var(--heat5) } .heat6 { fill: var(--heat6) }
    svg.plot text.on0 { fill: var(--on0) } svg.plot text.on1 { fill: var(--on1) } svg.plot text.on2 { fill: var(--on2) } svg.plot text.on3 { fill: var(--on3) }
    svg.plot text.on4 { fill: var(--on4) } svg.plot text.on5 { fill: var(--on5) } svg.plot text.on6 { fill: var(--on6) }
    rect.mark { stroke: var(--page); stroke-width: 1 } rect.cell { stroke-width: 2 } circle.mark { stroke: var(--page); stroke-width: 1 }
    .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round } .line.ink { stroke-width: 1.5 }
    .line.dash, .line.dash1 { stroke-dasharray: 6 4 } .line.dash2 { stroke-dasharray: 2 3 }
    .ribbon { fill-opacity: .5 } .mark:hover { opacity: .75 }
    .axis { stroke: var(--soft) } .grid { stroke: var(--grid) } .cut { stroke: var(--soft); stroke-dasharray: 2 3 }
    details { margin-top: .6rem; font-size: .85rem } summary { color: var(--soft); cursor: pointer; width: max-content } summary:hover { color: var(--ink) }
    .scroll { overflow-x: auto } .scroll:focus { outline: 2px solid var(--c2) } .list { margin-top: 1.4rem; font-size: .9rem }
    table { line-height: 1.35 } th { vertical-align: bottom; white-space: nowrap } td { white-space: nowrap; overflow-wrap: normal } td:last-child, th:last-child { padding-right: 0 }
    th.number, td.number { text-align: right }
    .list td { white-space: normal; overflow-wrap: break-word } .list td.number { white-space: nowrap; overflow-wrap: normal }
    .remark { color: var(--soft); font-size: .85rem; margin: .9rem 0 0; max-width: 52rem } .absent { color: var(--soft) }
    footer { border-top: 2px solid var(--ink); padding-top: .9rem; font-size: .85rem } footer h2 { font-size: 1rem }
    svg.plot text.brief { display: none }
    @container (max-width: 30rem) { svg.plot text.minor { display: none } svg.plot text.brief { display: inline } svg.wide { margin-left: 92px; width: calc(100% - 94px) } }
    @media (max-width: 60rem) { .figures { grid-template-columns: minmax(0, 1fr) } }
    @media (max-width: 40rem) { body { padding-top: 1.5rem } h1 { font-size: 1.6rem } .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); column-gap: 1.25rem } .tile:nth-child(n+3) { border-top: 1px solid var(--line) } .spark { width: 3rem } .tile .value { font-size: 1.3rem } .tile .value.long { font-size: 1.05rem } }
    @media print {
      body { padding: 0; font-size: 9.5pt } nav, details { display: none } .part { margin-top: 1.4rem; padding-top: .7rem } figure, .tile, .head, .list tr { break-inside: avoid } .head { break-after: avoid } .figures { break-before: avoid } .spark { width: 2.6rem }
      .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.1rem 2rem; margin-top: .8rem } * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
    }
    """
}

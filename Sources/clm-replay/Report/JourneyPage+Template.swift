extension JourneyPage {
  static let style = """
    ol.moves { list-style: none; margin: 1.4rem 0 0; padding: 0; border-left: 2px solid var(--line) }
    ol.moves > li { position: relative; padding: 0 0 1.4rem 1.4rem; break-inside: avoid } ol.moves h3 { font-size: 1rem; margin: 0 }
    ol.moves .dot { position: absolute; left: -.45rem; top: .35rem; width: .8rem; height: .8rem; border-radius: 50%; background: currentColor; border: 2px solid var(--page) }
    ol.moves p { margin: 0 } ul.conditions { margin: .4rem 0 0; font-size: .9rem } ul.conditions li { margin-top: .15rem }
    svg.plot text.over { fill: var(--page); font-weight: 600 } svg.plot text.c5-over { fill: #14181d }
    """

  static let template = """
    <header class="top">
    <p class="kicker">Customer journey</p>
    <h1>{{customer}}</h1>
    <p class="soft">{{subtitle}}</p>
    </header>
    <main>
    <div class="tiles">
    {{#tiles}}<div class="tile"><div class="name">{{name}}</div><div class="value">{{value}}</div><div class="change">{{note}}</div></div>
    {{/tiles}}
    </div>
    \(ReportPage.sectionTemplate)
    <section class="part" id="moves">
    <div class="head"><h2>Why each move happened</h2>
    <p>The latest first. {{next}}</p></div>
    <ol class="moves">
    {{#moves}}<li><span class="dot {{style}}"></span><h3>{{what}}</h3>
    <p class="soft">{{at}}, {{rule}}</p>
    {{#conditions}}{{#first()}}<ul class="conditions">{{/first()}}<li style="margin-left: {{indent}}em"><span class="{{kind}}">{{mark}}</span> {{text}}{{#isNew}} <strong>(became true now)</strong>{{/isNew}}</li>
    {{#last()}}</ul>{{/last()}}{{/conditions}}
    {{#evidence}}<details><summary>The events behind it</summary>
    <p class="soft">{{text}}</p>
    <div class="scroll" tabindex="0" role="group" aria-label="Events"><table><caption>Events</caption>
    <tr><th scope="col">Time (UTC)</th><th scope="col">Event</th><th scope="col">It says</th><th scope="col">Position</th></tr>
    {{#events}}<tr><td>{{at}}</td><td>{{what}}</td><td>{{says}}</td><td>{{position}}</td></tr>
    {{/events}}</table></div></details>
    {{/evidence}}</li>
    {{/moves}}</ol>
    {{#earlier}}<p class="remark">{{text}}</p>
    {{/earlier}}
    </section>
    <section class="part" id="events">
    <div class="head"><h2>Everything that happened</h2>
    <p>Events in the order of time; bold lines are changes of stage.</p></div>
    <div class="list scroll" tabindex="0" role="group" aria-label="Events and changes of stage"><table><caption>Events and changes of stage</caption>
    <tr><th scope="col">Time (UTC)</th><th scope="col">What happened</th><th scope="col">It says</th><th scope="col">Position</th></tr>
    {{#events}}<tr class="{{kind}}"><td>{{at}}</td><td>{{what}}</td><td>{{says}}</td><td>{{position}}</td></tr>
    {{/events}}</table></div>
    {{#cut}}<p class="remark">{{text}}</p>
    {{/cut}}
    </section>
    </main>
    \(ReportPage.receiptTemplate)
    """
}

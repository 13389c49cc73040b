// Run within a copy of a page: measures what a reader would see, and leaves it as JSON in the element `probe`.
(function () {
  const found = { width: innerWidth, overflow: document.documentElement.scrollWidth, charts: [], contrast: [] };
  const page = getComputedStyle(document.body).backgroundColor;
  function rgb(text) { return (text.match(/[\d.]+/g) || []).map(Number); }
  function luminance(color) {
    const [r, g, b] = color.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(a, b) {
    const [x, y] = [luminance(rgb(a)), luminance(rgb(b))].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  }
  function isShown(element) { return getComputedStyle(element).display !== 'none'; }
  function area(element) { const r = element.getBoundingClientRect(); return { l: r.left, t: r.top, r: r.right, b: r.bottom }; }
  for (const svg of document.querySelectorAll('svg[role=img]')) {
    const chart = { id: svg.getAttribute('aria-labelledby'), declared: Number(svg.dataset.marks), marks: 0, overlaps: [], outside: [], tables: 0 };
    const marks = [...svg.querySelectorAll('.mark')];
    // Marks of nothing have no area and are not made.
    chart.marks = marks.filter(m => { const a = area(m); return a.r - a.l > 0 || a.b - a.t > 0; }).length;
    const texts = [...svg.querySelectorAll('text')].filter(isShown).map(t => ({ text: t.textContent, a: area(t), e: t }));
    for (const t of texts) {
      if (t.a.l < -0.5 || t.a.r > innerWidth + 0.5) chart.outside.push(t.text);
      // What a cell, a column or nothing lies behind the text.
      const at = [(t.a.l + t.a.r) / 2, (t.a.t + t.a.b) / 2];
      const behind = marks.filter(m => m.tagName === 'rect' && (m.classList.contains('cell') || t.e.classList.contains('over')))
        .find(m => { const a = area(m); return a.l <= at[0] && at[0] <= a.r && a.t <= at[1] && at[1] <= a.b; });
      const ground = behind ? getComputedStyle(behind).fill : page;
      found.contrast.push({ what: chart.id + ': ' + t.text, ratio: contrast(getComputedStyle(t.e).fill, ground), least: 4.5 });
    }
    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
      const [p, q] = [texts[i].a, texts[j].a];
      const wide = Math.min(p.r, q.r) - Math.max(p.l, q.l), high = Math.min(p.b, q.b) - Math.max(p.t, q.t);
      if (wide > 1 && high > 3) chart.overlaps.push(texts[i].text + ' / ' + texts[j].text);
    }
    for (const m of marks) {
      if (m.classList.contains('cell') || m.classList.contains('ribbon')) continue;
      const style = getComputedStyle(m);
      const paint = style.fill === 'none' ? style.stroke : style.fill;
      found.contrast.push({ what: chart.id + ': mark ' + m.getAttribute('class'), ratio: contrast(paint, page), least: 3 });
    }
    const figure = svg.closest('figure');
    chart.tables = figure ? figure.querySelectorAll('details table').length : 0;
    found.charts.push(chart);
  }
  for (const element of document.querySelectorAll('h1, h2, h3, p, li, td, th, dt, dd, a, summary, .name, .value, .change')) {
    if (element.textContent.trim() === '') continue;
    found.contrast.push({ what: element.tagName + ': ' + element.textContent.trim().slice(0, 40), ratio: contrast(getComputedStyle(element).color, page), least: 4.5 });
  }
  const worst = {};
  for (const entry of found.contrast) if (entry.ratio < entry.least) worst[entry.what] = entry.ratio;
  found.contrast = worst;
  found.isDark = luminance(rgb(page)) < 0.2;
  const place = document.createElement('pre');
  place.id = 'probe';
  place.textContent = JSON.stringify(found);
  document.body.appendChild(place);
})();

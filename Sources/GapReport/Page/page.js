"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  // ---- Small parts. All text goes in as text: names and captions are strangers' words.

  function make(tag, settings = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(settings)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "text") node.textContent = value;
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

  /** A number to four significant places, as the tables show it. */
  function short(x) {
    if (x === null || x === undefined || !Number.isFinite(x)) return "undefined";
    const size = Math.abs(x);
    if (size === 0) return "0";
    if (size < 1e-4 || size >= 1e7) return x.toExponential(2);
    return x.toFixed(size >= 1000 ? 1 : size >= 100 ? 2 : size >= 10 ? 3 : 4);
  }

  function decoded(base64, width) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    const count = bytes.length / width;
    const out = width === 2 ? new Int16Array(count) : new Int32Array(count);
    for (let i = 0; i < count; i++) out[i] = width === 2 ? view.getInt16(2 * i, true) : view.getInt32(4 * i, true);
    return out;
  }

  function save(blob, name) {
    const address = URL.createObjectURL(blob);
    const link = make("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  function button(label, spoken, action) {
    const node = make("button", { type: "button", text: label, "aria-label": spoken });
    node.addEventListener("click", action);
    return node;
  }

  function ticks(low, high, wanted) {
    const span = high - low;
    if (!(span > 0)) return [low];
    const raw = span / Math.max(wanted, 1);
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const out = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) out.push(k * step);
    return out;
  }

  function tickText(x, list) {
    const step = list.length > 1 ? Math.abs(list[1] - list[0]) : Math.abs(x) || 1;
    const places = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
    if (step >= 1000) return grouped(Math.round(x)).replace("-", "\u2212");
    return (Math.abs(x) < step / 2 ? 0 : x).toFixed(places).replace("-", "\u2212");
  }

  const light = {
    ground: "#ffffff", ink: "#1c2127", quiet: "#59626d", line: "#d9dee4", image: "#0072b2", text: "#d55e00",
    accent: "#0a5ea8",
  };
  const dark = {
    ground: "#14171b", ink: "#e6e9ed", quiet: "#a3adb8", line: "#353c45", image: "#56b4e9", text: "#f08a4b",
    accent: "#7fbdf5",
  };
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (prefersDark.matches ? dark : light);
  const redraws = [];
  prefersDark.addEventListener("change", () => redraws.forEach((redraw) => redraw()));

  // ---- First screen.

  document.title = data.title;
  if (data.heading) byId("heading").textContent = data.heading;
  byId("measured").textContent = data.measured;
  byId("inputs").append(...data.inputs.map((input) => make("li", { text: input })));
  byId("footer").textContent =
    `EmbeddingGap ${data.version}, ${data.schema}, seed ${data.seed}. This page loads nothing and sends nothing.`;

  const warned = (item) => make("p", { class: "warning", text: `${item.message} (${item.code})` });
  const warning = (index) => warned(data.warnings[index]);

  function showCards(cards, warnings) {
    byId("cards").replaceChildren(...cards.map((card) => {
      const node = make("article", { class: "card" }, make("h3", { text: card.title }));
      for (const value of card.values) {
        const line = make("div", { class: card.values.length > 1 ? "value small" : "value" },
          make("b", { text: value.text }),
          value.label ? make("span", { text: value.label }) : null,
          value.interval ? make("span", { text: value.interval, title: "95% interval" }) : null);
        const scale = make("div", { class: "scale", "aria-hidden": "true" });
        if (value.low !== undefined && value.low !== null) {
          const bar = make("i");
          bar.style.left = `${100 * value.low}%`;
          bar.style.width = `${100 * (value.high - value.low)}%`;
          scale.append(bar);
        }
        const mark = make("em");
        mark.style.left = `${100 * value.place}%`;
        scale.append(mark);
        node.append(line, scale);
      }
      node.append(make("div", { class: "ends" }, ...card.ends.map((end) => make("span", { text: end }))));
      node.append(make("p", { text: card.meaning }));
      node.append(...card.warnings.map((index) => warned(warnings[index])));
      return node;
    }));
  }

  function showWarnings(cards) {
    const onCards = new Set(cards.flatMap((card) => card.warnings));
    const onRows = new Set(data.metrics.flatMap((metric) => metric.warnings));
    data.warnings.forEach((item, index) => {
      if (onCards.has(index) || (onRows.has(index) && item.code !== "undefined")) return;
      byId("general").append(warning(index));
    });
    const below = data.warnings.filter((_, index) => !onCards.has(index) && onRows.has(index)).length;
    if (below > 0) {
      byId("general").append(make("p", { class: "note" },
        make("a", { href: "#metrics", text: `${below} more ${below === 1 ? "warning" : "warnings"} beside the metrics concerned` })));
    }
  }

  if (data.cards) {
    showCards(data.cards, data.warnings);
    showWarnings(data.cards);
  }

  // ---- Tables.

  function csv(columns, rows) {
    const cell = (value) => {
      if (value === null || value === undefined) return "";
      if (typeof value === "number") return String(value);
      // A text that a spreadsheet would take for a formula is marked as text.
      const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [columns.map((column) => column.key), ...rows.map((row) => columns.map((column) => column.of(row)))];
    return lines.map((line) => line.map(cell).join(",")).join("\n") + "\n";
  }

  /** A small picture of an image, or nothing. */
  function thumbnail(number, spoken) {
    if (number === undefined || number === null || number < 0 || !data.thumbnails) return null;
    return make("img", { class: "thumb", src: data.thumbnails.pictures[number], alt: spoken });
  }

  /** A table with a caption and a button for its CSV. Columns: key, name, of(row), show(row), isNumber, isHead. */
  function table(name, title, says, columns, rows, options = {}) {
    const shown = columns.filter((column) => !column.hidden);
    const body = make("tbody", { role: "rowgroup" });
    let group = null;
    for (const row of rows) {
      if (options.group && options.group(row) !== group) {
        group = options.group(row);
        body.append(make("tr", { class: "group", role: "row" },
          make("th", { role: "rowheader", scope: "rowgroup", colspan: shown.length, text: group })));
      }
      const line = make("tr", { role: "row" });
      for (const column of shown) {
        const content = column.show ? column.show(row) : column.of(row);
        const cell = make(column.isHead ? "th" : "td", {
          role: column.isHead ? "rowheader" : "cell", scope: column.isHead ? "row" : null,
          class: column.isNumber ? "number" : null, "data-name": column.isHead && column.key !== "pair" ? null : column.name,
        });
        if (content instanceof Node) cell.append(content);
        else cell.textContent = content ?? "";
        line.append(cell);
      }
      body.append(line);
    }
    const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...shown.map((column) =>
      make("th", { role: "columnheader", scope: "col", class: column.isNumber ? "number" : null, text: column.name }))));
    const label = `${title} as CSV`;
    const download = make("div", { class: "downloads" }, button("CSV", label, () =>
      save(new Blob([csv(columns, rows)], { type: "text/csv" }), `${name}.csv`)));
    return make("div", {},
      make("div", { class: "tablehead" }, make("h3", { text: title }), download),
      make("table", { role: "table" }, make("caption", { text: says }), head, body));
  }

  if (data.metrics) byId("metrics").hidden = false;
  if (data.metrics) byId("metric-table").append(table(
    "metrics", "Metrics", "Value, 95% interval where there is one, and what the number says.",
    [
      { key: "section", name: "Section", of: (m) => m.section, hidden: true },
      { key: "metric", name: "Metric", of: (m) => m.path, isHead: true },
      { key: "value", name: "Value", of: (m) => (m.list ? m.list.join(" ") : m.value), show: (m) => m.text, isNumber: true },
      { key: "low", name: "Low", of: (m) => m.low, hidden: true },
      { key: "high", name: "High", of: (m) => m.high, hidden: true },
      { key: "interval", name: "95% interval", of: (m) => m.interval, isNumber: true },
      ...(data.fixes ? [
        { key: "after", name: data.fixes, of: (m) => m.after?.value, show: (m) => m.after?.text, isNumber: true },
        { key: "after_low", name: "Low after", of: (m) => m.after?.low, hidden: true },
        { key: "after_high", name: "High after", of: (m) => m.after?.high, hidden: true },
        { key: "after_interval", name: "95% interval after", of: (m) => m.after?.interval, isNumber: true },
      ] : []),
      { key: "p", name: "p", of: (m) => m.p, show: (m) => (m.p === undefined || m.p === null ? "" : short(m.p)), isNumber: true },
      {
        key: "says", name: "What it says", of: (m) => m.reading,
        show: (m) => make("span", {},
          make("span", { text: [m.reading, m.note].filter((part) => part).join("; ") }),
          ...m.warnings.map(warning)),
      },
      { key: "sample", name: "Sample", of: (m) => m.note, hidden: true },
    ],
    data.metrics, { group: (m) => m.section }));

  // ---- Figures, drawn as SVG.

  const svgName = "http://www.w3.org/2000/svg";
  function mark(tag, attributes, text) {
    const node = document.createElementNS(svgName, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    if (text !== undefined) node.textContent = text;
    return node;
  }

  const frame = { width: 560, height: 330, left: 66, right: 16, top: 34, bottom: 50 };

  /** Axes with grid, ticks and titles; hands over the two scales. */
  function axes(svg, colors, x, y) {
    const { width, height, left, right, top, bottom } = frame;
    const toX = (v) => left + ((v - x.low) / (x.high - x.low)) * (width - left - right);
    const toY = (v) => height - bottom - ((v - y.low) / (y.high - y.low)) * (height - top - bottom);
    svg.append(mark("rect", { width, height, fill: colors.ground }));
    const type = { "font-family": "system-ui, 'DejaVu Sans', sans-serif", "font-size": 13, fill: colors.quiet };
    const across = ticks(x.low, x.high, x.ticks ?? 6);
    const up = ticks(y.low, y.high, 5);
    for (const v of up) {
      svg.append(mark("line", { x1: left, x2: width - right, y1: toY(v), y2: toY(v), stroke: colors.line }));
      svg.append(mark("text", { ...type, x: left - 8, y: toY(v) + 4.5, "text-anchor": "end" }, tickText(v, up)));
    }
    for (const [g, name] of (x.names ?? []).entries()) {
      svg.append(mark("text", { ...type, "font-size": x.names.length > 5 ? 12 : 13, x: toX(g + 0.5), y: height - bottom + 20, "text-anchor": "middle" }, name.split("\n")[0]));
      if (name.includes("\n")) svg.append(mark("text", { ...type, x: toX(g + 0.5), y: height - bottom + 37, "text-anchor": "middle" }, name.split("\n")[1]));
    }
    for (const v of x.names ? [] : across) {
      if (x.isWhole && v !== Math.round(v)) continue;
      svg.append(mark("line", { x1: toX(v), x2: toX(v), y1: height - bottom, y2: height - bottom + 5, stroke: colors.quiet }));
      svg.append(mark("text", { ...type, x: toX(v), y: height - bottom + 20, "text-anchor": "middle" },
        x.isWhole ? String(Math.round(v)) : tickText(v, across)));
    }
    svg.append(mark("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, stroke: colors.quiet }));
    svg.append(mark("text", { ...type, x: (left + width - right) / 2, y: height - 10, "text-anchor": "middle", fill: colors.ink }, x.title));
    svg.append(mark("text", {
      ...type, fill: colors.ink, "text-anchor": "middle",
      transform: `translate(16 ${(top + height - bottom) / 2}) rotate(-90)`,
    }, y.title));
    return { toX, toY, type };
  }

  function legend(svg, colors, type, items) {
    let x = frame.left;
    for (const [name, color, dash] of items) {
      svg.append(mark("line", { x1: x, x2: x + 22, y1: 18, y2: 18, stroke: color, "stroke-width": 4, "stroke-dasharray": dash ?? "none" }));
      svg.append(mark("text", { ...type, x: x + 28, y: 22.5, fill: colors.ink }, name));
      x += 28 + name.length * 7.4 + 24;
    }
  }

  const empty = (title) => {
    const svg = mark("svg", { xmlns: svgName, viewBox: `0 0 ${frame.width} ${frame.height}`, role: "img" });
    svg.append(mark("title", {}, title));
    return svg;
  };

  function line(colors, toX, toY, xs, ys, color, dash) {
    const d = xs.map((v, i) => (ys[i] === null ? "" : `${i === 0 || ys[i - 1] === null ? "M" : "L"}${toX(v).toFixed(2)} ${toY(ys[i]).toFixed(2)}`)).join("");
    return mark("path", { d, fill: "none", stroke: color, "stroke-width": 2.2, "stroke-linejoin": "round", "stroke-dasharray": dash ?? "none" });
  }

  const range = (values, withZero) => {
    const all = withZero ? [...values, 0] : values;
    let low = Infinity, high = -Infinity;
    for (const v of all) if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); }
    if (!(high > low)) { low -= 0.5; high += 0.5; }
    const room = (high - low) * 0.05;
    return { low: withZero && low === 0 ? 0 : low - room, high: high + room };
  };

  function cosines(colors) {
    const h = data.cosines;
    const svg = empty("Paired and unpaired cosines");
    const bins = h.paired.length;
    const width = (h.high - h.low) / bins;
    const density = (counts) => {
      const sum = counts.reduce((a, b) => a + b, 0);
      return counts.map((c) => c / sum / width);
    };
    const [paired, unpaired] = [density(h.paired), density(h.unpaired)];
    const { toX, toY, type } = axes(svg, colors,
      { low: h.low, high: h.high, title: "cosine of image and text" },
      { low: 0, high: 1.06 * Math.max(...paired, ...unpaired), title: "density" });
    const outline = (values, color, dash) => {
      let d = `M${toX(h.low).toFixed(2)} ${toY(0)}`;
      values.forEach((v, i) => { d += `V${toY(v).toFixed(2)}H${toX(h.low + (i + 1) * width).toFixed(2)}`; });
      svg.append(mark("path", { d: `${d}V${toY(0)}Z`, fill: color, "fill-opacity": 0.28, stroke: color, "stroke-width": 1.6, "stroke-dasharray": dash }));
    };
    outline(unpaired, colors.text, "4 2");
    outline(paired, colors.image, "none");
    h.means.forEach((mean, i) => svg.append(mark("line", {
      x1: toX(mean), x2: toX(mean), y1: frame.top, y2: frame.height - frame.bottom,
      stroke: [colors.image, colors.text][i], "stroke-width": 1.5, "stroke-dasharray": "2 3",
    })));
    legend(svg, colors, type, [[`paired, mean ${h.means[0].toFixed(3)}`, colors.image], [`unpaired, mean ${h.means[1].toFixed(3)}`, colors.text, "4 2"]]);
    return svg;
  }

  function dimensions(colors) {
    const values = data.dimensions.values;
    const svg = empty("Difference of the centres in each dimension");
    const { toX, toY } = axes(svg, colors,
      { low: 0, high: values.length, title: "dimension, largest difference first" },
      { low: 0, high: 1.06 * Math.max(...values, 1e-12), title: "|difference of the centres|" });
    const step = toX(1) - toX(0);
    let d = "";
    values.forEach((v, i) => { d += `M${toX(i).toFixed(2)} ${toY(0).toFixed(2)}V${toY(v).toFixed(2)}h${step.toFixed(3)}V${toY(0).toFixed(2)}Z`; });
    svg.append(mark("path", { d, fill: colors.image }));
    return svg;
  }

  function shift(colors) {
    const s = data.shift;
    const svg = empty("Contrastive loss as the modalities are moved along the gap");
    const { toX, toY, type } = axes(svg, colors,
      { ...range(s.distance, false), title: "distance of the centres after moving (negative: past each other)" },
      { ...range(s.loss, false), title: "contrastive loss" });
    svg.append(line(colors, toX, toY, s.distance, s.loss, colors.image));
    s.distance.forEach((v, i) => svg.append(mark("circle", { cx: toX(v), cy: toY(s.loss[i]), r: 3, fill: colors.image })));
    legend(svg, colors, type, [[`${grouped(s.pairs)} pairs, temperature ${s.temperature}`, colors.image]]);
    return svg;
  }

  const layerChart = (path, title) => (colors) => {
    const column = data.layers.paths.indexOf(path);
    const ys = data.layers.values.map((layer) => layer[column]);
    const xs = ys.map((_, i) => i);
    const svg = empty(`${title}, layer by layer`);
    const { toX, toY } = axes(svg, colors,
      { low: 0, high: Math.max(xs.length - 1, 1), title: "layer", isWhole: true },
      { ...range(ys, true), title });
    svg.append(line(colors, toX, toY, xs, ys, colors.image));
    if (xs.length <= 60) ys.forEach((v, i) => v !== null && svg.append(mark("circle", { cx: toX(i), cy: toY(v), r: 3.2, fill: colors.image })));
    return svg;
  };

  // Arms: colours that every common colour blindness tells apart, in the order of the figures beside the page (Okabe and
  // Ito), lightened where the ground is dark, with dashes and shapes that tell them in grey.
  const armColors = {
    light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"],
    dark: ["#56b4e9", "#f08a4b", "#2fc79a", "#e59ac4", "#e6b84a", "#a6d8f5", "#e6e9ed"],
  };
  const armDashes = ["none", "7 3", "2 3", "8 3 2 3", "12 4", "4 4", "1 4"];
  const armColor = (arm, colors) => armColors[colors === dark ? "dark" : "light"][arm % 7];
  const armNames = data.arms ?? (data.scatter ? data.scatter.arms : [""]);

  const curve = (c) => (colors) => {
    const svg = empty(c.title);
    const steps = c.lines.flatMap((l) => l.steps);
    const values = c.lines.flatMap((l) => [...l.mean, ...(l.low ?? []), ...(l.high ?? [])]);
    const { toX, toY, type } = axes(svg, colors,
      { low: Math.min(...steps), high: Math.max(...steps, Math.min(...steps) + 1), title: "step" },
      { ...range(values, true), title: c.unit });
    for (const l of c.lines) {
      if (!l.low) continue;
      const along = l.steps.map((s, i) => `${toX(s).toFixed(2)} ${toY(l.high[i]).toFixed(2)}`);
      const back = l.steps.map((s, i) => `${toX(s).toFixed(2)} ${toY(l.low[i]).toFixed(2)}`).reverse();
      svg.append(mark("path", { d: `M${[...along, ...back].join("L")}Z`, fill: armColor(l.arm, colors), "fill-opacity": 0.18 }));
    }
    for (const l of c.lines) {
      svg.append(line(colors, toX, toY, l.steps, l.mean, armColor(l.arm, colors), armDashes[l.arm % 7]));
      if (l.steps.length <= 16) {
        l.steps.forEach((s, i) => svg.append(mark("circle", { cx: toX(s), cy: toY(l.mean[i]), r: 2.8, fill: armColor(l.arm, colors) })));
      }
    }
    legend(svg, colors, type, c.lines.map((l) => [armNames[l.arm] || "held out", armColor(l.arm, colors), armDashes[l.arm % 7]]));
    return svg;
  };

  const barChart = (b) => (colors) => {
    const svg = empty(b.title);
    const all = b.bars.flatMap((bar) => [...bar.mean, ...(bar.high ?? [])]);
    const high = Math.max(1e-3, ...all, ...b.references.map((r) => r.value));
    const { toX, toY, type } = axes(svg, colors,
      { low: 0, high: b.groups.length, title: "", ticks: 0, names: b.groups }, { low: 0, high: Math.min(1.04, high * 1.08), title: b.unit });
    const width = 0.8 / b.bars.length;
    b.bars.forEach((bar, place) => bar.mean.forEach((value, g) => {
      const x = g + 0.1 + place * width;
      svg.append(mark("rect", {
        x: toX(x), width: Math.max(1, toX(x + width * 0.92) - toX(x)), y: toY(value), height: Math.max(0, toY(0) - toY(value)),
        fill: armColor(bar.arm, colors),
      }));
      if (bar.low) {
        const middle = toX(x + width * 0.46);
        svg.append(mark("path", {
          d: `M${middle - 3} ${toY(bar.high[g])}h6M${middle} ${toY(bar.high[g])}V${toY(bar.low[g])}M${middle - 3} ${toY(bar.low[g])}h6`,
          stroke: colors.ink, "stroke-width": 1.1, fill: "none",
        }));
      }
    }));
    for (const r of b.references) {
      svg.append(mark("line", { x1: toX(0), x2: toX(b.groups.length), y1: toY(r.value), y2: toY(r.value), stroke: colors.quiet, "stroke-dasharray": "5 4" }));
      svg.append(mark("text", { ...type, x: frame.width - frame.right - 4, y: toY(r.value) - 4, "text-anchor": "end" }, r.name));
    }
    legend(svg, colors, type, b.bars.map((bar) => [armNames[bar.arm], armColor(bar.arm, colors)]));
    return svg;
  };

  function svgText(draw) {
    const svg = draw(light);
    svg.setAttribute("width", frame.width);
    svg.setAttribute("height", frame.height);
    return new XMLSerializer().serializeToString(svg);
  }

  function svgPicture(draw, name) {
    const image = new Image();
    image.onload = () => {
      const canvas = make("canvas", { width: 3 * frame.width, height: 3 * frame.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png");
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svgText(draw));
  }

  function chart(name, title, says, draw) {
    const figure = make("figure", { class: "chart" }, make("h3", { text: title }));
    let drawn = draw(theme());
    figure.append(drawn, make("figcaption", {}, make("p", { class: "note", text: says }),
      make("div", { class: "downloads" },
        button("PNG", `${title} as PNG`, () => svgPicture(draw, name)),
        button("SVG", `${title} as SVG`, () => save(new Blob([svgText(draw)], { type: "image/svg+xml" }), `${name}.svg`)))));
    redraws.push(() => {
      if (!figure.isConnected) return;
      const next = draw(theme());
      drawn.replaceWith(next);
      drawn = next;
    });
    byId("charts").append(figure);
    byId("figures").hidden = false;
  }

  // What a comparison came to, after the steps and under the setting that the reader chooses.
  function showVariant(variant) {
    showCards(variant.cards, variant.warnings);
    const onCards = new Set(variant.cards.flatMap((card) => card.warnings));
    byId("general").replaceChildren(...variant.warnings.filter((_, index) => !onCards.has(index)).map(warned));
    byId("charts").replaceChildren();
    for (const c of variant.curves) chart(c.name, c.title, c.says, curve(c));
    for (const b of variant.bars) chart(b.name, b.title, b.says, barChart(b));
  }
  if (data.variants) {
    byId("variants").hidden = data.variants.length < 2;
    data.variants.forEach((variant, k) => byId("variant").append(make("option", { value: k, text: variant.name })));
    byId("variant").addEventListener("change", () => showVariant(data.variants[Number(byId("variant").value)]));
    showVariant(data.variants[0]);
  }
  for (const c of data.curves ?? []) chart(c.name, c.title, c.says, curve(c));

  if (data.cosines) {
    chart("cosines", "Paired and unpaired cosines",
      "The further the two shapes lie apart, the better pairs are told from strangers; both far below 1 is the gap.", cosines);
  }
  if (data.dimensions && data.dimensions.values.length > 0) {
    const d = data.dimensions;
    const cut = d.total > d.values.length ? ` The largest ${grouped(d.values.length)} of ${grouped(d.total)} are drawn.` : "";
    chart("dimensions", "Where the gap is",
      (d.half === 0 ? "No dimension differs."
        : `${grouped(d.half)} of ${grouped(d.total)} ${d.half === 1 ? "dimensions holds" : "dimensions hold"} half of the squared distance; the largest is dimension ${d.numbers[0]}, from 0.`) + cut, dimensions);
  }
  if (data.shift) {
    chart("shift", "What moving would do",
      "Texts and images are moved towards each other and past. A lowest point away from 0 says that the loss prefers a gap.", shift);
  }
  if (data.layers) {
    for (const [path, title] of [["centroid_distance", "centroid distance"], ["matching_margin", "matching margin"]]) {
      if (data.layers.paths.includes(path)) {
        chart(`layers-${path}`, `Layer by layer: ${title}`, "Layer 0 enters the first block; the last is after the final norm.", layerChart(path, title));
      }
    }
    const some = ["centroid_distance", "matching_margin", "paired_cosine.mean", "relative_modality_gap"];
    const rows = data.layers.values.map((values, layer) => ({ values, layer }));
    byId("metric-table").append(table("layers", "Layer by layer", "The CSV holds every number of every layer.",
      [{ key: "layer", name: "Layer", of: (r) => r.layer, isHead: true },
        ...data.layers.paths.map((path, k) => ({
          key: path, name: path, isNumber: true, hidden: !some.includes(path),
          of: (r) => r.values[k], show: (r) => short(r.values[k]),
        }))], rows));
  }

  // ---- Scatter.

  let choose = null;
  if (data.scatter) choose = scatter(data.scatter);

  function scatter(s) {
    byId("scatter-section").hidden = false;
    const canvas = byId("scatter");
    const context = canvas.getContext("2d");
    const tip = byId("tip");
    const sets = s.sets.map((set) => {
      const numbers = set.numbers ? decoded(set.numbers, 4) : null;
      const places = new Map();
      if (numbers) numbers.forEach((number, i) => places.set(number, i));
      const texts = Array.from({ length: set.count }, (_, i) =>
        `${numbers ? numbers[i] : i} ${set.ids ? set.ids[i] : ""} ${set.captions ? set.captions[i] : ""}`.toLowerCase());
      return {
        ...set, texts, numberOf: (i) => (numbers ? numbers[i] : i),
        placeOf: (number) => (numbers ? places.get(number) ?? -1 : number < set.count ? number : -1),
        pictures: set.thumbnails ? decoded(set.thumbnails, 4) : null,
      };
    });
    const unpacked = new Map();
    const numbersOf = (text) => {
      if (!unpacked.has(text)) unpacked.set(text, decoded(text, 2));
      return unpacked.get(text);
    };
    const isOneArm = s.arms.length === 1;
    const visible = new Set(s.arms.keys());
    let view = s.views[0], set = sets[view.set], n = set.count, step = null;
    /** What is drawn: a cloud for each side of each arm; texts that no arm moves are one cloud. */
    let clouds = [];
    const state = { x: 0, y: Math.min(1, view.variance.length - 1), scale: 1, centreX: 0, centreY: 0, chosen: -1, cloud: 0, found: null, among: null, isHome: true };

    const label = (k) => `PC${k + 1}` + (view.variance[k] === undefined ? "" : ` (${(100 * view.variance[k]).toFixed(1)}%)`);
    const stepsOf = (v) => [...new Set(v.frames.map((frame) => frame.step).filter((at) => at !== null && at !== undefined))].sort((a, b) => a - b);

    function frameOf(arm) {
      let best = null;
      for (const frame of view.frames) {
        if (frame.arm !== arm) continue;
        if (step === null || frame.step <= step) best = frame;
      }
      return best;
    }

    function note() {
      byId("scatter-note").textContent = `${view.says} `
        + (n > 3000 && isOneArm ? "Both" : `${isOneArm ? "Squares are images" : "Shapes are images, a colour an arm"}, discs are texts; both`)
        + " axes have one scale, so distances on the screen are true.";
    }

    function fillAxes() {
      for (const [id, axis] of [["axis-x", "x"], ["axis-y", "y"]]) {
        state[axis] = Math.min(state[axis], view.variance.length - 1);
        byId(id).replaceChildren(...view.variance.map((_, k) => make("option", { value: k, text: label(k) })));
        byId(id).value = String(state[axis]);
      }
    }
    for (const [id, axis] of [["axis-x", "x"], ["axis-y", "y"]]) {
      byId(id).addEventListener("change", () => { state[axis] = Number(byId(id).value); place(); showAll(); });
    }

    function coordinates(text) {
      const packed = numbersOf(text);
      const [x, y] = [state.x, state.y].map((axis) => {
        const unit = view.scales[axis] / 32767, out = new Float32Array(n), start = axis * n;
        for (let i = 0; i < n; i++) out[i] = packed[start + i] * unit;
        return out;
      });
      return { x, y };
    }

    /** Puts the clouds where they are at this step. */
    function place() {
      clouds = [];
      const shown = [...visible].sort((a, b) => a - b).map((arm) => [arm, frameOf(arm)]).filter(([, frame]) => frame);
      for (const [arm, frame] of shown) {
        clouds.push({ side: 0, arm, frame, ...coordinates(frame.image) });
        if (frame.text) clouds.push({ side: 1, arm, frame, ...coordinates(frame.text) });
      }
      if (view.text && shown.length > 0) clouds.push({ side: 1, arm: -1, frame: shown[0][1], ...coordinates(view.text) });
      for (const cloud of clouds) cloud.partner = cloud.side === 0 ? clouds.find((other) => other.side === 1 && (other.arm === cloud.arm || other.arm === -1)) : null;
      if (state.cloud >= clouds.length) state.cloud = 0;
    }

    const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });

    /** Shows every point of every step, so that axes stay while the slider moves. */
    function showAll() {
      let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
      for (const text of new Set(view.frames.flatMap((frame) => [frame.image, frame.text ?? view.text]))) {
        const { x, y } = coordinates(text);
        for (let i = 0; i < n; i++) {
          left = Math.min(left, x[i]); right = Math.max(right, x[i]);
          bottom = Math.min(bottom, y[i]); top = Math.max(top, y[i]);
        }
      }
      const { width, height } = size();
      state.centreX = (left + right) / 2;
      state.centreY = (bottom + top) / 2;
      const [roomX, roomY] = [Math.max(width - 110, 50), Math.max(height - 80, 50)];
      state.scale = Math.min(roomX / Math.max(right - left, 1e-9), roomY / Math.max(top - bottom, 1e-9));
      state.least = state.scale / 20;
      state.most = state.scale * 5000;
      state.isHome = true;
      draw();
    }

    const screenX = (v, width) => (v - state.centreX) * state.scale + width / 2;
    const screenY = (v, height) => height / 2 - (v - state.centreY) * state.scale;

    const cloudColor = (cloud, colors) =>
      (isOneArm ? (cloud.side === 0 ? colors.image : colors.text)
        : cloud.side === 0 ? armColor(cloud.arm, colors) : cloud.arm < 0 ? colors.text : armColor(cloud.arm, colors));

    /** The outline of an arm's images: shapes tell arms apart where colours cannot. */
    function outline(pen, shape, x, y, r) {
      if (shape === "disc") { pen.arc(x, y, r, 0, 7); return; }
      const corners = { square: [[-1, -1], [1, -1], [1, 1], [-1, 1]], diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
        triangle: [[0, -1.25], [1.2, 0.95], [-1.2, 0.95]], down: [[0, 1.25], [1.2, -0.95], [-1.2, -0.95]] }[shape];
      corners.forEach(([u, v], i) => (i === 0 ? pen.moveTo(x + u * r * 0.9, y + v * r * 0.9) : pen.lineTo(x + u * r * 0.9, y + v * r * 0.9)));
      pen.closePath();
    }
    const shapes = ["square", "triangle", "diamond", "down"];
    const shapeOf = (cloud) => (cloud.side === 1 ? "disc" : shapes[cloud.arm % shapes.length]);

    /** A point drawn once, to be stamped many times. */
    function stamp(color, shape, side, ratio) {
      const pixels = Math.ceil(side * ratio * 1.3) + 2;
      const small = make("canvas", { width: pixels, height: pixels });
      const pen = small.getContext("2d");
      pen.fillStyle = color;
      pen.beginPath();
      outline(pen, shape, pixels / 2, pixels / 2, (side * ratio) / 2);
      pen.fill();
      return small;
    }

    let stamps = new Map();
    /** Draws all pairs, or those of a list: a few as stamped shapes, many as counts. */
    function points(pen, screen, list, alpha) {
      if (isOneArm && (list ? list.length : n) > 3000) { crowd(pen, screen, list, alpha); return; }
      const { ratio, width, height, side, colors } = screen;
      pen.globalAlpha = alpha;
      for (const cloud of clouds) {
        const key = `${cloudColor(cloud, colors)} ${shapeOf(cloud)} ${side.toFixed(1)} ${ratio}`;
        if (!stamps.has(key)) {
          if (stamps.size > 60) stamps = new Map();
          stamps.set(key, stamp(cloudColor(cloud, colors), shapeOf(cloud), side, ratio));
        }
        const picture = stamps.get(key);
        const half = picture.width / 2;
        for (let k = 0; k < (list ? list.length : n); k++) {
          const i = list ? list[k] : k;
          const [x, y] = [cloud.xs[i] * ratio, cloud.ys[i] * ratio];
          if (x > -9 && y > -9 && x < width + 9 && y < height + 9) pen.drawImage(picture, x - half, y - half);
        }
      }
    }

    const scratch = make("canvas");
    let counts = [new Uint16Array(0), new Uint16Array(0)];
    /** Counts the points on each pixel and colours it by their number and mix: fast, and no side covers the other. */
    function crowd(pen, screen, list, alpha) {
      const { ratio, colors, width, height } = screen;
      if (counts[0].length !== width * height) counts = [new Uint16Array(width * height), new Uint16Array(width * height)];
      const side = Math.max(1, Math.round(screen.side * ratio * 0.85));
      for (const target of counts) target.fill(0);
      for (const cloud of clouds) {
        const target = counts[cloud.side];
        for (let k = 0; k < (list ? list.length : n); k++) {
          const i = list ? list[k] : k;
          const x = Math.round(cloud.xs[i] * ratio - side / 2), y = Math.round(cloud.ys[i] * ratio - side / 2);
          if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
          for (let v = y; v < y + side; v++) for (let u = x; u < x + side; u++) target[v * width + u]++;
        }
      }
      const [a, b] = [colors.image, colors.text].map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
      const opacity = Uint8Array.from({ length: 65 }, (_, count) => Math.round(255 * (1 - Math.pow(1 - alpha, count))));
      if (scratch.width !== width || scratch.height !== height) { scratch.width = width; scratch.height = height; }
      const brush = scratch.getContext("2d");
      const picture = brush.createImageData(width, height);
      const out = picture.data;
      const [images, captions] = counts;
      for (let i = 0; i < images.length; i++) {
        const sum = images[i] + captions[i];
        if (sum === 0) continue;
        const share = images[i] / sum;
        out[4 * i] = b[0] + share * (a[0] - b[0]);
        out[4 * i + 1] = b[1] + share * (a[1] - b[1]);
        out[4 * i + 2] = b[2] + share * (a[2] - b[2]);
        out[4 * i + 3] = opacity[Math.min(sum, 64)];
      }
      brush.putImageData(picture, 0, 0);
      pen.globalAlpha = 1;
      pen.drawImage(scratch, 0, 0);
    }

    function paint(pen, colors, width, height, ratio) {
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.globalAlpha = 1;
      pen.fillStyle = colors.ground;
      pen.fillRect(0, 0, width, height);
      axesOn(pen, colors, width, height);
      const crowded = n * clouds.length / 2;
      const base = crowded > 5000 ? 3 : crowded > 1000 ? 4.2 : crowded > 100 ? 6 : 9;
      const closer = Math.min(2, Math.max(1, Math.sqrt(state.scale / (state.least * 20)) * 0.6));
      const side = base * closer;
      for (const cloud of clouds) {
        if (!cloud.xs) { cloud.xs = new Float32Array(n); cloud.ys = new Float32Array(n); }
        for (let i = 0; i < n; i++) { cloud.xs[i] = screenX(cloud.x[i], width); cloud.ys[i] = screenY(cloud.y[i], height); }
      }
      if (byId("joins").checked) {
        for (const cloud of clouds) {
          const other = cloud.partner;
          if (!other) continue;
          pen.beginPath();
          for (let i = 0; i < n; i++) {
            const [x, y, u, v] = [cloud.xs[i], cloud.ys[i], other.xs[i], other.ys[i]];
            const out = (x < 0 && u < 0) || (x > width && u > width) || (y < 0 && v < 0) || (y > height && v > height);
            if (!out) { pen.moveTo(x, y); pen.lineTo(u, v); }
          }
          pen.strokeStyle = isOneArm ? colors.quiet : cloudColor(cloud, colors);
          pen.globalAlpha = crowded > 5000 ? 0.05 : crowded > 1000 ? 0.12 : 0.25;
          pen.lineWidth = 0.8;
          pen.stroke();
        }
      }
      pen.setTransform(1, 0, 0, 1, 0, 0);
      const solid = crowded > 5000 ? 0.5 : crowded > 1000 ? 0.65 : 0.8;
      const screen = { ratio, side, colors, width: Math.round(width * ratio), height: Math.round(height * ratio) };
      points(pen, screen, null, state.found ? solid * 0.2 : solid);
      if (state.found) points(pen, screen, state.found, 1);
      pen.globalAlpha = 1;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      for (const cloud of clouds) centre(pen, colors, width, height, cloud);
      if (state.chosen >= 0) {
        const i = state.chosen;
        pen.strokeStyle = colors.ink;
        pen.lineWidth = 2;
        for (const cloud of clouds) {
          if (!cloud.partner) continue;
          pen.beginPath();
          pen.moveTo(cloud.xs[i], cloud.ys[i]);
          pen.lineTo(cloud.partner.xs[i], cloud.partner.ys[i]);
          pen.stroke();
        }
        for (const cloud of clouds) {
          pen.beginPath();
          outline(pen, isOneArm ? "disc" : shapeOf(cloud), cloud.xs[i], cloud.ys[i], 7);
          pen.fillStyle = cloudColor(cloud, colors);
          pen.fill();
          pen.stroke();
        }
      }
    }

    function centre(pen, colors, width, height, cloud) {
      const x = screenX(cloud.frame.centres[state.x][cloud.side], width);
      const y = screenY(cloud.frame.centres[state.y][cloud.side], height);
      pen.beginPath();
      outline(pen, isOneArm ? "disc" : shapeOf(cloud), x, y, 9);
      pen.fillStyle = cloudColor(cloud, colors);
      pen.fill();
      pen.lineWidth = 5;
      pen.strokeStyle = colors.ground;
      pen.stroke();
      pen.lineWidth = 2.5;
      pen.strokeStyle = colors.ink;
      pen.stroke();
    }

    function axesOn(pen, colors, width, height) {
      pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
      pen.lineWidth = 1;
      const low = state.centreX - width / 2 / state.scale, high = state.centreX + width / 2 / state.scale;
      const bottom = state.centreY - height / 2 / state.scale, top = state.centreY + height / 2 / state.scale;
      const across = ticks(low, high, width / 110), up = ticks(bottom, top, height / 90);
      pen.strokeStyle = colors.line;
      pen.beginPath();
      for (const v of across) { const x = Math.round(screenX(v, width)) + 0.5; pen.moveTo(x, 0); pen.lineTo(x, height); }
      for (const v of up) { const y = Math.round(screenY(v, height)) + 0.5; pen.moveTo(0, y); pen.lineTo(width, y); }
      pen.stroke();
      pen.fillStyle = colors.quiet;
      pen.textAlign = "center";
      for (const v of across) {
        const x = screenX(v, width);
        if (x > 60 && x < width - 20) pen.fillText(tickText(v, across), x, height - 8);
      }
      pen.textAlign = "left";
      for (const v of up) {
        const y = screenY(v, height);
        if (y > 30 && y < height - 36) pen.fillText(tickText(v, up), 6, y - 4);
      }
      pen.fillStyle = colors.ink;
      pen.textAlign = "center";
      pen.fillText(label(state.x), width / 2, height - 24);
      pen.textAlign = "left";
      pen.fillText(`↑ ${label(state.y)}`, 6, 18);
    }

    let waiting = false;
    function draw() {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        const { width, height } = size();
        if (width === 0) return;
        const ratio = Math.min(window.devicePixelRatio || 1, 3);
        const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
        if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
        paint(context, theme(), width, height, ratio);
        if (!tip.hidden) placeTip();
        canvas.setAttribute("aria-label",
          `${grouped(n)} pairs, ${view.name}, ${label(state.x)} across, ${label(state.y)} up`
          + (step === null ? "" : `, step ${step}`)
          + (state.chosen >= 0 ? `, ${words(state.chosen).join(", ")}` : ""));
      });
    }

    // What is said of a pair, on the tip and to screen readers.
    function words(i) {
      const out = [`Pair ${grouped(set.numberOf(i))}`];
      if (set.ids) out[0] += `, ${set.ids[i]}`;
      if (set.captions) out.push(set.captions[i]);
      const cosines = clouds.filter((cloud) => cloud.side === 0 && cloud.frame.cosines).map((cloud) =>
        `${isOneArm ? "" : `${s.arms[cloud.arm]} `}${(numbersOf(cloud.frame.cosines)[i] / 32767).toFixed(3)}`);
      if (cosines.length > 0) out.push(`cosine ${cosines.join(", ")}`);
      return out;
    }

    function placeTip() {
      const { width, height } = size();
      const cloud = clouds[state.cloud];
      if (!cloud || state.chosen < 0) { tip.hidden = true; return; }
      const x = screenX(cloud.x[state.chosen], width), y = screenY(cloud.y[state.chosen], height);
      const w = tip.offsetWidth, h = tip.offsetHeight;
      tip.style.left = `${Math.max(4, Math.min(x + 14 + w > width ? x - 14 - w : x + 14, width - w - 4))}px`;
      tip.style.top = `${Math.max(4, Math.min(y + 14 + h > height ? y - 14 - h : y + 14, height - h - 4))}px`;
    }

    function fillTip() {
      const i = state.chosen;
      const [head, ...rest] = words(i);
      const picture = set.pictures ? thumbnail(set.pictures[i], "") : null;
      if (picture) picture.removeAttribute("class");
      tip.replaceChildren(make("b", { text: head }), ...(picture ? [picture] : []), ...rest.map((text) => make("div", { text })));
      tip.hidden = false;
      placeTip();
    }

    let saying = 0;
    function select(i, options = {}) {
      if (i === state.chosen && options.cloud === undefined) { draw(); return; }
      state.chosen = i;
      if (i < 0) { tip.hidden = true; draw(); return; }
      state.cloud = options.cloud ?? 0;
      fillTip();
      // Not every point that the pointer crosses is to be read aloud.
      clearTimeout(saying);
      saying = setTimeout(() => { if (state.chosen === i) byId("said").textContent = words(i).join(", "); }, options.isHover ? 350 : 0);
      if (options.follow) follow(i);
      draw();
    }

    function follow(i) {
      const { width, height } = size();
      if (clouds.length === 0) return;
      const inside = clouds.every((cloud) => {
        const [x, y] = [screenX(cloud.x[i], width), screenY(cloud.y[i], height)];
        return x > 10 && y > 10 && x < width - 10 && y < height - 10;
      });
      if (inside) return;
      state.isHome = false;
      state.centreX = clouds.reduce((sum, cloud) => sum + cloud.x[i], 0) / clouds.length;
      state.centreY = clouds.reduce((sum, cloud) => sum + cloud.y[i], 0) / clouds.length;
    }

    /** The nearest point within reach: its pair and its cloud; null without one. */
    function nearest(x, y, reach) {
      const { width, height } = size();
      let best = null, least = reach * reach;
      const only = state.among;
      clouds.forEach((cloud, place) => {
        for (let i = 0; i < n; i++) {
          const dx = screenX(cloud.x[i], width) - x, dy = screenY(cloud.y[i], height) - y;
          const far = dx * dx + dy * dy;
          if (far < least && (!only || only.has(i))) { least = far; best = { pair: i, cloud: place }; }
        }
      });
      return best;
    }

    // Hand: move, zoom, point.
    const pointers = new Map();
    let pinch = null, moved = 0;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    function zoom(factor, x, y) {
      const { width, height } = size();
      const [cx, cy] = [x ?? width / 2, y ?? height / 2];
      const scale = Math.min(state.most, Math.max(state.least, state.scale * factor));
      const dataX = state.centreX + (cx - width / 2) / state.scale;
      const dataY = state.centreY - (cy - height / 2) / state.scale;
      state.centreX = dataX - (cx - width / 2) / scale;
      state.centreY = dataY + (cy - height / 2) / scale;
      state.scale = scale;
      state.isHome = false;
      draw();
    }
    function move(dx, dy) {
      state.centreX -= dx / state.scale;
      state.centreY += dy / state.scale;
      state.isHome = false;
      draw();
    }
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, at(event));
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("moving");
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = at(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        const point = nearest(now.x, now.y, 18);
        if (point) select(point.pair, { cloud: point.cloud, isHover: true });
        else if (event.pointerType === "mouse") select(-1);
        return;
      }
      pointers.set(event.pointerId, now);
      if (pointers.size === 2) {
        const [a, b] = [...pointers.values()];
        const apart = Math.hypot(a.x - b.x, a.y - b.y);
        if (pinch) zoom(apart / pinch, (a.x + b.x) / 2, (a.y + b.y) / 2);
        pinch = Math.max(apart, 1);
      } else {
        moved += Math.hypot(now.x - before.x, now.y - before.y);
        move(now.x - before.x, now.y - before.y);
      }
    });
    const release = (event) => {
      if (event.type === "pointerup" && moved < 6 && pointers.size === 1) {
        const now = at(event);
        const point = nearest(now.x, now.y, 26);
        if (point) select(point.pair, { cloud: point.cloud });
        else select(-1);
      }
      pointers.delete(event.pointerId);
      pinch = null;
      if (pointers.size === 0) canvas.classList.remove("moving");
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("wheel", (event) => {
      // Without Ctrl the wheel scrolls the page, unless the picture has been taken hold of.
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
      event.preventDefault();
      const { x, y } = at(event);
      zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) * (event.deltaMode === 1 ? 0.05 : 0.003)), x, y);
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => { const { x, y } = at(event); zoom(2, x, y); });

    function walk(by) {
      const list = state.found && state.found.length > 0 ? state.found : null;
      const count = list ? list.length : n;
      const here = list ? list.indexOf(state.chosen) : state.chosen;
      const next = here < 0 ? (by > 0 ? 0 : count - 1) : (here + by + count) % count;
      select(list ? list[next] : next, { follow: true });
    }
    const keys = {
      ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
      "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), "0": showAll,
      n: () => walk(1), N: () => walk(1), p: () => walk(-1), P: () => walk(-1), Escape: () => select(-1),
    };
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    byId("zoom-in").addEventListener("click", () => zoom(1.5));
    byId("zoom-out").addEventListener("click", () => zoom(1 / 1.5));
    byId("zoom-all").addEventListener("click", showAll);

    // Search.
    const shownMatches = 12;
    function search() {
      const wanted = byId("search").value.trim().toLowerCase();
      const list = byId("matches");
      list.replaceChildren();
      if (!wanted) {
        state.found = null;
        state.among = null;
        byId("search-count").textContent = "";
        draw();
        return;
      }
      const number = /^\d+$/.test(wanted) && !set.captions && !set.ids ? Number(wanted) : null;
      const words = wanted.split(/\s+/);
      state.found = [];
      for (let i = 0; i < n; i++) {
        if (number === null ? words.every((word) => set.texts[i].includes(word)) : set.numberOf(i) === number) state.found.push(i);
      }
      state.among = new Set(state.found);
      const count = state.found.length;
      byId("search-count").textContent = count === 0 ? "No pair found"
        : `${grouped(count)} ${count === 1 ? "pair" : "pairs"} found` + (count > shownMatches ? `, the first ${shownMatches} are listed` : "");
      for (const i of state.found.slice(0, shownMatches)) {
        const name = set.captions ? set.captions[i] : set.ids ? set.ids[i] : `Pair ${grouped(set.numberOf(i))}`;
        const short = name.length > 60 ? name.slice(0, 59) + "…" : name;
        list.append(make("li", {}, button(short, `Show pair ${set.numberOf(i)}: ${name}`, () => select(i, { follow: true }))));
      }
      if (count === 1) select(state.found[0], { follow: true });
      draw();
    }
    byId("search").addEventListener("input", search);
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && state.found && state.found.length > 0) walk(1);
    });

    byId("scatter-png").setAttribute("aria-label", "Scatter plot as PNG");
    byId("scatter-png").addEventListener("click", () => {
      const { width, height } = size();
      const copy = make("canvas", { width: 3 * width, height: 3 * height });
      paint(copy.getContext("2d"), light, width, height, 3);
      copy.toBlob((blob) => save(blob, "scatter.png"), "image/png");
    });

    // What is shown: a view, a step, arms.
    const toggles = new Map();
    function showStep() {
      const steps = stepsOf(view);
      step = steps.length > 0 ? steps[Number(byId("step").value)] : null;
      byId("step-now").textContent = step === null ? "" : `${grouped(step)} of ${grouped(steps[steps.length - 1])}`;
      if (step !== null) byId("step").setAttribute("aria-valuetext", `step ${step}`);
      place();
      for (const [arm, toggle] of toggles) {
        const gap = frameOf(arm)?.gap;
        toggle.gap.textContent = gap ? `gap ${gap}` : "";
      }
      if (isOneArm) {
        const gap = frameOf(0)?.gap;
        if (step !== null && gap) byId("step-now").textContent += `, gap ${gap}`;
      }
      if (state.chosen >= 0) fillTip();
      draw();
    }
    function showView(number, options = {}) {
      const before = set;
      view = s.views[number];
      set = sets[view.set];
      n = set.count;
      byId("view").value = String(number);
      if (set !== before) { state.chosen = -1; tip.hidden = true; byId("said").textContent = ""; }
      const steps = stepsOf(view);
      byId("training").hidden = steps.length < 2;
      byId("step").max = String(Math.max(0, steps.length - 1));
      byId("step").value = options.step ?? byId("step").max;
      byId("arms").hidden = isOneArm || steps.length === 0;
      if (options.isFirst) byId("joins").checked = n * s.arms.length <= 1000 && isOneArm;
      fillAxes();
      note();
      byId("search").placeholder = set.captions ? "word of a caption, or id" : set.ids ? "id or number" : "number of a pair";
      showStep();
      if (set !== before) search();
      showAll();
    }
    s.views.forEach((one, k) => byId("view").append(make("option", { value: k, text: one.name })));
    byId("view-label").hidden = s.views.length < 2;
    byId("view").addEventListener("change", () => { stop(); showView(Number(byId("view").value)); });
    byId("step").addEventListener("input", () => { stop(); showStep(); });

    let playing = 0;
    function stop() {
      clearInterval(playing);
      playing = 0;
      byId("play").textContent = "Play";
      byId("play").setAttribute("aria-pressed", "false");
    }
    byId("play").addEventListener("click", () => {
      if (playing) { stop(); return; }
      const slider = byId("step");
      if (slider.value === slider.max) { slider.value = "0"; showStep(); }
      byId("play").textContent = "Stop";
      byId("play").setAttribute("aria-pressed", "true");
      playing = setInterval(() => {
        slider.value = String(Number(slider.value) + 1);
        showStep();
        if (slider.value === slider.max) stop();
      }, 600);
    });

    const armKeys = [];
    if (!isOneArm) {
      byId("key-image").hidden = true;
      s.arms.forEach((arm, k) => {
        const box = make("input", { type: "checkbox", checked: true });
        const picture = mark("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" });
        const d = { square: "M2 2h10v10h-10Z", triangle: "M7 1 13 12H1Z", diamond: "M7 0 14 7 7 14 0 7Z", down: "M7 13 13 2H1Z" }[shapes[k % shapes.length]];
        const key = mark("path", { d });
        picture.append(key);
        armKeys.push(() => key.setAttribute("fill", armColor(k, theme())));
        const gap = make("span", { class: "gap" });
        byId("arms").append(make("label", {}, box, picture, make("span", { text: arm }), gap));
        toggles.set(k, { gap });
        box.addEventListener("change", () => {
          if (box.checked) visible.add(k); else visible.delete(k);
          place();
          if (state.chosen >= 0) fillTip();
          draw();
        });
      });
      armKeys.forEach((fill) => fill());
    }

    redraws.push(() => { armKeys.forEach((fill) => fill()); draw(); });
    // All points stay in sight when the window narrows, unless the reader has moved them.
    new ResizeObserver(() => (state.isHome ? showAll() : draw())).observe(canvas);
    showView(0, { isFirst: true });
    return (pair) => {
      let i = set.placeOf(pair);
      if (i < 0) {
        const other = s.views.findIndex((one) => sets[one.set].placeOf(pair) >= 0);
        if (other < 0) return false;
        showView(other);
        i = set.placeOf(pair);
      }
      byId("search").value = "";
      search();
      select(i, { follow: true });
      canvas.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      canvas.focus({ preventScroll: true });
      return true;
    };
  }

  // ---- Pictures, and how many there are.

  if (data.thumbnails && data.thumbnails.images > 0) {
    const t = data.thumbnails;
    const text = `${grouped(t.pictures.length)} of ${grouped(t.images)} images have a picture here`
      + (t.unreadable > 0 ? `; ${grouped(t.unreadable)} cannot be read` : "")
      + (t.pictures.length + t.unreadable < t.images ? ": those of the tables, and a seeded choice of as many others as there is room for." : ".");
    for (const id of ["pictures-note", "thumbnails-note"]) { byId(id).textContent = text; byId(id).hidden = false; }
  }

  // ---- Tables of a comparison.

  for (const part of data.tables ?? []) {
    byId("tables").hidden = false;
    const value = (cell) => (typeof cell === "string" ? cell : cell.value);
    const shown = (cell) => (typeof cell === "string" ? cell : cell.text.replace("-", "\u2212"));
    byId("comparison-tables").append(table(part.name, part.title, part.says,
      part.columns.map((column, k) => ({
        key: column.key, name: column.name, isNumber: column.isNumber, isHead: k === (part.isGrouped ? 1 : 0),
        hidden: part.isGrouped && k === 0, of: (row) => value(row[k]), show: (row) => shown(row[k]),
      })), part.rows, part.isGrouped ? { group: (row) => row[0] } : {}));
  }

  // ---- Pairs to look at.

  const pairTables = data.pairs ?? [];
  const hasCaptions = pairTables.some((part) => part.rows.some((row) => row.caption));
  byId("pair-tables").className = hasCaptions ? "" : "charts";
  const canShow = data.scatter && data.scatter.sets.map((set) => (set.numbers ? new Set(decoded(set.numbers, 4)) : set.count));
  const isDrawn = (pair) => canShow && canShow.some((known) => (typeof known === "number" ? pair < known : known.has(pair)));
  const withPicture = (number, spoken, content) => {
    const picture = thumbnail(number, spoken);
    return picture ? make("span", { class: "shown" }, picture, make("span", { text: content })) : content;
  };
  for (const part of pairTables) {
    byId("pairs").hidden = false;
    const has = (key) => part.rows.some((row) => row[key] !== undefined && row[key] !== null);
    const named = (row) => [row.foundCaption ?? row.foundId ?? `pair ${grouped(row.found)}`].join("");
    byId("pair-tables").append(table(part.name, part.title, part.says, [
      {
        key: "pair", name: "Pair", isHead: true, of: (r) => r.pair,
        show: (r) => (choose && isDrawn(r.pair)
          ? button(grouped(r.pair), `Show pair ${r.pair} in the scatter plot`, () => choose(r.pair)) : grouped(r.pair)),
      },
      ...(has("id") ? [{ key: "id", name: "Id", of: (r) => r.id, show: (r) => withPicture(r.thumbnail, `Image of pair ${r.pair}`, r.id ?? "") }]
        : has("thumbnail") ? [{ key: "image", name: "Image", of: () => "", show: (r) => thumbnail(r.thumbnail, `Image of pair ${r.pair}`) ?? "" }] : []),
      ...(has("caption") ? [{ key: "caption", name: "Caption", of: (r) => r.caption }] : []),
      { key: "cosine", name: "Cosine", of: (r) => r.cosine, show: (r) => short(r.cosine), isNumber: true },
      ...(has("rank") ? [{ key: "rank", name: "Rank", of: (r) => r.rank, show: (r) => grouped(r.rank), isNumber: true }] : []),
      ...(has("found") ? [
        { key: "found_pair", name: "Found pair", hidden: true, of: (r) => r.found },
        { key: "found_id", name: "Found id", hidden: true, of: (r) => r.foundId },
        {
          key: "found", name: part.finds === "text" ? "Found instead (text)" : "Found instead (image)", of: (r) => r.foundCaption ?? r.foundId ?? null,
          show: (r) => (r.found === undefined || r.found === null ? "" : withPicture(r.foundThumbnail, `Image of pair ${r.found}`,
            `${part.finds === "image" && r.foundId ? `${r.foundId}: ` : ""}${named(r)}`)),
        },
        { key: "found_cosine", name: "Its cosine", of: (r) => r.foundCosine, show: (r) => short(r.foundCosine), isNumber: true },
      ] : []),
    ], part.rows));
  }

  for (const heading of document.querySelectorAll("main section:not([hidden]) > h2:not(.hidden)")) {
    byId("contents").append(make("li", {}, make("a", { href: `#${heading.parentElement.id}`, text: heading.textContent })));
  }
})();

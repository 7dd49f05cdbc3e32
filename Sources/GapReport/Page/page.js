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
  byId("measured").textContent = data.measured;
  byId("inputs").append(...data.inputs.map((input) => make("li", { text: input })));
  byId("footer").textContent =
    `EmbeddingGap ${data.version}, ${data.schema}, seed ${data.seed}. This page loads nothing and sends nothing.`;

  const warning = (index) =>
    make("p", { class: "warning", text: `${data.warnings[index].message} (${data.warnings[index].code})` });

  for (const card of data.cards) {
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
    node.append(...card.warnings.map(warning));
    byId("cards").append(node);
  }
  const onCards = new Set(data.cards.flatMap((card) => card.warnings));
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

  byId("metric-table").append(table(
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
    for (const v of across) {
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
    redraws.push(() => { const next = draw(theme()); drawn.replaceWith(next); drawn = next; });
    byId("charts").append(figure);
    byId("figures").hidden = false;
  }

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
    const n = s.count;
    const packed = decoded(s.coordinates, 2);
    const paired = decoded(s.cosines, 2);
    const numbers = s.numbers ? decoded(s.numbers, 4) : null;
    const numberOf = (i) => (numbers ? numbers[i] : i);
    const places = new Map();
    if (numbers) numbers.forEach((number, i) => places.set(number, i));
    const canvas = byId("scatter");
    const context = canvas.getContext("2d");
    const tip = byId("tip");
    const state = { x: 0, y: Math.min(1, s.components - 1), scale: 1, centreX: 0, centreY: 0, chosen: -1, found: null, among: null };
    let [px, py] = [new Float32Array(2 * n), new Float32Array(2 * n)];

    byId("scatter-note").textContent =
      (s.total > n
        ? `A seeded sample of ${grouped(n)} of ${grouped(s.total)} pairs is drawn; the numbers on this page are of all pairs. `
        : `All ${grouped(n)} pairs. `)
      + `${n > 3000 ? "" : "Squares are images, discs are texts; "}${n > 3000 ? "B" : "b"}oth axes have one scale, so distances on the screen are true.`;

    const label = (k) => `PC${k + 1}` + (s.variance[k] === undefined ? "" : ` (${(100 * s.variance[k]).toFixed(1)}%)`);
    for (const [id, axis] of [["axis-x", "x"], ["axis-y", "y"]]) {
      const select = byId(id);
      for (let k = 0; k < s.components; k++) select.append(make("option", { value: k, text: label(k) }));
      select.value = String(state[axis]);
      select.addEventListener("change", () => { state[axis] = Number(select.value); place(); showAll(); });
    }
    byId("joins").checked = n <= 1000;
    byId("joins").addEventListener("change", () => draw());

    function place() {
      for (const [axis, out] of [[state.x, px], [state.y, py]]) {
        const unit = s.scales[axis] / 32767;
        const start = axis * 2 * n;
        for (let i = 0; i < 2 * n; i++) out[i] = packed[start + i] * unit;
      }
    }

    const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });

    function showAll() {
      let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
      for (let i = 0; i < 2 * n; i++) {
        left = Math.min(left, px[i]); right = Math.max(right, px[i]);
        bottom = Math.min(bottom, py[i]); top = Math.max(top, py[i]);
      }
      const { width, height } = size();
      state.centreX = (left + right) / 2;
      state.centreY = (bottom + top) / 2;
      const [roomX, roomY] = [Math.max(width - 110, 50), Math.max(height - 80, 50)];
      state.scale = Math.min(roomX / Math.max(right - left, 1e-9), roomY / Math.max(top - bottom, 1e-9));
      state.least = state.scale / 20;
      state.most = state.scale * 5000;
      draw();
    }

    const screenX = (v, width) => (v - state.centreX) * state.scale + width / 2;
    const screenY = (v, height) => height / 2 - (v - state.centreY) * state.scale;

    /** A point drawn once, to be stamped many times. */
    function stamp(color, isDisc, side, ratio) {
      const pixels = Math.ceil(side * ratio) + 2;
      const small = make("canvas", { width: pixels, height: pixels });
      const pen = small.getContext("2d");
      pen.fillStyle = color;
      if (isDisc) { pen.beginPath(); pen.arc(pixels / 2, pixels / 2, (side * ratio) / 2, 0, 7); pen.fill(); }
      else pen.fillRect(1, 1, Math.round(side * ratio * 0.9), Math.round(side * ratio * 0.9));
      return small;
    }

    /** Draws all pairs, or those of a list: a few as stamped shapes, many as counts. */
    function points(pen, screen, list, alpha) {
      if ((list ? list.length : n) > 3000) { crowd(pen, screen, list, alpha); return; }
      const { xs, ys, ratio, width, height } = screen;
      pen.globalAlpha = alpha;
      for (let kind = 0; kind < 2; kind++) {
        const picture = stamps.both[kind];
        const half = picture.width / 2;
        for (let k = 0; k < (list ? list.length : n); k++) {
          const i = kind * n + (list ? list[k] : k);
          const [x, y] = [xs[i] * ratio, ys[i] * ratio];
          if (x > -9 && y > -9 && x < width + 9 && y < height + 9) pen.drawImage(picture, x - half, y - half);
        }
      }
    }

    const scratch = make("canvas");
    let counts = [new Uint16Array(0), new Uint16Array(0)];
    /** Counts the points on each pixel and colours it by their number and mix: fast, and no side covers the other. */
    function crowd(pen, screen, list, alpha) {
      const { xs, ys, ratio, colors, width, height } = screen;
      if (counts[0].length !== width * height) counts = [new Uint16Array(width * height), new Uint16Array(width * height)];
      const side = Math.max(1, Math.round(screen.side * ratio * 0.85));
      for (let kind = 0; kind < 2; kind++) {
        const target = counts[kind].fill(0);
        for (let k = 0; k < (list ? list.length : n); k++) {
          const i = kind * n + (list ? list[k] : k);
          const x = Math.round(xs[i] * ratio - side / 2), y = Math.round(ys[i] * ratio - side / 2);
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

    let stamps = null;
    function paint(pen, colors, width, height, ratio) {
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.globalAlpha = 1;
      pen.fillStyle = colors.ground;
      pen.fillRect(0, 0, width, height);
      axesOn(pen, colors, width, height);
      const crowd = n > 5000 ? 3 : n > 1000 ? 4.2 : n > 100 ? 6 : 9;
      const closer = Math.min(2, Math.max(1, Math.sqrt(state.scale / (state.least * 20)) * 0.6));
      const side = crowd * closer;
      const key = `${colors.ground} ${side.toFixed(1)} ${ratio}`;
      if (!stamps || stamps.key !== key) {
        stamps = { key, both: [stamp(colors.image, false, side, ratio), stamp(colors.text, true, side, ratio)] };
      }
      const xs = new Float32Array(2 * n), ys = new Float32Array(2 * n);
      for (let i = 0; i < 2 * n; i++) { xs[i] = screenX(px[i], width); ys[i] = screenY(py[i], height); }
      if (byId("joins").checked) {
        pen.beginPath();
        for (let i = 0; i < n; i++) {
          const out = (xs[i] < 0 && xs[n + i] < 0) || (xs[i] > width && xs[n + i] > width)
            || (ys[i] < 0 && ys[n + i] < 0) || (ys[i] > height && ys[n + i] > height);
          if (!out) { pen.moveTo(xs[i], ys[i]); pen.lineTo(xs[n + i], ys[n + i]); }
        }
        pen.strokeStyle = colors.quiet;
        pen.globalAlpha = n > 5000 ? 0.05 : n > 1000 ? 0.12 : 0.25;
        pen.lineWidth = 0.8;
        pen.stroke();
      }
      pen.setTransform(1, 0, 0, 1, 0, 0);
      const solid = n > 5000 ? 0.5 : n > 1000 ? 0.65 : 0.8;
      const screen = { xs, ys, ratio, side, colors, width: Math.round(width * ratio), height: Math.round(height * ratio) };
      points(pen, screen, null, state.found ? solid * 0.2 : solid);
      if (state.found) points(pen, screen, state.found, 1);
      pen.globalAlpha = 1;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      centre(pen, colors, width, height, 0);
      centre(pen, colors, width, height, 1);
      if (state.chosen >= 0) {
        const i = state.chosen;
        pen.strokeStyle = colors.ink;
        pen.lineWidth = 2;
        pen.beginPath();
        pen.moveTo(xs[i], ys[i]);
        pen.lineTo(xs[n + i], ys[n + i]);
        pen.stroke();
        for (const [k, color] of [[i, colors.image], [n + i, colors.text]]) {
          pen.beginPath();
          pen.arc(xs[k], ys[k], 7, 0, 7);
          pen.fillStyle = color;
          pen.fill();
          pen.stroke();
        }
      }
    }

    function centre(pen, colors, width, height, kind) {
      const x = screenX(s.centres[state.x][kind], width);
      const y = screenY(s.centres[state.y][kind], height);
      pen.beginPath();
      pen.arc(x, y, 9, 0, 7);
      pen.fillStyle = kind === 0 ? colors.image : colors.text;
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
          `${grouped(n)} pairs, ${label(state.x)} across, ${label(state.y)} up`
          + (state.chosen >= 0 ? `, ${words(state.chosen).join(", ")}` : ""));
      });
    }

    // What is said of a pair, on the tip and to screen readers.
    function words(i) {
      const out = [`Pair ${grouped(numberOf(i))}`];
      if (s.ids) out[0] += `, ${s.ids[i]}`;
      if (s.captions) out.push(s.captions[i]);
      out.push(`cosine ${(paired[i] / 32767).toFixed(3)}`);
      return out;
    }

    let anchor = 0;
    function placeTip() {
      const { width, height } = size();
      const x = screenX(px[anchor], width), y = screenY(py[anchor], height);
      const w = tip.offsetWidth, h = tip.offsetHeight;
      tip.style.left = `${Math.max(4, Math.min(x + 14 + w > width ? x - 14 - w : x + 14, width - w - 4))}px`;
      tip.style.top = `${Math.max(4, Math.min(y + 14 + h > height ? y - 14 - h : y + 14, height - h - 4))}px`;
    }

    let saying = 0;
    function select(i, options = {}) {
      if (i === state.chosen && options.point === undefined) { draw(); return; }
      state.chosen = i;
      if (i < 0) { tip.hidden = true; draw(); return; }
      anchor = options.point ?? i;
      const [head, ...rest] = words(i);
      tip.replaceChildren(make("b", { text: head }), ...rest.map((text) => make("div", { text })));
      tip.hidden = false;
      placeTip();
      // Not every point that the pointer crosses is to be read aloud.
      clearTimeout(saying);
      saying = setTimeout(() => { byId("said").textContent = words(i).join(", "); }, options.isHover ? 350 : 0);
      if (options.follow) follow(i);
      draw();
    }

    function follow(i) {
      const { width, height } = size();
      const inside = [i, n + i].every((k) => {
        const [x, y] = [screenX(px[k], width), screenY(py[k], height)];
        return x > 10 && y > 10 && x < width - 10 && y < height - 10;
      });
      if (inside) return;
      state.centreX = (px[i] + px[n + i]) / 2;
      state.centreY = (py[i] + py[n + i]) / 2;
    }

    function nearest(x, y, reach) {
      const { width, height } = size();
      let best = -1, least = reach * reach;
      const only = state.among;
      for (let i = 0; i < 2 * n; i++) {
        const dx = screenX(px[i], width) - x, dy = screenY(py[i], height) - y;
        const far = dx * dx + dy * dy;
        if (far < least && (!only || only.has(i % n))) { least = far; best = i; }
      }
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
      draw();
    }
    function move(dx, dy) {
      state.centreX -= dx / state.scale;
      state.centreY += dy / state.scale;
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
        if (point >= 0) select(point % n, { point, isHover: true });
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
        if (point >= 0) select(point % n, { point });
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

    function step(by) {
      const list = state.found && state.found.length > 0 ? state.found : null;
      const count = list ? list.length : n;
      const here = list ? list.indexOf(state.chosen) : state.chosen;
      const next = here < 0 ? (by > 0 ? 0 : count - 1) : (here + by + count) % count;
      select(list ? list[next] : next, { follow: true });
    }
    const keys = {
      ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
      "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), "0": showAll,
      n: () => step(1), N: () => step(1), p: () => step(-1), P: () => step(-1), Escape: () => select(-1),
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
    const texts = Array.from({ length: n }, (_, i) =>
      `${numberOf(i)} ${s.ids ? s.ids[i] : ""} ${s.captions ? s.captions[i] : ""}`.toLowerCase());
    byId("search").placeholder = s.captions ? "word of a caption, or id" : s.ids ? "id or number" : "number of a pair";
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
      const number = /^\d+$/.test(wanted) && !s.captions && !s.ids ? Number(wanted) : null;
      const words = wanted.split(/\s+/);
      state.found = [];
      for (let i = 0; i < n; i++) {
        if (number === null ? words.every((word) => texts[i].includes(word)) : numberOf(i) === number) state.found.push(i);
      }
      state.among = new Set(state.found);
      const count = state.found.length;
      byId("search-count").textContent = count === 0 ? "No pair found"
        : `${grouped(count)} ${count === 1 ? "pair" : "pairs"} found` + (count > shownMatches ? `, the first ${shownMatches} are listed` : "");
      for (const i of state.found.slice(0, shownMatches)) {
        const name = s.captions ? s.captions[i] : s.ids ? s.ids[i] : `Pair ${grouped(numberOf(i))}`;
        const short = name.length > 60 ? name.slice(0, 59) + "…" : name;
        list.append(make("li", {}, button(short, `Show pair ${numberOf(i)}: ${name}`, () => select(i, { follow: true }))));
      }
      if (count === 1) select(state.found[0], { follow: true });
      draw();
    }
    byId("search").addEventListener("input", search);
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && state.found && state.found.length > 0) step(1);
    });

    byId("scatter-png").setAttribute("aria-label", "Scatter plot as PNG");
    byId("scatter-png").addEventListener("click", () => {
      const { width, height } = size();
      const copy = make("canvas", { width: 3 * width, height: 3 * height });
      const kept = stamps;
      stamps = null;
      paint(copy.getContext("2d"), light, width, height, 3);
      stamps = kept;
      copy.toBlob((blob) => save(blob, "scatter.png"), "image/png");
    });

    redraws.push(draw);
    new ResizeObserver(() => draw()).observe(canvas);
    place();
    showAll();
    return (pair) => {
      const i = numbers ? places.get(pair) ?? -1 : pair;
      if (i < 0 || i >= n) return false;
      byId("search").value = "";
      search();
      select(i, { follow: true });
      canvas.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      canvas.focus({ preventScroll: true });
      return true;
    };
  }

  // ---- Pairs to look at.

  const hasCaptions = data.pairs.some((part) => part.rows.some((row) => row.caption));
  byId("pair-tables").className = hasCaptions ? "" : "charts";
  const drawn = data.scatter && data.scatter.numbers ? new Set(decoded(data.scatter.numbers, 4)) : null;
  for (const part of data.pairs) {
    byId("pairs").hidden = false;
    const has = (key) => part.rows.some((row) => row[key] !== undefined && row[key] !== null);
    byId("pair-tables").append(table(part.name, part.title, part.says, [
      {
        key: "pair", name: "Pair", isHead: true, of: (r) => r.pair,
        show: (r) => (choose && (!drawn || drawn.has(r.pair))
          ? button(grouped(r.pair), `Show pair ${r.pair} in the scatter plot`, () => choose(r.pair)) : grouped(r.pair)),
      },
      ...(has("id") ? [{ key: "id", name: "Id", of: (r) => r.id }] : []),
      ...(has("caption") ? [{ key: "caption", name: "Caption", of: (r) => r.caption }] : []),
      { key: "cosine", name: "Cosine", of: (r) => r.cosine, show: (r) => short(r.cosine), isNumber: true },
      ...(has("rank") ? [{ key: "rank", name: "Rank", of: (r) => r.rank, show: (r) => grouped(r.rank), isNumber: true }] : []),
    ], part.rows));
  }

  for (const heading of document.querySelectorAll("main section:not([hidden]) > h2:not(.hidden)")) {
    byId("contents").append(make("li", {}, make("a", { href: `#${heading.parentElement.id}`, text: heading.textContent })));
  }
})();

// A metric by slice: a point for each slice and model, with its interval; worst first, or by the number of rows.
// uPlot draws it on a canvas, as ten thousand points are too many elements.

const CHART_HEIGHT = 320;
const STEPS_OF_RANKS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000];
/** The ends of intervals are series that nobody sees, so that the axis has room for them. */
const UNSEEN = { paths: () => null, points: { show: false } };

/** The chart in its section; `pick` is told which slice was chosen. */
function sliceChart(section, slices, state, pick) {
  const measures = [...new Set(slices.columns.filter((column) => !column.change).map((column) => column.stem))];
  if (!measures.length || slices.count < 2) return { update() {} };
  const place = made("div", { className: "plot", tabIndex: 0, role: "group" });
  const told = made("p", { className: "readout", role: "status" });
  const view = choice(
    "Order",
    [
      ["worst", "worst first"],
      ["rows", "by rows"],
    ],
    state.values.view,
    (value) => state.set({ view: value }),
  );
  const metric = choice(
    "Chart of",
    measures.map((name) => [name, name]),
    chosenMeasure(),
    (value) => state.set({ chart: value }),
  );
  const hint =
    "Drag to zoom, double-click to see all. Click a point, or walk with the arrow keys and press Enter, to " +
    "see the plots of its slice.";
  section.append(made("div", { className: "controls" }, metric, view), place, told);

  let chart = null;
  let shown = [];
  let at = -1;
  let latest = [];

  function chosenMeasure() {
    if (measures.includes(state.values.chart)) return state.values.chart;
    const judged = slices.columns.find((column) => column.judged && !column.change);
    return judged ? judged.stem : measures[0];
  }

  function columnsShown() {
    const hidden = new Set(unlisted(state.values.hide));
    const wanted = chosenMeasure();
    const of = slices.columns.filter((column) => !column.change && column.stem === wanted);
    return of.filter((column) => !hidden.has(column.model) || column.model === "");
  }

  function update(found) {
    latest = found;
    const columns = columnsShown();
    metric.querySelector("select").value = chosenMeasure();
    view.querySelector("select").value = state.values.view;
    chart?.destroy();
    chart = null;
    place.replaceChildren();
    told.textContent = hint;
    if (!columns.length) return;
    const [leading] = columns;
    const byRows = state.values.view === "rows";
    const sign = leading.better === "lower" ? -1 : 1;
    shown = found.filter((slice) => columns.some((column) => !Number.isNaN(column.values[slice])));
    shown.sort((a, b) => (byRows ? slices.rows[a] - slices.rows[b] : rank(leading.values, a, b, sign)));
    at = -1;
    place.ariaLabel = `${chosenMeasure()} of ${counted(shown.length, "slice")}, ${byRows ? "by rows" : "worst first"}`;
    if (shown.length) chart = plotted(columns, byRows);
  }

  function plotted(columns, byRows) {
    const colours = coloursNow();
    const x = byRows ? shown.map((slice) => slices.rows[slice]) : shown.map((_, i) => i + 1);
    const isLog = byRows && x[0] > 0 && x.at(-1) / x[0] > 50;
    const ends = columns.flatMap((column) => (column.lower ? [column.lower, column.upper] : []));
    const inOrder = (values) => shown.map((slice) => (Number.isFinite(values[slice]) ? values[slice] : null));
    const options = {
      width: place.clientWidth || 600,
      height: CHART_HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 9 }, drag: { x: true, y: true, uni: 20 }, dataIdx: nearestPoint },
      scales: { x: { time: false, distr: isLog ? 3 : 1, range: isLog ? undefined : padded }, y: { range: padded } },
      axes: [
        { ...axis(byRows ? "rows" : "slices, worst first", 34, colours), ...(byRows ? {} : { incrs: STEPS_OF_RANKS }) },
        axis(chosenMeasure(), 56, colours),
      ],
      series: [{}, ...columns.map((column) => pointsOf(column, slices, colours)), ...ends.map(() => UNSEEN)],
      hooks: { draw: [(u) => drawIntervals(u, columns, shown, slices, colours)], setCursor: [tell] },
    };
    const data = [x, ...columns.map((column) => inOrder(column.values)), ...ends.map(inOrder)];
    const plot = new uPlot(options, data, place);
    plot.over.addEventListener("click", () => at >= 0 && pick(shown[at]));
    return plot;
  }

  /** The point that is nearest to the pointer, not only from left to right: many slices have as many rows. */
  function nearestPoint(u, series, found) {
    if (series === 0 || u.cursor.top < 0) return found;
    const [xs, ys] = [u.data[0], u.data[series]];
    let [best, least] = [found, Infinity];
    for (const step of [-1, 1]) {
      for (let i = found; i >= 0 && i < xs.length; i += step) {
        const across = Math.abs(u.valToPos(xs[i], "x") - u.cursor.left);
        if (across > 12) break;
        const away = ys[i] == null ? Infinity : Math.hypot(across, u.valToPos(ys[i], "y") - u.cursor.top);
        if (away < least) [best, least] = [i, away];
      }
    }
    return best;
  }

  function tell(u) {
    const index = u.cursor.idxs?.slice(1, 1 + columnsShown().length).find((each) => each != null);
    if (index == null || u.cursor.left < 0) return;
    at = index;
    told.textContent = spoken(shown[index]);
  }

  function spoken(slice) {
    const values = columnsShown().map((column) => {
      const name = column.heading && `${column.heading} `;
      return `${name}${valueText(column, slice)} ${intervalText(column, slice)}`.trim();
    });
    return `${slices.names[slice]}: ${values.join("; ")}; ${counted(slices.rows[slice], "row")}`;
  }

  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity }[event.key];
    if (!chart || (step === undefined && event.key !== "Enter")) return;
    event.preventDefault();
    if (event.key === "Enter") {
      if (at >= 0) pick(shown[at]);
      return;
    }
    at = Math.min(Math.max(at + step, 0), shown.length - 1);
    const value = chart.data
      .slice(1)
      .map((ys) => ys[at])
      .find((each) => each !== null);
    const here = at;
    chart.setCursor({ left: chart.valToPos(chart.data[0][at], "x"), top: chart.valToPos(value, "y") });
    at = here;
    told.textContent = spoken(shown[at]);
  });
  new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: CHART_HEIGHT })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update(latest));
  return { update };
}

function rank(values, a, b, sign) {
  const [x, y] = [values[a], values[b]];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
  return sign * (x - y);
}

function colourOf(column, slices, colours) {
  return colours.models[Math.max(slices.models.indexOf(column.model), 0) % colours.models.length];
}

function pointsOf(column, slices, colours) {
  const colour = colourOf(column, slices, colours);
  return {
    label: column.heading,
    stroke: colour,
    paths: () => null,
    points: { show: true, size: 6, stroke: colour, fill: colour },
  };
}

function drawIntervals(u, columns, shown, slices, colours) {
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  ctx.clip();
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = devicePixelRatio;
  for (const column of columns.filter((each) => each.lower)) {
    ctx.strokeStyle = colourOf(column, slices, colours);
    ctx.beginPath();
    shown.forEach((slice, i) => {
      const [low, high] = [column.lower[slice], column.upper[slice]];
      if (!Number.isFinite(low) || !Number.isFinite(high)) return;
      const x = u.valToPos(u.data[0][i], "x", true);
      ctx.moveTo(x, u.valToPos(low, "y", true));
      ctx.lineTo(x, u.valToPos(high, "y", true));
    });
    ctx.stroke();
  }
  ctx.restore();
}

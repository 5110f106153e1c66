// Metrics over time: a line for each slice that is chosen, with its interval, and the value of the last blessed run.

const OVER_TIME_HEIGHT = 340;
const MOST_LINES = 4;

async function main() {
  const place = document.getElementById("over-time");
  const data = typeof DecompressionStream === "undefined" ? null : await unpacked("runs-data");
  if (!data || !data.metrics.length) return;
  const { metrics, slices, runs } = data;
  const fails = new Set();
  for (let i = 0; i < data.failed.length; i += 3) fails.add(data.failed.slice(i, i + 3).join("/"));
  const part = (values, metric, slice) => {
    const start = (metric * slices.length + slice) * runs.length;
    return values.subarray(start, start + runs.length);
  };

  let metric = 0;
  let shown = [0];
  let chart = null;
  let at = -1;
  const head = made("div", { className: "controls" });
  const box = made("div", { className: "plot", tabIndex: 0, role: "group" });
  const told = made("p", { className: "readout", role: "status" });
  place.append(head, box, told);

  function controls() {
    const rest = slices.map((name, i) => [String(i), name]).filter(([i]) => !shown.includes(Number(i)));
    const chips = shown.map((slice, i) =>
      made(
        "button",
        {
          type: "button",
          className: "chip",
          title: `take away ${slices[slice]}`,
          click: () =>
            change(() => {
              shown = shown.filter((each) => each !== slice);
            }),
        },
        swatch(i),
        made("bdi", { textContent: slices[slice] }),
        " ×",
      ),
    );
    head.replaceChildren(
      choice(
        "Metric",
        metrics.map((name, i) => [String(i), name]),
        String(metric),
        (value) =>
          change(() => {
            metric = Number(value);
            table();
          }),
      ),
      choice("Add a slice", [["", "choose"], ...rest], "", (value) =>
        change(() => {
          shown = [...shown, Number(value)].slice(-MOST_LINES);
        }),
      ),
      ...chips,
    );
  }

  function change(act) {
    act();
    controls();
    draw();
  }

  function draw() {
    chart?.destroy();
    chart = null;
    at = -1;
    told.textContent =
      "Point at the chart, or walk with the arrow keys. A ring is a run in which a threshold of the " +
      "slice does not hold; the dashed line is the value of the last blessed run before.";
    if (!shown.length) return;
    const colours = coloursNow();
    const numbers = (values) => [...values].map((value) => (Number.isFinite(value) ? value : null));
    const series = [{}];
    const columns = [runs.map((run) => run.when)];
    shown.forEach((slice, i) => {
      const stroke = colours.models[i % 4];
      const values = part(data.values, metric, slice);
      series.push({
        label: slices[slice],
        stroke,
        width: 2,
        spanGaps: true,
        points: { show: true, size: 7, stroke, fill: stroke, filter: (u, s, show) => (show ? held(slice) : null) },
      });
      columns.push(numbers(values));
    });
    // Ends of intervals are not drawn as lines, but the axis has room for them.
    for (const slice of shown) {
      for (const ends of [data.lower, data.upper]) {
        series.push({ paths: () => null, points: { show: false } });
        columns.push(numbers(part(ends, metric, slice)));
      }
    }
    series.push({
      label: "last blessed",
      stroke: colours.text,
      dash: [6, 4],
      width: 1,
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
    });
    columns.push(lastBlessed(part(data.values, metric, shown[0])));

    const names = shown.map((slice) => slices[slice]).join(", ");
    box.ariaLabel = `${metrics[metric]} over ${counted(runs.length, "run")}, for ${names}`;
    chart = new uPlot(
      {
        width: box.clientWidth || 600,
        height: OVER_TIME_HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 9 } },
        series,
        scales: { y: { range: padded } },
        axes: [{ ...axis("", 50, colours), values: undefined, label: undefined }, axis(metrics[metric], 56, colours)],
        hooks: {
          draw: [(u) => marks(u, colours)],
          setCursor: [(u) => u.cursor.idx != null && u.cursor.left >= 0 && tell(u.cursor.idx)],
        },
      },
      columns,
      box,
    );
  }

  /** Places of the runs in which the thresholds of a slice hold, whose points are filled. */
  function held(slice) {
    return runs.map((_, run) => run).filter((run) => !fails.has(`${metric}/${slice}/${run}`));
  }

  /** For each run the value of the newest run before it, or it itself, that is blessed. */
  function lastBlessed(values) {
    let last = null;
    return runs.map(({ status }, run) => {
      if (status === "BLESSED" && Number.isFinite(values[run])) last = values[run];
      return last;
    });
  }

  /** Intervals, and rings where a threshold does not hold. */
  function marks(u, colours) {
    const { ctx } = u;
    ctx.save();
    ctx.setLineDash([]);
    ctx.lineWidth = devicePixelRatio;
    shown.forEach((slice, i) => {
      const [values, lower, upper] = ["values", "lower", "upper"].map((name) => part(data[name], metric, slice));
      ctx.strokeStyle = colours.models[i % 4];
      runs.forEach(({ when }, run) => {
        const x = u.valToPos(when, "x", true);
        if (Number.isFinite(lower[run])) {
          ctx.beginPath();
          ctx.globalAlpha = 0.45;
          ctx.moveTo(x, u.valToPos(lower[run], "y", true));
          ctx.lineTo(x, u.valToPos(upper[run], "y", true));
          ctx.stroke();
        }
        if (fails.has(`${metric}/${slice}/${run}`) && Number.isFinite(values[run])) {
          ctx.globalAlpha = 1;
          ctx.lineWidth = 2 * devicePixelRatio;
          ctx.beginPath();
          ctx.arc(x, u.valToPos(values[run], "y", true), 5 * devicePixelRatio, 0, 2 * Math.PI);
          ctx.stroke();
          ctx.lineWidth = devicePixelRatio;
        }
      });
    });
    ctx.restore();
  }

  function tell(run) {
    at = run;
    const { date, status } = runs[run];
    const values = shown.map((slice) => {
      const mark = fails.has(`${metric}/${slice}/${run}`) ? ` ${FAILS}` : "";
      const ends = ["lower", "upper"].map((name) => part(data[name], metric, slice)[run]);
      const interval = ends.every(Number.isFinite) ? ` [${ends.map(numberText).join(", ")}]` : "";
      return `${slices[slice]} ${numberText(part(data.values, metric, slice)[run])}${interval}${mark}`;
    });
    told.textContent = `${date}, ${status.replace("_", " ")}: ${values.join("; ")}`;
  }

  /** Fills the table of slices by run with the metric that is chosen; as without scripts, the newest run comes first. */
  function table() {
    const body = document.getElementById("by-run");
    body.caption.textContent = metrics[metric];
    [...body.tBodies[0].rows].forEach((line, slice) => {
      const values = part(data.values, metric, slice);
      [...line.cells].slice(1).forEach((cell, i) => {
        const run = runs.length - 1 - i;
        const failing = fails.has(`${metric}/${slice}/${run}`);
        cell.textContent = Number.isNaN(values[run]) ? "" : numberText(values[run]) + (failing ? ` ${FAILS}` : "");
        cell.className = failing ? "fails" : "";
      });
    });
  }

  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || !chart) return;
    event.preventDefault();
    const next = Math.min(Math.max((at < 0 && step === -1 ? runs.length : at) + step, 0), runs.length - 1);
    chart.setCursor({ left: chart.valToPos(runs[next].when, "x"), top: OVER_TIME_HEIGHT / 2 });
    tell(next);
  });
  new ResizeObserver(() => chart?.setSize({ width: box.clientWidth, height: OVER_TIME_HEIGHT })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  for (const each of document.querySelectorAll(".needs-script")) each.hidden = false;
  document.documentElement.classList.add("live");
  controls();
  draw();
}

/** A short piece of a line, for a legend. */
function swatch(colour) {
  return drawn(
    "svg",
    { class: "swatch", viewBox: "0 0 32 12", "aria-hidden": "true" },
    drawn("path", { class: `line c${colour}`, d: "M1 6H31" }),
  );
}

main();

// Confusion matrices: of two classes at a threshold, and of several classes as a heat map.

const MOST_CLASSES = 40;
const MOST_CONFUSIONS = 10;
const NO_CLASS = -1;

/** The four counts at a threshold as a table; the larger its share of the label's row, the darker a field. */
function confusionTable(plot, place, weighted) {
  const { threshold, tp, fp, fn, tn } = countsAt(plot, place);
  const unit = weighted ? "weight" : "rows";
  const field = (count, total, isRight) => {
    const share = total > 0 ? count / total : 0;
    const cell = made(
      "td",
      { className: isRight ? "right" : "wrong" },
      rounded(count),
      made("small", { textContent: total > 0 ? ` ${(100 * share).toFixed(1)}%` : "" }),
    );
    cell.style.setProperty("--share", share);
    return cell;
  };
  const line = (label, first, second, isFirst) =>
    made(
      "tr",
      {},
      made("th", { scope: "row", textContent: label }),
      field(first, first + second, isFirst),
      field(second, first + second, !isFirst),
    );
  const heads = ["", "predicted positive", "predicted negative"];
  return made(
    "table",
    { className: "confusion" },
    made("caption", { textContent: `${plot.model || "The model"} at ${short(threshold)}, ${unit}` }),
    made(
      "thead",
      {},
      made("tr", {}, ...heads.map((text) => made(text ? "th" : "td", text ? { scope: "col", textContent: text } : {}))),
    ),
    made("tbody", {}, line("positive", tp, fn, true), line("negative", fp, tn, false)),
  );
}

function rounded(count) {
  return numberText(Math.abs(count) < 1e4 ? Number(count.toFixed(4)) : Math.round(count));
}

/** What is computed from the counts of each model, side by side. */
function ratesTable(plots, at) {
  const rates = plots.map((plot) => {
    const { tp, fp, fn, tn } = countsAt(plot, nearestThreshold(plot, at));
    return {
      precision: tp / (tp + fp),
      recall: tp / (tp + fn),
      "false positive rate": fp / (fp + tn),
      f1: (2 * tp) / (2 * tp + fp + fn),
      accuracy: (tp + tn) / (tp + fp + fn + tn),
      "predicted positive": (tp + fp) / (tp + fp + fn + tn),
    };
  });
  const heads = ["At the threshold", ...plots.map((plot) => plot.model || "value")];
  return plainTable(
    heads,
    Object.keys(rates[0]).map((name) => [name, ...rates.map((rate) => numberText(rate[name]))]),
  );
}

/** Weight by label and prediction of many classes; arrow keys or a pointer tell a field. */
function heatMap(plot, names) {
  const totals = new Map();
  const fields = new Map();
  plot.cells.forEach((weight, i) => {
    totals.set(plot.actual[i], (totals.get(plot.actual[i]) ?? 0) + weight);
    fields.set(`${plot.actual[i]}/${plot.predicted[i]}`, weight);
  });
  const all = [...new Set([...plot.actual, ...plot.predicted])];
  const largest = all.sort((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0)).slice(0, MOST_CLASSES);
  const classes = largest.sort((a, b) => a - b);
  const size = Math.min(34, 620 / classes.length);
  const left = 40;
  const told = made("p", { className: "readout" });
  const outline = drawn("rect", { class: "outline", width: size, height: size, x: -99, y: -99 });
  const nameOf = (id) => (id === NO_CLASS ? "none" : names[id] ? `${id} (${names[id]})` : String(id));

  let [row, column] = [0, -1];
  const tell = () => {
    const [actual, predicted] = [classes[row], classes[column]];
    const weight = fields.get(`${actual}/${predicted}`) ?? 0;
    const share = totals.get(actual) ? ` (${((100 * weight) / totals.get(actual)).toFixed(1)}% of the label)` : "";
    outline.setAttribute("x", left + column * size);
    outline.setAttribute("y", left + row * size);
    told.textContent = `label ${nameOf(actual)}, predicted ${nameOf(predicted)}: ${rounded(weight)}${share}`;
  };
  const parts = [
    words(left + (classes.length * size) / 2, 12, "predicted", ""),
    drawn("text", { transform: `translate(10 ${left + (classes.length * size) / 2}) rotate(-90)` }, "label"),
  ];
  classes.forEach((actual, i) => {
    if (size >= 12) {
      parts.push(
        words(left + (i + 0.5) * size, left - 6, nameOf(actual).split(" ")[0], "minor"),
        words(left - 5, left + (i + 0.68) * size, nameOf(actual).split(" ")[0], "minor end"),
      );
    }
    classes.forEach((predicted, j) => {
      const weight = fields.get(`${actual}/${predicted}`);
      if (!weight) return;
      const share = weight / totals.get(actual);
      parts.push(
        drawn("rect", {
          class: i === j ? "right" : "wrong",
          x: left + j * size,
          y: left + i * size,
          width: size - 1,
          height: size - 1,
          "fill-opacity": (0.08 + 0.92 * share).toFixed(2),
        }),
      );
    });
  });

  const whole = left + classes.length * size + 4;
  const svg = drawn(
    "svg",
    {
      viewBox: `0 0 ${whole} ${whole}`,
      width: whole,
      role: "img",
      "aria-label": `${plot.model || "The model"}: share of each label by prediction, ${classes.length} classes`,
    },
    ...parts,
    outline,
  );
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const place = (pixels, extent) => Math.floor(((pixels * whole) / extent - left) / size);
    const [j, i] = [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
    if (classes[i] === undefined || classes[j] === undefined) return;
    [row, column] = [i, j];
    tell();
  });
  const walk = (event) => {
    const [down, right] =
      { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    row = Math.min(Math.max(row + down, 0), classes.length - 1);
    column = Math.min(Math.max(column + right, 0), classes.length - 1);
    told.role = "status";
    tell();
  };
  const wrong = [...plot.cells.keys()]
    .filter((i) => plot.actual[i] !== plot.predicted[i] && plot.cells[i] > 0)
    .sort((a, b) => plot.cells[b] - plot.cells[a])
    .slice(0, MOST_CONFUSIONS);
  const confusions = wrong.map((i) => [
    nameOf(plot.actual[i]),
    nameOf(plot.predicted[i]),
    rounded(plot.cells[i]),
    `${((100 * plot.cells[i]) / totals.get(plot.actual[i])).toFixed(1)}%`,
  ]);
  const rest = all.length > classes.length ? `; the ${classes.length} largest of ${all.length} classes` : "";
  const map = made(
    "figure",
    {
      tabIndex: 0,
      className: "heat",
      keydown: walk,
      ariaLabel: "Heat map of classes; arrow keys walk from field to field",
    },
    made("figcaption", { textContent: `${plot.model || "The model"}: share of each label by prediction${rest}` }),
    svg,
    told,
  );
  return confusions.length
    ? [map, plainTable(["Label", "Predicted", "Weight", "Share of the label"], confusions)]
    : [map];
}

function plainTable(heads, lines) {
  return made(
    "table",
    {},
    made("thead", {}, made("tr", {}, ...heads.map((text) => made("th", { scope: "col", textContent: text })))),
    made(
      "tbody",
      {},
      ...lines.map(([name, ...cells]) =>
        made(
          "tr",
          {},
          made("th", { scope: "row", textContent: name }),
          ...cells.map((text) => made("td", { textContent: text })),
        ),
      ),
    ),
  );
}

// Diagrams as SVG. A pointer near a curve, or arrow keys, tell the values below it.

const [CURVE_LEFT, CURVE_TOP, CURVE_SIZE] = [44, 8, 232];
const CURVE_TICKS = 4;

/**
 * A diagram with axes.
 *
 * `lines` have `name`, `colour` (a number), `points` ([x, y, words to tell of the point]), `dots` and `marked` (the
 * place of a point that stands out). `guide` is a line to compare with: "diagonal", "zero", or none.
 */
function curves({ title, across, up, lines, guide }) {
  const x = (value) => CURVE_LEFT + CURVE_SIZE * clamped((value - across.low) / (across.high - across.low));
  const y = (value) => CURVE_TOP + CURVE_SIZE * (1 - clamped((value - up.low) / (up.high - up.low)));
  const told = made("p", { className: "readout" });
  const cursor = drawn("circle", { class: "cursor", r: 5, cx: -20, cy: -20 });

  const svg = drawn(
    "svg",
    {
      viewBox: "0 0 288 280",
      role: "img",
      "aria-label": `${title}: ${up.label} by ${across.label}, for ${lines.map((line) => line.name).join(", ")}`,
    },
    drawn("rect", { class: "box", x: CURVE_LEFT, y: CURVE_TOP, width: CURVE_SIZE, height: CURVE_SIZE }),
    ...ticksOf(across, up, x, y),
    ...guideOf(guide, across, up, x, y),
    ...lines.flatMap((line) => lineOf(line, x, y)),
    cursor,
  );

  let [line, at] = [0, -1];
  const tell = () => {
    const [px, py, words] = lines[line].points[at];
    cursor.setAttribute("cx", x(px));
    cursor.setAttribute("cy", y(py));
    told.textContent = lines.length > 1 ? `${lines[line].name}: ${words}` : words;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const [left, top] = [
      ((event.clientX - box.left) * 288) / box.width,
      ((event.clientY - box.top) * 280) / box.height,
    ];
    let least = Infinity;
    lines.forEach((each, i) =>
      each.points.forEach(([px, py], place) => {
        const away = Math.hypot(x(px) - left, y(py) - top);
        if (away < least) [least, line, at] = [away, i, place];
      }),
    );
    if (at >= 0) tell();
  });

  const figure = made(
    "figure",
    {
      tabIndex: 0,
      ariaLabel: `${title}; arrow keys walk along the line${lines.length > 1 ? ", up and down change it" : ""}`,
      keydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step === undefined && turn === undefined) return;
        event.preventDefault();
        if (turn) line = (line + turn + lines.length) % lines.length;
        at = Math.min(Math.max(at + (step ?? 0), 0), lines[line].points.length - 1);
        told.role = "status";
        tell();
      },
    },
    made("figcaption", { textContent: title }),
    svg,
    told,
  );
  return figure;
}

function clamped(share) {
  return Math.min(Math.max(share, 0), 1);
}

function ticksOf(across, up, x, y) {
  const parts = [
    words(CURVE_LEFT + CURVE_SIZE / 2, CURVE_TOP + CURVE_SIZE + 36, across.label, ""),
    drawn("text", { transform: `translate(11 ${CURVE_TOP + CURVE_SIZE / 2}) rotate(-90)` }, up.label),
  ];
  for (let i = 0; i <= CURVE_TICKS; i++) {
    const [right, high] = [across, up].map((axis) => axis.low + ((axis.high - axis.low) * i) / CURVE_TICKS);
    parts.push(
      drawn("path", { class: "grid", d: `M${x(right)} ${CURVE_TOP}v${CURVE_SIZE}` }),
      drawn("path", { class: "grid", d: `M${CURVE_LEFT} ${y(high)}h${CURVE_SIZE}` }),
      words(x(right), CURVE_TOP + CURVE_SIZE + 16, short(right), "minor"),
      words(CURVE_LEFT - 5, y(high) + 4, short(high), "minor end"),
    );
  }
  return parts;
}

function guideOf(guide, across, up, x, y) {
  if (guide === "diagonal") {
    return [
      drawn("path", { class: "guide", d: `M${x(across.low)} ${y(across.low)}L${x(across.high)} ${y(across.high)}` }),
    ];
  }
  return guide === "zero" ? [drawn("path", { class: "guide", d: `M${CURVE_LEFT} ${y(0)}h${CURVE_SIZE}` })] : [];
}

function lineOf({ points, colour, dots, marked }, x, y) {
  const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
  const parts = points.length > 1 ? [drawn("path", { class: `line c${colour}`, d: `M${path}` })] : [];
  if (dots) {
    parts.push(...points.map(([px, py]) => drawn("circle", { class: `dot c${colour}`, cx: x(px), cy: y(py), r: 2.5 })));
  }
  if (marked >= 0) {
    const [px, py] = points[marked];
    parts.push(drawn("circle", { class: `mark c${colour}`, cx: x(px), cy: y(py), r: 4.5 }));
  }
  return parts;
}

function words(x, y, text, className) {
  return drawn("text", { x, y, class: className }, text);
}

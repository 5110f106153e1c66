// The table of slices. Only the rows in sight are elements, so that ten thousand slices cost no more than fifty.

const SPARE_ROWS = 12;

/** Takes over the table that the page has without scripts; `pick` is told which slice was chosen. */
function slicesTable(table, slices, state, pick) {
  const scroller = table.closest(".scroll");
  const body = table.tBodies[0];
  const canvas = made("div", { className: "canvas" });
  scroller.replaceChildren(canvas);
  canvas.append(table);
  table.classList.add("windowed");

  let columns = [];
  let order = [];
  let rows = new Map();
  let height = 0;

  function heads() {
    const groups = made("tr", {}, made("td", { colSpan: 2, className: "first" }));
    const names = made("tr", {}, head("Slice", "slice", "first"), head("Rows", "rows", ""));
    columns.forEach((column, i) => {
      const starts = i === 0 || columns[i - 1].label !== column.label;
      if (starts) {
        const span = columns.filter((other) => other.label === column.label).length;
        const weighted = column.weighted ? made("small", { textContent: " weighted" }) : null;
        groups.append(
          made(
            "th",
            { scope: "colgroup", colSpan: span, className: "group" },
            made("span", { textContent: column.label }),
            weighted,
          ),
        );
      }
      const text = [column.at && `at ${column.at}`, column.heading].filter(Boolean).join(", ") || "value";
      names.append(head(text, column.name, starts ? "group" : ""));
    });
    table.tHead.replaceChildren(groups, names);
  }

  function head(text, key, className) {
    const { sort } = state.values;
    const isSorted = sort.replace(/^-/, "") === key;
    const turn = () => {
      const first = key === "slice" ? "" : "-";
      const next = sort === first + key ? (first ? key : `-${key}`) : first + key;
      state.set({ sort: next });
      table.tHead.querySelector(`[data-key="${CSS.escape(key)}"] button`)?.focus();
    };
    const cell = made(
      "th",
      { scope: "col", className, dataset: { key } },
      made("button", { type: "button", textContent: text, click: turn }),
    );
    if (isSorted) cell.ariaSort = sort.startsWith("-") ? "descending" : "ascending";
    return cell;
  }

  function row(slice, place) {
    const chosenNow = picked(state).includes(slices.names[slice]);
    const name = made(
      "button",
      {
        type: "button",
        className: "pick",
        title: slices.names[slice],
        dataset: { place },
        "aria-pressed": String(chosenNow),
        click: () => pick(slice),
      },
      made("bdi", { textContent: slices.names[slice] }),
    );
    const line = made(
      "tr",
      { "aria-rowindex": String(place + 3) },
      made("th", { scope: "row", className: "first" }, name),
      made("td", { textContent: slices.rows[slice].toLocaleString("en") }),
    );
    columns.forEach((column, i) => line.append(cell(column, slice, i)));
    return line;
  }

  function cell(column, slice, i) {
    const fails = column.fails.has(slice);
    const worse = !fails && isWorse(column, slice);
    const classes = [
      i === 0 || columns[i - 1].label !== column.label ? "group" : "",
      fails ? "fails" : "",
      worse ? "worse" : "",
    ];
    const interval = intervalText(column, slice);
    const mark = fails ? ` ${FAILS}` : worse ? ` ${WORSE}` : "";
    return made(
      "td",
      { className: classes.filter(Boolean).join(" ") },
      valueText(column, slice) + mark,
      interval ? made("small", { textContent: ` ${interval}` }) : null,
    );
  }

  /** Puts the rows in sight into the table, and keeps those that are there already: one of them may have the focus. */
  function show() {
    const room = Math.ceil(scroller.clientHeight / height) + 2 * SPARE_ROWS;
    const wished = Math.floor(scroller.scrollTop / height) - SPARE_ROWS;
    const first = Math.max(0, Math.min(wished, order.length - room));
    const last = Math.min(order.length, first + room);
    const wanted = new Map();
    for (let place = first; place < last; place++) wanted.set(place, rows.get(place) ?? row(order[place], place));
    for (const [place, line] of rows) if (!wanted.has(place)) line.remove();
    let after = null;
    for (const [, line] of [...wanted].reverse()) {
      if (line.nextSibling !== after || line.parentNode !== body) body.insertBefore(line, after);
      after = line;
    }
    rows = wanted;
    table.style.marginTop = `${first * height}px`;
  }

  function fill() {
    body.replaceChildren();
    rows = new Map();
    const hasIntervals = columns.some((column) => column.lower);
    table.classList.toggle("with-intervals", hasIntervals);
    table.ariaRowCount = String(order.length + 2);
    if (order.length) body.append(row(order[0], 0));
    height = body.rows[0]?.getBoundingClientRect().height || 32;
    canvas.style.height = `${table.tHead.getBoundingClientRect().height + order.length * height}px`;
    body.replaceChildren();
    show();
  }

  /** Arrow keys walk from slice to slice, also to those that are not in sight yet. */
  function walk(event) {
    const place = Number(event.target.dataset?.place);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!event.target.classList.contains("pick") || step === undefined) return;
    event.preventDefault();
    const next = Math.min(Math.max(place + step, 0), order.length - 1);
    const above = next * height;
    const room = scroller.clientHeight - table.tHead.offsetHeight - height;
    if (above < scroller.scrollTop || above > scroller.scrollTop + room) scroller.scrollTop = above - room / 2;
    show();
    rows.get(next)?.querySelector(".pick").focus({ preventScroll: true });
  }

  scroller.addEventListener("scroll", () => requestAnimationFrame(show));
  table.addEventListener("keydown", walk);
  return {
    update(found) {
      order = sorted(slices, found, state.values.sort);
      columns = shownColumns(slices, state.values);
      heads();
      scroller.scrollTop = 0;
      fill();
    },
    mark() {
      for (const [place, line] of rows) {
        const name = slices.names[order[place]];
        line.querySelector(".pick").setAttribute("aria-pressed", String(picked(state).includes(name)));
      }
    },
    resize: fill,
  };
}

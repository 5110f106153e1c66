// Groups compared: the slices by one feature, with the gap and the ratio of a metric to a reference.

const OVERALL = "Overall";
const MOST_GROUPS = 100;

/** The section of groups; it stays hidden where no feature has two groups. */
function groupsSection(section, slices, state) {
  const columns = slices.columns.filter((column) => !column.change);
  const features = slices.features
    .map((name, feature) => ({ name, groups: groupsOf(slices, feature) }))
    .filter(({ groups }) => groups.length > 1);
  if (!features.length || !columns.length) return { update() {} };
  section.hidden = false;

  const head = made("div", { className: "controls" });
  const summary = made("p", { role: "status" });
  const place = made("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Table: groups" });
  section.append(head, summary, place);

  function update() {
    const { values } = state;
    const feature = features.find(({ name }) => name === values.feature) ?? features[0];
    const column =
      columns.find((each) => each.name === values.group) ?? columns.find((each) => each.judged) ?? columns[0];
    const least = Number(values.rows) || 0;
    const groups = feature.groups.filter((slice) => slices.rows[slice] >= least && !Number.isNaN(column.values[slice]));
    const overall = slices.names.indexOf(OVERALL);
    const references = [
      ["", "all rows"],
      ["best", "the best group"],
      ...groups.slice(0, MOST_GROUPS).map((slice) => [slices.names[slice], slices.names[slice]]),
    ];
    const against = references.some(([value]) => value === values.against) ? values.against : "";
    const sign = column.better === "lower" ? -1 : 1;
    groups.sort((a, b) => sign * (column.values[a] - column.values[b]));
    const reference = against === "" ? overall : against === "best" ? groups.at(-1) : slices.names.indexOf(against);

    head.replaceChildren(
      choice(
        "Groups by",
        features.map(({ name }) => [name, name]),
        feature.name,
        (value) => state.set({ feature: value }),
      ),
      choice(
        "Metric",
        columns.map((each) => [each.name, each.name]),
        column.name,
        (value) => state.set({ group: value }),
      ),
      choice("Compared with", references, against, (value) => state.set({ against: value })),
    );
    summary.textContent = summaryOf(slices, column, groups);
    const shown = groups.slice(0, MOST_GROUPS);
    if (shown.length < groups.length) summary.textContent += ` The ${shown.length} worst groups:`;
    place.replaceChildren(groupsTable(slices, column, shown, reference, against || "all rows"));
  }
  return { update };
}

function groupsOf(slices, feature) {
  const found = [];
  slices.feature.forEach((each, slice) => each === feature && found.push(slice));
  return found;
}

function summaryOf(slices, column, groups) {
  if (groups.length < 2) return "Fewer than two groups have a value.";
  const values = groups.map((slice) => column.values[slice]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const nameOf = (value) => slices.names[groups[values.indexOf(value)]];
  const ratio = low >= 0 && high > 0 ? `; the lowest is ${numberText(low / high)} of the highest` : "";
  return (
    `${column.name} lies between ${numberText(low)} (${nameOf(low)}) and ${numberText(high)} (${nameOf(high)}): ` +
    `a gap of ${numberText(high - low)}${ratio}.`
  );
}

function groupsTable(slices, column, groups, reference, name) {
  const base = reference >= 0 ? column.values[reference] : NaN;
  const heads = ["Group", "Rows", column.name, `Gap to ${name}`, `Ratio to ${name}`];
  const lines = groups.map((slice) => {
    const value = column.values[slice];
    const interval = intervalText(column, slice);
    const ratio = base > 0 && value >= 0 ? numberText(value / base) : "undefined";
    return made(
      "tr",
      {},
      made("th", { scope: "row", className: "first" }, made("bdi", { textContent: slices.names[slice] })),
      made("td", { textContent: slices.rows[slice].toLocaleString("en") }),
      made(
        "td",
        { className: column.fails.has(slice) ? "fails" : "" },
        numberText(value) + (column.fails.has(slice) ? ` ${FAILS}` : ""),
        interval ? made("small", { textContent: ` ${interval}` }) : null,
      ),
      made("td", { textContent: changeText(value - base) }),
      made("td", { textContent: ratio }),
    );
  });
  return made(
    "table",
    {},
    made(
      "thead",
      {},
      made(
        "tr",
        {},
        ...heads.map((text, i) => made("th", { scope: "col", textContent: text, className: i ? "" : "first" })),
      ),
    ),
    made("tbody", {}, ...lines),
  );
}

// The slices of the run and their values, by column: a metric of a model, at a threshold where it has several.

/** Slices from the page's data. A column's `values` has a number for each slice, NaN where it is undefined. */
function slicesOf(data) {
  const count = data.names.length;
  const part = (array, index) => array.subarray(index * count, (index + 1) * count);
  const columns = data.columns.map((column, index) => ({ ...column, index, fails: new Set(), missing: new Set() }));
  for (const column of columns) {
    if (column.stored >= 0) column.values = part(data.values, column.stored);
    if (column.interval >= 0) {
      column.lower = part(data.lower, column.interval);
      column.upper = part(data.upper, column.interval);
    }
  }
  for (const column of columns) {
    if (column.values) continue;
    const [value, baseline] = column.minus.map((index) => columns[index].values);
    column.values = value.map((number, slice) => number - baseline[slice]);
  }
  for (let i = 0; i < data.failed.length; i += 2) columns[data.failed[i + 1]].fails.add(data.failed[i]);
  for (let i = 0; i < data.missing.length; i += 2) columns[data.missing[i + 1]].missing.add(data.missing[i]);

  const numbers = new Map([["rows", (slice) => data.rows[slice]]]);
  for (const { name, values } of columns) numbers.set(name, (slice) => values[slice]);
  return { ...data, count, columns, numbers };
}

/** Whether a change is for the worse. */
function isWorse(column, slice) {
  const change = column.values[slice];
  return column.change && ((change < 0 && column.better === "higher") || (change > 0 && column.better === "lower"));
}

function valueText(column, slice) {
  const value = column.values[slice];
  if (column.missing.has(slice)) return "";
  return column.change ? changeText(value) : numberText(value);
}

/** `[0.81, 0.83]`, or nothing. */
function intervalText(column, slice) {
  if (!column.lower || Number.isNaN(column.lower[slice])) return "";
  return `[${numberText(column.lower[slice])}, ${numberText(column.upper[slice])}]`;
}

/**
 * The slices that the reader wants to see, in the order of the results; and what is wrong with the filter.
 *
 * While a filter cannot be read, as it is still being written, the slices stay those that were found before.
 */
function chosen(slices, values, before) {
  const least = Number(values.rows) || 0;
  let test;
  try {
    test = values.where.trim() ? conditionOf(values.where, slices.numbers, slices.names) : () => true;
  } catch (problem) {
    if (!(problem instanceof ConditionError)) throw problem;
    return { found: before, error: problem.message };
  }
  const found = [];
  for (let slice = 0; slice < slices.count; slice++) {
    if (slices.rows[slice] >= least && test(slice)) found.push(slice);
  }
  return { found, error: "" };
}

/** The same in the order that the reader wants; what is undefined comes last, either way. */
function sorted(slices, found, sort) {
  if (!sort) return found;
  const descending = sort.startsWith("-");
  const wanted = sort.replace(/^-/, "");
  const sign = descending ? -1 : 1;
  if (wanted === "slice") {
    const order = new Intl.Collator("en", { numeric: true });
    return [...found].sort((a, b) => sign * order.compare(slices.names[a], slices.names[b]));
  }
  const values = wanted === "rows" ? slices.rows : slices.columns.find((each) => each.name === wanted)?.values;
  if (!values) return found;
  return [...found].sort((a, b) => {
    const [x, y] = [values[a], values[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return sign * (x - y);
  });
}

/** The columns that the reader wants to see. */
function shownColumns(slices, values) {
  const hidden = new Set(unlisted(values.hide));
  return slices.columns.filter((column) => {
    if (hidden.has(column.model) && column.model !== "") return false;
    if (values.metrics === "judged") return column.judged;
    return ["", "all", column.label].includes(values.metrics);
  });
}

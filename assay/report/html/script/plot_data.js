// The plots of slices: counts along thresholds, buckets of predictions, matrices of classes.

const CALIBRATION_RANGES = 20;

/** Plots from the page's data: which panels a slice has, and the plots of its models in one of them. */
function plotsOf(data) {
  const places = new Map();
  for (let record = 0; record < data.slice.length; record++) {
    const key = `${data.slice[record]}/${data.panel[record]}`;
    places.set(key, [...(places.get(key) ?? []), record]);
  }
  const range = (starts, record, ...arrays) => {
    const [first, last] = [starts[record], starts[record + 1]];
    return arrays.map((array) => array.subarray(first, last));
  };

  function plot(record) {
    const [at, tp, fp] = range(data.point_starts, record, data.at, data.tp, data.fp);
    const thresholds = Float64Array.from(at, (place) => data.levels[data.level[record]][place]);
    const [weight, labels, predictions] = range(data.bin_starts, record, data.weight, data.labels, data.predictions);
    const [actual, predicted, cells] = range(data.cell_starts, record, data.actual, data.predicted, data.cells);
    return {
      model: data.models[data.model[record]],
      colour: data.model[record] % 4,
      positives: data.positives[record],
      negatives: data.negatives[record],
      low: data.low[record],
      high: data.high[record],
      thresholds,
      tp,
      fp,
      weight,
      labels,
      predictions,
      actual,
      predicted,
      cells,
    };
  }
  return {
    panels: data.panels,
    has: (slice, panel) => places.has(`${slice}/${panel}`),
    at: (slice, panel) => (places.get(`${slice}/${panel}`) ?? []).map(plot),
  };
}

/** The place of the threshold that is nearest to a number. */
function nearestThreshold(plot, wanted) {
  let best = 0;
  plot.thresholds.forEach((threshold, i) => {
    if (Math.abs(threshold - wanted) < Math.abs(plot.thresholds[best] - wanted)) best = i;
  });
  return best;
}

/** What a threshold makes of the rows of a slice. */
function countsAt(plot, place) {
  const [tp, fp] = [plot.tp[place], plot.fp[place]];
  return { threshold: plot.thresholds[place], tp, fp, fn: plot.positives - tp, tn: plot.negatives - fp };
}

/** (false positive rate, recall) from the highest threshold down; none if there is one class only. */
function rocPoints(plot) {
  if (!(plot.positives > 0 && plot.negatives > 0)) return [];
  return downwards(plot, ({ tp, fp }) => [fp / plot.negatives, tp / plot.positives], "false positive rate", "recall");
}

/** (recall, precision) where something is predicted positive. */
function precisionRecallPoints(plot) {
  if (!(plot.positives > 0 && plot.negatives > 0)) return [];
  return downwards(
    plot,
    ({ tp, fp }) => (tp + fp > 0 ? [tp / plot.positives, tp / (tp + fp)] : null),
    "recall",
    "precision",
  );
}

function downwards(plot, point, across, up) {
  const points = [];
  for (let place = plot.thresholds.length - 1; place >= 0; place--) {
    const found = point(countsAt(plot, place));
    if (!found) continue;
    const [x, y] = found;
    points.push([
      x,
      y,
      `${across} ${numberText(x)}, ${up} ${numberText(y)} at ${short(plot.thresholds[place])}`,
      place,
    ]);
  }
  return points;
}

/** Share of the weight above each score, of plots that know no labels. */
function abovePoints(plot) {
  const total = plot.positives + plot.negatives;
  if (!(total > 0)) return [];
  return [...plot.thresholds].map((threshold, i) => {
    const share = (plot.tp[i] + plot.fp[i]) / total;
    return [threshold, share, `${(100 * share).toFixed(1)}% above ${short(threshold)}`];
  });
}

/** Sums over neighbouring buckets, so that some twenty ranges of the prediction are left. */
function ranges(plot) {
  const together = Math.max(1, Math.round(plot.weight.length / CALIBRATION_RANGES));
  const sums = [];
  plot.weight.forEach((weight, i) => {
    const sum = (sums[Math.floor(i / together)] ??= { weight: 0, labels: 0, predictions: 0 });
    sum.weight += weight;
    sum.labels += plot.labels[i];
    sum.predictions += plot.predictions[i];
  });
  return sums.filter((sum) => sum.weight > 0);
}

/** (mean prediction, mean label). */
function calibrationPoints(plot) {
  return ranges(plot).map(({ weight, labels, predictions }) => {
    const [x, y] = [predictions / weight, labels / weight];
    return [x, y, `mean prediction ${numberText(x)}, mean label ${numberText(y)}; weight ${numberText(weight)}`];
  });
}

/** (mean prediction, mean label minus mean prediction). */
function residualPoints(plot) {
  return ranges(plot).map(({ weight, labels, predictions }) => {
    const [x, y] = [predictions / weight, (labels - predictions) / weight];
    return [x, y, `prediction ${numberText(x)}, residual ${changeText(y)}; weight ${numberText(weight)}`];
  });
}

/** Share of the weight in each range of the prediction, as steps; `weights` are those of all rows or of one label. */
function distributionPoints(weights, { low, high }) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return [];
  const step = (high - low) / weights.length;
  const points = [];
  weights.forEach((weight, i) => {
    const [from, to, share] = [low + i * step, low + (i + 1) * step, weight / total];
    const told = `${(100 * share).toFixed(2)}% from ${short(from)} to ${short(to)}`;
    points.push([from, share, told], [to, share, told]);
  });
  return points;
}

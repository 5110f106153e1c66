// The plots of one or two slices: those that the reader picks in the table or the chart.

/** The section of plots; `update` draws them again for what is picked, and for the threshold. */
function plotsSection(section, slices, plots, state) {
  const shown = made("div", { className: "picked" });
  const head = made("div", { className: "controls" });
  section.append(head, shown);

  const threshold = made("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    id: "threshold",
    input: () => state.set({ at: threshold.value }),
  });
  const thresholdTold = made("output", { for: "threshold" });
  const label = made("label", {}, "Threshold ", threshold, " ", thresholdTold);
  const panels = plots.panels.map((panel, i) => [String(i), panel.name || "all"]);

  function panelNow() {
    const wanted = Number(state.values.panel || 0);
    return plots.panels[wanted] ? wanted : 0;
  }

  /** `onlyMoved`: nothing but the threshold is another, whose slider must keep the focus. */
  function update(onlyMoved) {
    const known = picked(state)
      .map((name) => slices.names.indexOf(name))
      .filter((slice) => slice >= 0);
    const chosenSlices = known.length ? known : [0];
    const panel = plots.panels[panelNow()];
    const found = chosenSlices.map((slice) => ({ slice, plots: seen(plots.at(slice, panelNow())) }));
    const hasThreshold = found.some((each) => each.plots.some((plot) => plot.thresholds.length && !panel.scores));
    threshold.value = state.values.at;
    thresholdTold.textContent = short(Number(threshold.value));
    const panelChoice =
      panels.length > 1 ? choice("Plots of", panels, String(panelNow()), (value) => state.set({ panel: value })) : null;
    if (!onlyMoved)
      head.replaceChildren(...[panelChoice, hasThreshold ? label : null, ...found.map(chip)].filter(Boolean));

    const ends = endsOf(found.flatMap((each) => each.plots));
    shown.replaceChildren(...found.map((each) => part(each, panel, ends)));
  }

  /** A slice that is shown, with a button that takes it away. */
  function chip({ slice }) {
    const name = slices.names[slice];
    if (!picked(state).includes(name)) return null;
    return made(
      "button",
      {
        type: "button",
        className: "chip",
        title: `take away the plots of ${name}`,
        click: () => pickAlso(state, name),
      },
      made("bdi", { textContent: name }),
      " ×",
    );
  }

  function seen(all) {
    const hidden = new Set(unlisted(state.values.hide));
    return all.filter((plot) => plot.model === "" || !hidden.has(plot.model));
  }

  function part({ slice, plots: ofSlice }, panel, ends) {
    const title = made(
      "h3",
      {},
      made("bdi", { textContent: slices.names[slice] }),
      made("span", { className: "minor", textContent: ` ${counted(slices.rows[slice], "row")}` }),
    );
    if (!ofSlice.length) {
      return made("div", {}, title, made("p", { textContent: "There are no plots of this slice on the page." }));
    }
    const figures = panel.classes
      ? ofSlice.flatMap((plot) => heatMap(plot, panel.names[plot.model] ?? []))
      : panel.scores
        ? scoreFigures(ofSlice, ends)
        : binaryFigures(ofSlice, panel, ends);
    return made("div", {}, title, made("div", { className: "diagrams" }, ...figures));
  }

  function binaryFigures(all, panel, ends) {
    const at = Number(threshold.value);
    const withPoints = all.filter((plot) => plot.thresholds.length);
    const share = { low: 0, high: 1 };
    const marked = (plot, points) => points.findIndex((point) => point[3] === nearestThreshold(plot, at));
    const lines = (from, points, more = {}) =>
      from
        .map((plot) => {
          const ofPlot = points(plot);
          return {
            name: plot.model || "value",
            colour: plot.colour,
            points: ofPlot,
            ...more,
            marked: marked(plot, ofPlot),
          };
        })
        .filter((line) => line.points.length);

    const figures = [];
    const add = (title, across, up, drawnLines, guide) => {
      if (drawnLines.length) figures.push(curves({ title, across, up, lines: drawnLines, guide }));
    };
    add(
      "ROC",
      { label: "false positive rate", ...share },
      { label: "recall", ...share },
      lines(withPoints, rocPoints),
      "diagonal",
    );
    add(
      "Precision and recall",
      { label: "recall", ...share },
      { label: "precision", ...share },
      lines(withPoints, precisionRecallPoints),
    );
    if (withPoints.length && !figures.length) {
      figures.push(made("p", { className: "minor", textContent: "No ROC curve: the slice has one class only." }));
    }

    const withBins = all.filter((plot) => plot.weight.length);
    const dots = { dots: true };
    const { scale, residual, mass, reach } = ends;
    add(
      "Calibration",
      { label: "mean prediction", ...scale },
      { label: "mean label", ...scale },
      lines(withBins, calibrationPoints, dots),
      "diagonal",
    );
    if (withPoints.length) {
      const negative = (plot) => plot.weight.map((weight, i) => weight - plot.labels[i]);
      add(
        "Scores of positives",
        { label: "score", ...reach },
        { label: "share of the weight", ...mass },
        lines(withBins, (plot) => distributionPoints(plot.labels, plot)),
      );
      add(
        "Scores of negatives",
        { label: "score", ...reach },
        { label: "share of the weight", ...mass },
        lines(withBins, (plot) => distributionPoints(negative(plot), plot)),
      );
      figures.push(
        made(
          "div",
          { className: "matrices" },
          ...withPoints.map((plot) => confusionTable(plot, nearestThreshold(plot, at), panel.weighted)),
          ratesTable(withPoints, at),
        ),
      );
    } else {
      add(
        "Residuals",
        { label: "mean prediction", ...scale },
        { label: "label minus prediction", ...residual },
        lines(withBins, residualPoints, dots),
        "zero",
      );
      add(
        "Predictions",
        { label: "prediction", ...reach },
        { label: "share of the weight", ...mass },
        lines(withBins, (plot) => distributionPoints(plot.weight, plot)),
      );
    }
    return figures;
  }

  function scoreFigures(all) {
    const lines = all
      .map((plot) => ({ name: plot.model || "value", colour: plot.colour, points: abovePoints(plot) }))
      .filter((line) => line.points.length);
    const share = { low: 0, high: 1 };
    return lines.length
      ? [
          curves({
            title: "Share above a score",
            across: { label: "score", ...share },
            up: { label: "share of the weight", ...share },
            lines,
          }),
        ]
      : [];
  }

  return { update, hasPlots: (slice) => plots.panels.some((_, panel) => plots.has(slice, panel)) };
}

/** The ends of axes, the same for both slices, so that they can be compared by eye. */
function endsOf(plots) {
  const withBins = plots.filter((plot) => plot.weight.length);
  const points = withBins.flatMap(calibrationPoints).flatMap(([x, y]) => [x, y]);
  const residuals = withBins.flatMap(residualPoints).map(([, y]) => y);
  const shares = withBins.flatMap((plot) =>
    [plot.weight, plot.labels, plot.weight.map((w, i) => w - plot.labels[i])].flatMap((weights) =>
      distributionPoints(weights, plot).map(([, share]) => share),
    ),
  );
  const [low, high] = [Math.min(0, ...points), Math.max(1, ...points)];
  const isShare = points.every((value) => value >= 0 && value <= 1);
  const [least, most] = [Math.min(...points), Math.max(...points)];
  const far = roundUp(Math.max(...residuals.map(Math.abs), 1e-9));
  return {
    scale: isShare || least === most ? { low, high } : { low: least, high: most },
    residual: { low: -far, high: far },
    reach: { low: Math.min(...withBins.map((plot) => plot.low)), high: Math.max(...withBins.map((plot) => plot.high)) },
    mass: { low: 0, high: roundUp(Math.max(...shares, 1e-9)) },
  };
}

/** The next number whose quarters have few digits. */
function roundUp(value) {
  const scale = 10 ** Math.floor(Math.log10(value));
  return scale * [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((step) => step * scale >= value * (1 - 1e-9));
}

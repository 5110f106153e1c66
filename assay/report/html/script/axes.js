// Colours and axes of charts that uPlot draws.

/** Colours of the page as they are now, light or dark: a canvas does not follow the style sheet. */
function coloursNow() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { text: read("--text"), edge: read("--edge"), models: [0, 1, 2, 3].map((i) => read(`--c${i}`)) };
}

function axis(label, size, colours) {
  const line = { stroke: colours.edge, width: 1 };
  return {
    label,
    stroke: colours.text,
    grid: line,
    ticks: line,
    font: "12px system-ui",
    labelFont: "12px system-ui",
    size,
    labelSize: 20,
    values: (u, ticks) =>
      ticks.map((tick) => (tick === null ? "" : tick.toLocaleString("en", { maximumSignificantDigits: 6 }))),
  };
}

function padded(u, low, high) {
  if (low === null) return [0, 1];
  const room = (high - low) * 0.04 || Math.abs(high) * 0.04 || 0.5;
  return [low - room, high + room];
}

// Brings the page to life. Without scripts it shows the slices to look at first, and no controls.

const STEPS_OF_ROWS = [0, ...Array.from({ length: 30 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3))];

async function main() {
  const field = (id) => document.getElementById(id);
  const table = field("slices");
  if (!table || typeof DecompressionStream === "undefined") return;
  const slices = slicesOf(await unpacked("slices-data"));
  const state = makeState();
  const pick = (slice) => {
    pickAlso(state, slices.names[slice]);
    if (field("plots")) field("plots").scrollIntoView({ block: "nearest" });
  };

  const rows = slicesTable(table, slices, state, pick);
  const chart = sliceChart(field("chart"), slices, state, pick);
  const groups = groupsSection(field("groups"), slices, state);
  let plots = { update() {} };

  // The controls above the table.
  const most = slices.rows.reduce((a, b) => Math.max(a, b));
  const steps = STEPS_OF_ROWS.filter((step) => step <= most);
  field("least").max = steps.length - 1;
  field("filter").addEventListener("input", () => state.set({ where: field("filter").value }));
  field("least").addEventListener("input", () => state.set({ rows: String(steps[field("least").value]) }));
  field("metric").addEventListener("change", () => state.set({ metrics: field("metric").value || "all" }));
  for (const box of document.querySelectorAll("[data-model]")) {
    box.addEventListener("change", () => {
      const hidden = [...document.querySelectorAll("[data-model]:not(:checked)")].map((each) => each.dataset.model);
      state.set({ hide: listed(hidden) });
    });
  }

  function controls(values) {
    const least = Number(values.rows) || 0;
    if (field("filter").value !== values.where) field("filter").value = values.where;
    field("least").value = Math.max(
      steps.findLastIndex((step) => step <= least),
      0,
    );
    field("least-told").textContent = least.toLocaleString("en");
    field("least").ariaValueText = counted(least, "row");
    field("metric").value = values.metrics === "all" ? "" : values.metrics;
    const hidden = unlisted(values.hide);
    for (const box of document.querySelectorAll("[data-model]")) box.checked = !hidden.includes(box.dataset.model);
  }

  let latest = [...slices.names.keys()];
  function update(changed) {
    const changes = (...names) => !changed || names.some((name) => changed.has(name));
    const { values } = state;
    controls(values);
    if (changes("where", "rows", "sort", "metrics", "hide")) {
      const { found, error } = chosen(slices, values, latest);
      latest = found;
      const isWrong = error !== "";
      field("filter").ariaInvalid = String(isWrong);
      field("filter-error").textContent = isWrong ? `Filter: ${error}.` : "";
      field("count").textContent = `${found.length.toLocaleString("en")} of ${counted(slices.count, "slice")}`;
      rows.update(found);
      if (changes("where", "rows", "hide")) chart.update(found);
    }
    if (changed && changes("chart", "view")) chart.update(latest);
    if (changes("rows", "feature", "group", "against")) groups.update();
    if (changes("slices", "panel", "at", "hide")) plots.update(changed?.size === 1 && changed.has("at"));
    if (changes("slices")) rows.mark();
  }

  if (!state.values.metrics && field("metric").dataset.first) state.values.metrics = field("metric").dataset.first;
  document.documentElement.classList.add("live");
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  update(null);
  state.listen(update);
  addEventListener("resize", rows.resize);

  // Plots are most of the page, and below the first view.
  const data = await unpacked("plots-data");
  if (!data) return;
  plots = plotsSection(field("plots-live"), slices, plotsOf(data), state);
  plots.update();
}

main();

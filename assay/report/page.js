// Sorts and filters the table of slices. Without scripts the page shows the slices to look at first, and no controls.
"use strict";
(() => {
  const SHOWN = 200;
  const table = document.getElementById("slices");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = [...table.querySelectorAll("[data-column]")];
  const groups = [...table.querySelectorAll("[data-group]")];
  const field = (name) => document.getElementById(name);
  const rest = JSON.parse(field("rest").textContent);

  const lines = [...body.rows].map((row) => ({ row, texts: [...row.cells].map((cell) => cell.textContent) }));
  rest.cells.forEach((cells, i) => lines.push({ texts: [rest.names[i], ...cells.split("\t")] }));
  for (const line of lines) line.name = line.texts[0].toLowerCase();

  const starts = new Set(heads.filter((head) => head.classList.contains("group")).map((head) => +head.dataset.column));
  const made = (line) => {
    if (line.row) return line.row;
    line.row = document.createElement("tr");
    line.texts.forEach((text, i) => {
      const cell = line.row.appendChild(document.createElement(i ? "td" : "th"));
      if (i) cell.textContent = text;
      else {
        cell.scope = "row";
        cell.className = "first";
        cell.appendChild(document.createElement("bdi")).textContent = text;
      }
      if (starts.has(i)) cell.classList.add("group");
      if (text.endsWith("✗")) cell.classList.add("fails");
      if (text.endsWith("▾")) cell.classList.add("worse");
    });
    return line.row;
  };

  let sorted = null;
  let descending = false;
  let limit = SHOWN;
  const number = (line) => parseFloat((line.texts[sorted] ?? "").replaceAll(",", ""));
  const before = (a, b) => {
    if (sorted === 0) return (descending ? -1 : 1) * a.name.localeCompare(b.name, "en", { numeric: true });
    const [x, y] = [number(a), number(b)];
    if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y); // what is undefined comes last, either way
    return descending ? y - x : x - y;
  };

  const show = () => {
    const wanted = field("filter").value.trim().toLowerCase();
    const found = lines.filter((line) => line.name.includes(wanted));
    if (sorted !== null) found.sort(before);
    body.replaceChildren(...found.slice(0, limit).map(made));
    const count = Math.min(limit, found.length);
    field("count").textContent = `${count.toLocaleString("en")} of ${lines.length.toLocaleString("en")} slices`;
    field("more").hidden = found.length <= limit;
    choose();
  };

  const choose = () => {
    const wanted = field("metric").value;
    const chosen = (head) => wanted === "" || (wanted === "judged" ? "judged" in head.dataset : head.dataset.of === wanted);
    for (const head of groups) head.hidden = !chosen(head);
    const hidden = new Map(heads.map((head) => [+head.dataset.column, "of" in head.dataset && !chosen(head)]));
    for (const head of heads) head.hidden = hidden.get(+head.dataset.column);
    for (const row of body.rows) for (const cell of row.cells) cell.hidden = hidden.get(cell.cellIndex);
  };

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const column = +head.dataset.column;
      descending = sorted === column ? !descending : column !== 0;
      sorted = column;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      show();
    });
  }
  field("filter").addEventListener("input", () => { limit = SHOWN; show(); });
  field("metric").addEventListener("change", choose);
  field("more").addEventListener("click", () => { limit += SHOWN; show(); });
  field("controls").hidden = false;
  show();
})();

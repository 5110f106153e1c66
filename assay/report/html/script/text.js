// Numbers for people, as assay/results/labels.py writes them, and elements of the page.

const FAILS = "✗";
const WORSE = "▾";

/** `1,234`, `0.9376`, `1.2e-05`, `undefined`. */
function numberText(value) {
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e12) return value.toLocaleString("en");
  return size >= 1e-3 && size < 1e6 ? value.toFixed(4) : scientific(value);
}

/** Three digits, with an exponent: `1.2e-05`. */
function scientific(value) {
  const [digits, exponent] = value.toExponential(2).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 3) return String(Number(value.toPrecision(3)));
  return `${Number(digits)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** A difference, always with its sign. */
function changeText(change) {
  return change > 0 ? `+${numberText(change)}` : numberText(change);
}

/** Four digits at most, for axes and thresholds. */
function short(value) {
  return String(Number(value.toPrecision(4)));
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** An HTML element. A property that is a function listens to the event of its name. */
function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An SVG element. */
function drawn(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A labelled choice; `options` are pairs of value and text. */
function choice(text, options, value, choose) {
  const select = made("select", { change: () => choose(select.value) });
  for (const [each, name] of options) select.append(made("option", { value: each, textContent: name }));
  select.value = value;
  return made("label", {}, `${text} `, select);
}

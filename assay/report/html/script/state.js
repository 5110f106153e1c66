// What the reader has chosen. It stands behind the # of the address, so that a link shows a colleague the same view.

const UNCHOSEN = {
  where: "",
  rows: "0",
  sort: "",
  metrics: "",
  hide: "",
  chart: "",
  view: "worst",
  slices: "",
  panel: "",
  at: "0.5",
  feature: "",
  group: "",
  against: "",
};

/** Keeps the state; `listen` is told the names of what has changed. */
function makeState() {
  const listeners = [];
  const values = { ...UNCHOSEN, ...read() };

  function read() {
    const known = [...new URLSearchParams(location.hash.slice(1))].filter(([name]) => name in UNCHOSEN);
    return Object.fromEntries(known);
  }

  function write() {
    const chosen = Object.entries(values).filter(([name, value]) => value !== UNCHOSEN[name]);
    const hash = new URLSearchParams(chosen).toString();
    const address = location.href.split("#")[0];
    try {
      history.replaceState(null, "", hash ? `${address}#${hash}` : address);
    } catch {
      // A frame of a notebook has no address of its own.
    }
  }

  function change(wanted) {
    const changed = Object.keys(wanted).filter((name) => values[name] !== wanted[name]);
    Object.assign(values, wanted);
    if (changed.length) for (const listener of listeners) listener(new Set(changed));
    return changed.length > 0;
  }

  addEventListener("hashchange", () => change({ ...UNCHOSEN, ...read() }));
  return {
    values,
    set: (wanted) => change(wanted) && write(),
    listen: (listener) => listeners.push(listener),
  };
}

/** Names as one text for the address, whatever they have in them, and back. */
function listed(names) {
  return names.map(encodeURIComponent).join("|");
}

function unlisted(text) {
  try {
    return text.split("|").filter(Boolean).map(decodeURIComponent);
  } catch {
    return []; // an address that somebody has cut off
  }
}

/** The names of the one or two slices whose plots are shown. */
function picked(state) {
  return unlisted(state.values.slices);
}

/** Adds a slice to those whose plots are shown, or takes it away; of three the oldest goes. */
function pickAlso(state, name) {
  const before = picked(state);
  const after = before.includes(name) ? before.filter((each) => each !== name) : [...before, name].slice(-2);
  state.set({ slices: listed(after) });
}

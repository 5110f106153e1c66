// Conditions on slices: `auc < 0.7 and rows > 500`. The grammar is that of report/terminal/condition.py, by which
// `assay show --where` goes. Beyond it, a field for people takes a text alone, which is looked for in the names of
// slices, and `sex=Female`.

const TOKEN = new RegExp(
  String.raw`\s*(?:(?<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.@])` +
    String.raw`|(?<text>"[^"]*"|'[^']*')|(?<quoted>${"`"}[^${"`"}]+${"`"})` +
    String.raw`|(?<sign><=|>=|==|!=|[<>=()])|(?<name>[^\s<>=!()"'${"`"}]+))`,
  "y",
);
const WORDS = ["and", "or", "not", "in", "undefined"];
const COMPARISONS = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

class ConditionError extends Error {}

/**
 * A function that says whether a slice meets a condition.
 *
 * `numbers` has a function (slice) -> number for each name, and `names` the texts of the slices.
 */
function conditionOf(text, numbers, names) {
  const tokens = tokensOf(text);
  if (!tokens.some(({ kind, text: word }) => kind === "sign" || WORDS.includes(word)))
    return contains(text.trim(), names);
  let at = 0;
  const taken = (...words) => {
    const token = tokens[at];
    if (!["name", "sign"].includes(token?.kind) || !words.includes(token.text)) return null;
    at += 1;
    return token;
  };

  function alternatives() {
    const parts = [conjunction()];
    while (taken("or")) parts.push(conjunction());
    return (slice) => parts.some((part) => part(slice));
  }

  function conjunction() {
    const parts = [part()];
    while (taken("and")) parts.push(part());
    return (slice) => parts.every((each) => each(slice));
  }

  function part() {
    if (taken("not")) {
      const negated = part();
      return (slice) => !negated(slice);
    }
    if (taken("(")) {
      const inner = alternatives();
      if (!taken(")")) fail("`)`");
      return inner;
    }
    return comparison();
  }

  function comparison() {
    const left = operand();
    const sign = taken(...Object.keys(COMPARISONS), "in");
    if (!sign && ["text", "feature"].includes(left.kind)) return contains(left.text, names);
    if (!sign) fail(`a comparison such as ${left.text} < 0.7`);
    const right = operand(left.kind === "feature");
    if (left.kind === "feature") {
      if (!["=", "=="].includes(sign.text)) unknown(left.text);
      return contains(`${left.text}=${right.text}`, names);
    }
    if (right.kind === "feature") unknown(right.text);
    if (sign.text === "in") {
      if (left.kind !== "text" || right.kind !== "text") fail('a text beside in, as in "Female" in slice', right);
      return (slice) => right.value(slice).toLowerCase().includes(left.value(slice).toLowerCase());
    }
    if (left.kind === "undefined" || right.kind === "undefined") return undefinedOf(left, sign.text, right);
    if (left.kind !== right.kind) fail(`a ${left.kind} to compare with ${left.text}`, right);
    const compare = COMPARISONS[sign.text];
    return (slice) => {
      const values = [left.value(slice), right.value(slice)];
      return !values.some(Number.isNaN) && compare(...values);
    };
  }

  function operand(isOfFeature = false) {
    const token = tokens[at];
    if (!token || (token.kind === "name" && WORDS.includes(token.text) && token.text !== "undefined")) {
      fail("a name, a number or a text in quotes");
    }
    if (token.kind === "sign") fail("a name, a number or a text in quotes");
    at += 1;
    if (isOfFeature) return token;
    const { kind, text: word } = token;
    if (kind === "number") return { ...token, value: () => Number(word) };
    if (kind === "text") return { ...token, value: () => word };
    if (kind === "name" && word === "undefined") return { kind: "undefined", text: word, value: () => NaN };
    if (word === "slice") return { kind: "text", text: word, value: (slice) => names[slice] };
    const number = numbers.get(word);
    if (number) return { kind: "number", text: word, value: number };
    return kind === "quoted" ? unknown(word) : { kind: "feature", text: word };
  }

  function undefinedOf(left, sign, right) {
    if (!["=", "==", "!="].includes(sign)) fail("= or != beside undefined", right);
    const { value } = left.kind === "undefined" ? right : left;
    return (slice) => Number.isNaN(value(slice)) !== (sign === "!=");
  }

  function fail(expected, token = tokens[at]) {
    throw new ConditionError(`expected ${expected}, found ${token ? token.text : "the end"}`);
  }

  function unknown(name) {
    const lower = name.toLowerCase();
    const near = [...numbers.keys()].find((each) => each.toLowerCase().startsWith(lower.slice(0, 3)));
    throw new ConditionError(`there is no ${name}${near ? `; did you mean ${near}?` : ""}`);
  }

  const whole = alternatives();
  if (tokens[at]) fail("and, or");
  return whole;
}

function contains(text, names) {
  const wanted = text.toLowerCase();
  const lower = (names.lower ??= names.map((name) => name.toLowerCase()));
  return (slice) => lower[slice].includes(wanted);
}

function tokensOf(text) {
  const tokens = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (!groups) throw new ConditionError(`cannot read ${text.slice(start).trim()}`);
    const [kind, found] = Object.entries(groups).find(([, part]) => part !== undefined);
    tokens.push({ kind, text: ["text", "quoted"].includes(kind) ? found.slice(1, -1) : found });
  }
  return tokens;
}

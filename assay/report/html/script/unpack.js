// What the page holds beside its text: numbers, as report/html/packed.py packs them.

const KINDS = { "<f8": Float64Array, "<f4": Float32Array, "<i4": Int32Array };

/** The content of a data element: its head, and its arrays by name; null where there is none. */
async function unpacked(id) {
  const element = document.getElementById(id);
  if (!element) return null;
  const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();

  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const arrays = {};
  for (const [name, kind, start, length] of head.arrays) {
    arrays[name] = new KINDS[kind](buffer, 4 + size + start, length);
  }
  return { ...head.head, ...arrays };
}

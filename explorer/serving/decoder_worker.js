// @ts-check
// The worker of decoder.js: ONNX Runtime on one thread, with SIMD. It answers one question after the other:
// `{id, runtime, address, z, latentShape, label, painter}` with `{id, pixels, ms}`; without `z` it gets the decoder ready: `{id}`;
// where something goes wrong, `{id, error}`. `painter`: the address of a refiner that gets the pictures before they are rounded.

const MOST_OPEN = 8; // decoders kept: a slider over a series of models goes back and forth

/** @type {any} ONNX Runtime's module */
let ort;
/** @type {Map<string, any>} address -> session, the one used last at the end */
const sessions = new Map();
let turn = Promise.resolve(); // a session runs one batch at a time

/** @typedef {{id: number, runtime: string, address: string, z?: Float32Array, latentShape: number[], label?: number,
 *   painter?: string}} Question */

self.onmessage = async (/** @type {MessageEvent<Question>} */ { data }) => {
  const { id, address } = data;
  try {
    const file = sessions.has(address) ? null : await fetched(address); // a slow line holds up no other model
    const mine = turn.then(() => answer(data, file));
    turn = mine.catch(() => {});
    await mine;
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};

/** @param {Question} question @param {Uint8Array | null} file the model, if it was not open */
async function answer({ id, runtime, address, z, latentShape, label, painter }, file) {
  ort ??= await start(runtime);
  const session = await open(address, file);
  if (!z) return self.postMessage({ id });
  const began = performance.now(), n = z.length / latentShape.reduce((size, side) => size * side, 1);
  /** @type {Record<string, any>} */
  const feeds = { z: new ort.Tensor("float32", z, [n, ...latentShape]) };
  if (label !== undefined) feeds.label = new ort.Tensor("int32", new Int32Array(n).fill(label), [n]);
  let { pictures } = await session.run(feeds);
  if (painter) ({ pictures } = await (await open(painter, null)).run({ z: pictures }));
  const pixels = bytes(pictures.data);
  self.postMessage({ id, pixels, ms: performance.now() - began }, { transfer: [pixels.buffer] });
}

/** @param {string} address @param {Uint8Array | null} file */
async function open(address, file) {
  const known = sessions.get(address);
  if (known) sessions.delete(address); // it goes to the end
  const session = known ?? await ort.InferenceSession.create(file ?? await fetched(address), { logSeverityLevel: 3 });
  sessions.set(address, session);
  for (const [oldest, unused] of sessions) {
    if (sessions.size <= MOST_OPEN) break;
    sessions.delete(oldest);
    await unused.release();
  }
  return session;
}

/** @param {string} runtime the address of its folder */
async function start(runtime) {
  const module = await import(`${runtime}ort.wasm.min.mjs`), { wasm } = module.env;
  wasm.wasmPaths = runtime;
  wasm.numThreads = 1; // more need a page that is isolated from others, which one in a frame is not
  return module;
}

/** @param {string} address */
async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** float32 in [0, 1] -> uint8, rounded as NumPy rounds: a clamped array takes the even one of two. @param {Float32Array} values */
function bytes(values) {
  const found = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) found[i] = Math.fround(values[i] * 255);
  return new Uint8Array(found.buffer);
}

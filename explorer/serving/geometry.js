// @ts-check
// Ways through a latent space as geometry.py goes them: computed in 64 bits, a point is rounded to 32.

/** @typedef {ArrayLike<number>} Point */

/** @param {Point} a @param {Point} b */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** @param {Point} a @param {Point} b @param {number} x @param {number} y  x a + y b */
const mixed = (a, b, x, y) => Float64Array.from(a, (value, i) => x * value + y * b[i]);

/** @param {Point} a @param {Point} b @param {number} t @returns {Float32Array} */
export const lerp = (a, b, t) => Float32Array.from(mixed(a, b, 1 - t, t));

/**
 * The unit vectors turn along the great circle, the norm goes linearly; `slerp` of geometry.py says what becomes of ends that are
 * parallel, opposite or zero.
 * @param {Point} a @param {Point} b @param {number} t @returns {Float32Array}
 */
export function slerp(a, b, t) {
  const [normA, normB] = [a, b].map(end => Math.sqrt(dot(end, end)));
  if (!normA || !normB) return lerp(a, b, t);
  const unitA = mixed(a, a, 1 / normA, 0), unitB = mixed(b, b, 1 / normB, 0);
  const [apart, together] = [mixed(unitA, unitB, 1, -1), mixed(unitA, unitB, 1, 1)].map(sum => Math.sqrt(dot(sum, sum)));
  const theta = 2 * Math.atan2(apart, together), norm = (1 - t) * normA + t * normB;
  if (theta < 1e-6) return Float32Array.from(mixed(unitA, unitB, (1 - t) * norm, t * norm));
  let side = mixed(unitB, unitA, 1, -dot(unitA, unitB));
  if (Math.PI - theta < 1e-6) {
    if (a.length === 1) return lerp(a, b, t);
    const sizes = Array.from(a, Math.abs), least = sizes.indexOf(Math.min(...sizes));
    side = unitA.map((value, i) => (i === least ? 1 : 0) - unitA[least] * value);
  }
  const across = Math.sqrt(dot(side, side));
  return Float32Array.from(mixed(unitA, side, norm * Math.cos(t * theta), norm * Math.sin(t * theta) / across));
}

/** @param {Point} a @param {Point} b @param {number} t @param {string} kind "linear" or "slerp" */
export const interpolate = (a, b, t, kind) => (kind === "slerp" ? slerp : lerp)(a, b, t);

/**
 * On the way through two points or more one after the other, as long from each to the next; t from 0 to 1.
 * @param {Point[]} stops @param {number} t @param {string} kind
 */
export function through(stops, t, kind) {
  const legs = stops.length - 1, at = t * legs, leg = Math.max(0, Math.min(legs - 1, Math.trunc(at)));
  return interpolate(stops[leg], stops[leg + 1], at - leg, kind);
}

/**
 * On the surface through four points, a and b above, c and d below; x and y from -1 to 1 within them.
 * @param {Point[]} corners @param {number} x @param {number} y @param {string} kind
 */
export function onSurface([a, b, c, d], x, y, kind) {
  const across = (x + 1) / 2;
  return interpolate(interpolate(a, b, across, kind), interpolate(c, d, across, kind), (1 - y) / 2, kind);
}

/** a - b + c of three points of 32 bits, as it stands in a link. @param {Point[]} corners */
export const total = ([a, b, c]) => Float32Array.from(a, (value, i) => Math.round((value - b[i] + c[i]) * 1e4) / 1e4);

/** Where a walk's frames stand on it, from 0 to 1. @param {{frames: number, start: number, stop: number, closed: boolean}} walk */
export function positions({ frames, start, stop, closed }) {
  const even = (/** @type {number} */ k) => closed ? 1 - Math.abs(1 - 2 * k / frames) : k / Math.max(1, frames - 1);
  return Array.from({ length: frames }, (_, k) => start + even(k) * (stop - start));
}

// @ts-check
// How large type is on a canvas: as usual, or as large as the page's smallest type is to be (`--lx-smallest`, in lecture mode).

/** @param {number} usual in pixels of the page */
export const typeSize = usual =>
  Math.max(usual, +getComputedStyle(document.documentElement).getPropertyValue("--lx-smallest").replace("px", "") || 0);

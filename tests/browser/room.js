// For tests of what is shown to a room. `pixels`: what all canvases on screen hold, as one text.
const isShown = element => element.checkVisibility({ visibilityProperty: true }) && element.clientWidth > 0;
window.room = {
  pixels: () => JSON.stringify([...document.querySelectorAll("#views .lx canvas")].filter(isShown).map(canvas => canvas.toDataURL())),
  // the pictures that the state stands for, without what is drawn around them as it comes
  shown: () => JSON.stringify([...document.querySelectorAll("#views .lx :is(canvas[data-shows], [data-shows] canvas)")].filter(isShown)
    .map(canvas => canvas.toDataURL())),
  type: [], // sizes in which canvases were written on, in pixels of the page
};
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (...given) {
  if (document.documentElement.classList.contains("lx-lecture")) window.room.type.push(parseFloat(/[\d.]+px/.exec(this.font)[0]));
  return write.apply(this, given);
};

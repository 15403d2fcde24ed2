// Stands before the page's own script and says on the console what a reader would see go wrong: words that touch others
// or leave their canvas, canvases without a picture, panels that overlap, a page wider than the window.
(() => {
  const drawn = new Map();
  const pen = CanvasRenderingContext2D.prototype;
  const { fillText, clearRect } = pen;
  pen.clearRect = function (...box) {
    drawn.set(this.canvas, []);
    return clearRect.apply(this, box);
  };
  pen.fillText = function (words, x, y) {
    const { actualBoundingBoxLeft: l, actualBoundingBoxRight: r, actualBoundingBoxAscent: a, actualBoundingBoxDescent: d } = this.measureText(words);
    const turn = this.getTransform();
    const corners = [[x - l, y - a], [x + r, y - a], [x + r, y + d], [x - l, y + d]].map(([u, v]) => turn.transformPoint({ x: u, y: v }));
    if (words) drawn.get(this.canvas)?.push({ words, corners });
    return fillText.call(this, words, x, y);
  };
  const span = (corners, nx, ny) => {
    const along = corners.map((p) => p.x * nx + p.y * ny);
    return [Math.min(...along), Math.max(...along)];
  };
  const touch = (a, b) => [a, b].every((box) => [0, 1].every((k) => {
    const [p, q] = [box.corners[k], box.corners[k + 1]];
    const size = Math.hypot(q.x - p.x, q.y - p.y) || 1;
    const [lo, hi] = span(a.corners, (q.x - p.x) / size, (q.y - p.y) / size);
    const [from, to] = span(b.corners, (q.x - p.x) / size, (q.y - p.y) / size);
    return lo < to - 0.5 && from < hi - 0.5;
  }));
  const faults = () => {
    const out = [];
    for (const [canvas, all] of drawn) {
      if (!canvas.isConnected || canvas.clientWidth === 0) continue;
      const name = canvas.id || canvas.parentElement.id;
      all.forEach((a, k) => {
        if (a.corners.some((p) => p.x < -1 || p.y < -1 || p.x > canvas.width + 1 || p.y > canvas.height + 1)) out.push(`${name}: "${a.words}" leaves the canvas`);
        for (const b of all.slice(k + 1)) if (touch(a, b)) out.push(`${name}: "${a.words}" touches "${b.words}"`);
      });
    }
    const panels = [...document.querySelectorAll(".panel")].filter((p) => p.offsetParent !== null);
    // A panel that goes on in another column has a box in each.
    const boxes = panels.flatMap((panel) => [...panel.getClientRects()].map((box) => ({ panel, box })));
    boxes.forEach(({ panel, box: a }, k) => boxes.slice(k + 1).forEach(({ panel: other, box: b }) => {
      const apart = a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
      if (!apart && panel !== other && !panel.contains(other)) out.push(`the panels #${panel.id} and #${other.id} overlap`);
    }));
    if (document.documentElement.scrollWidth > window.innerWidth + 1) out.push(`the page is ${document.documentElement.scrollWidth} wide`);
    return out;
  };
  const views = () => [...document.querySelectorAll(".view, canvas.chart")].filter((v) => v.offsetParent !== null && v.clientWidth > 0)
    .map((v) => [v.id, ...["left", "top", "width", "height"].map((side) => Math.round(v.getBoundingClientRect()[side]))].join(" "));
  addEventListener("load", () => setTimeout(() => {
    for (const fault of faults()) console.log(`FAULT ${fault} END`);
    for (const view of views()) console.log(`VIEW ${view} END`);
  }, 1500));
})();

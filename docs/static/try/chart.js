// The end of a history, the median and a band, as SVG. Colours are those of the style sheet.

const HEIGHT = 300;
const LEFT = 64;
const BOTTOM = 28;
const TOP = 8;
const TICKS = 5;

/** Draw values before and after `end`; `write` gives the time of a position. */
export function draw(svg, { history, low, median, high, end, write }) {
  const width = svg.clientWidth;
  const right = width - 8;
  const first = end - history.length;
  const count = history.length + median.length;
  const all = [...history, ...low, ...high].filter(Number.isFinite);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = most - least || Math.abs(most) || 1;
  const [bottom, top] = [least - 0.04 * room, most + 0.04 * room];
  const x = (position) => LEFT + ((position - first) / Math.max(1, count - 1)) * (right - LEFT);
  const y = (value) => TOP + ((top - value) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const points = (values, start) => values.map((one, i) => [x(start + i), y(one)]);

  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const add = (tag, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    svg.append(element);
  };
  for (const value of ticks(bottom, top)) {
    add("line", { x1: LEFT, x2: right, y1: y(value), y2: y(value), class: "grid" });
    add("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, String(value));
  }
  const last = end + median.length - 1;
  add("text", { x: LEFT, y: HEIGHT - 8 }, write(first));
  add("text", { x: right, y: HEIGHT - 8, "text-anchor": "end" }, write(last));
  add("text", { x: x(end) - 6, y: TOP + 10, "text-anchor": "end" }, write(end));
  add("line", { x1: x(end), x2: x(end), y1: TOP, y2: HEIGHT - BOTTOM, class: "start" });
  const band = [...points(high, end), ...points(low, end).reverse()];
  add("path", { d: `${path(band)}Z`, class: "band" });
  add("path", { d: path(points(history, first)), class: "history" });
  add("path", { d: path(points(median, end)), class: "median" });
}

/** A line through points, broken where a value is missing. */
function path(points) {
  let down = false;
  return points
    .map(([x, y]) => {
      const command = Number.isNaN(y) ? "" : `${down ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      down = !Number.isNaN(y);
      return command;
    })
    .join("");
}

/** Round values between two. */
function ticks(bottom, top) {
  const rough = (top - bottom) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  const start = Math.ceil(bottom / step);
  const count = Math.floor(top / step) - start + 1;
  return Array.from({ length: count }, (_, i) => Number(((start + i) * step).toPrecision(6)));
}

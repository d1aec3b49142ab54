// The page try.md: a CSV in, a chart, a table and a CSV out.

import { draw } from "./chart.js";
import { forecast, INPUT_LENGTH, LEVELS, MAX_HORIZON } from "./model.js";
import { readSeries } from "./series.js";

const DRAWN_HORIZONS = 3; // of history before the forecast
const MIN_DRAWN_POINTS = 150;
const MEDIAN = LEVELS.indexOf(0.5);

const find = (id) => document.getElementById(`try-${id}`);

find("unserved").remove();
find("form").hidden = false;

find("file").addEventListener("change", async ({ target }) => {
  if (target.files.length) find("csv").value = await target.files[0].text();
});

find("csv").addEventListener("focus", ({ target }) => target.select(), { once: true });

// A browser's own paste takes a minute for four thousand lines.
find("csv").addEventListener("paste", (event) => {
  event.preventDefault();
  const { target, clipboardData } = event;
  const text = clipboardData.getData("text");
  target.setRangeText(text, target.selectionStart, target.selectionEnd, "end");
});

find("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = find("run");
  button.disabled = true;
  find("result").hidden = true;
  find("notes").replaceChildren();
  try {
    say("Forecasting. The first time takes some seconds, for the model starts.");
    await run();
    say("");
  } catch (error) {
    say(`Can't forecast: ${error.message ?? error}`);
  }
  button.disabled = false;
});

const say = (text) => (find("status").textContent = text);

async function run() {
  const horizon = Number(find("horizon").value);
  if (!Number.isInteger(horizon) || horizon < 1 || horizon > MAX_HORIZON) {
    throw new Error(`the horizon must be a whole number from 1 to ${MAX_HORIZON}`);
  }
  const { name, timeName, values, write, notes } = readSeries(find("csv").value);
  if (values.length > INPUT_LENGTH) {
    notes.push(`Left out: all but the latest ${INPUT_LENGTH} points.`);
  }
  find("notes").replaceChildren(...notes.map((note) => element("li", note)));
  const quantiles = await forecast(values, horizon);
  if (!quantiles.flat().every(Number.isFinite)) throw new Error("the forecast is not finite");

  const end = values.length;
  const times = quantiles.map((_, step) => write(end + step));
  const at = (level) => quantiles.map((row) => row[level]);
  find("result").hidden = false;
  draw(find("chart"), {
    history: Array.from(values.slice(-Math.max(MIN_DRAWN_POINTS, DRAWN_HORIZONS * horizon))),
    low: at(0),
    median: at(MEDIAN),
    high: at(LEVELS.length - 1),
    end,
    write,
  });
  const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 6, useGrouping: false });
  find("rows").replaceChildren(
    ...quantiles.map((row, step) => {
      const line = document.createElement("tr");
      const shown = [row[MEDIAN], row[0], row.at(-1)].map((one) => digits.format(one));
      line.append(...[times[step], ...shown].map((cell) => element("td", cell)));
      return line;
    }),
  );
  const lines = [
    [timeName, name, ...LEVELS],
    ...quantiles.map((row, step) => [times[step], row[MEDIAN], ...row]),
  ];
  const link = find("download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(
    new Blob([lines.map((line) => `${line.map(cell).join(",")}\n`).join("")], { type: "text/csv" }),
  );
}

const cell = (one) =>
  /[",;\n]/.test(one) ? `"${String(one).replaceAll('"', '""')}"` : String(one);

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

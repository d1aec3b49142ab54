// A table as text: its column of values, its times, and the times after them.

const MISSING = new Set(["", "na", "n/a", "nan", "null", "none"]);
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DATE = /^[12]\d{3}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3})?)?)?)?(Z|[+-]\d\d:\d\d)?$/;
const ZONE = /(Z|[+-]\d\d:\d\d)$/;

const MIN_EVEN_FRACTION = 0.9; // of the steps; fewer are no gaps, but another calendar
const TOLERANCE = 1e-6; // of a step, for times that are fractions
const MAX_POINTS = 1e7;

const isMissing = (cell) => MISSING.has(cell.toLowerCase());
const isNumber = (cell) => NUMBER.test(cell) && Number.isFinite(Number(cell));

/**
 * Read one series. `times` writes the time of any position, 0 for the first value; `notes` say what
 * was read, and what was left out.
 */
export function readSeries(text) {
  const { names, rows, notes } = readRows(text);
  const columns = names.map((name, i) => {
    const cells = rows.map((row) => row.cells[i]);
    const odd = cells.findIndex((cell) => !isMissing(cell) && !isNumber(cell));
    return { name, cells, odd, empty: cells.every(isMissing) };
  });
  const value = columns.findLast((column) => column.odd < 0 && !column.empty);
  if (!value) {
    throw new Error(
      "no column has only numbers: write them as 1234.5, and nothing or NaN where one is missing",
    );
  }
  const lines = rows.map((row) => row.line);
  const dates = columns.find((column) => column.cells.every(isDate));
  const time = dates ?? (columns[0] !== value && increases(columns[0].cells) ? columns[0] : null);
  const { positions, write, note } = time ? placed(time, lines) : numbered(rows.length);
  const values = new Float64Array(positions.at(-1) + 1).fill(NaN);
  value.cells.forEach((cell, i) => {
    if (!isMissing(cell)) values[positions[i]] = Number(cell);
  });

  const missing = value.cells.filter(isMissing).length;
  const span = `from ${write(0)} to ${write(values.length - 1)}`;
  notes.unshift(
    `Read ${rows.length} lines of “${value.name}”, ${span}; ${missing} without a value.`,
  );
  if (!time)
    notes.push("There is no column of times (such as 2024-01-31 13:00): steps are numbered.");
  if (note) notes.push(note);
  for (const column of columns.filter((one) => one !== value && one !== time)) {
    const why =
      column.odd < 0
        ? ""
        : `, which has “${column.cells[column.odd]}” in line ${lines[column.odd]}`;
    notes.push(`Left out: column “${column.name}”${why}.`);
  }
  return { name: value.name, timeName: time?.name ?? "step", values, write, notes };
}

/** Lines as cells, under names. */
function readRows(text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  while (lines.length && !lines.at(-1).trim()) lines.pop();
  const filled = lines.map((line, i) => [line, i + 1]).filter(([line]) => line.trim());
  if (!filled.length) throw new Error("there is nothing to read: paste a CSV");
  const delimiter = ["\t", ";", ","].find((one) => filled[0][0].includes(one)) ?? ",";
  const rows = filled.map(([line, number]) => ({ cells: split(line, delimiter), line: number }));
  const [head] = rows;
  const odd = rows.find((row) => row.cells.length !== head.cells.length);
  if (odd) {
    throw new Error(
      `line ${odd.line} has ${odd.cells.length} cells, line ${head.line} has ${head.cells.length}`,
    );
  }
  const named = !head.cells.some((cell) => isNumber(cell) || isDate(cell));
  const names = head.cells.map((cell, i) => (named && cell) || `column ${i + 1}`);
  if (named) rows.shift();
  if (!rows.length) throw new Error("there is no line below the names of columns");
  const empty = lines.length - filled.length;
  return { names, rows, notes: empty ? [`Left out: ${empty} empty lines.`] : [] };
}

/** Cells of a line, with or without quotes. */
function split(line, delimiter) {
  const cells = [""];
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"') {
      if (quoted && line[i + 1] === '"') cells[cells.length - 1] += line[i++];
      else quoted = !quoted;
    } else if (line[i] === delimiter && !quoted) cells.push("");
    else cells[cells.length - 1] += line[i];
  }
  return cells.map((cell) => cell.trim());
}

/** Whether cells are numbers, each above the one before. */
function increases(cells) {
  return cells.every((cell, i) => isNumber(cell) && !(i && Number(cell) <= Number(cells[i - 1])));
}

/** Where values without times stand. */
function numbered(count, note) {
  return { positions: [...Array(count).keys()], write: (i) => String(i + 1), note };
}

/** Where values stand by their times, if these have one step. */
function placed({ name, cells }, lines) {
  const scale = cells.every(isDate) ? calendar(cells) : numbers(cells);
  if (!scale)
    return numbered(cells.length, `Times of “${name}” have several zones: steps are numbered.`);
  const { at, write, tolerance } = scale;
  const steps = at.slice(1).map((one, i) => one - at[i]);
  const back = steps.findIndex((step) => !(step > 0));
  if (back >= 0) {
    throw new Error(
      `in line ${lines[back + 1]} “${name}” is ${cells[back + 1]}, which is not after ${cells[back]}: ` +
        "give one series, sorted by time",
    );
  }
  if (!steps.length) return numbered(1);
  const step = steps.toSorted((a, b) => a - b)[steps.length >> 1];
  const whole = (one) => Math.abs(one / step - Math.round(one / step)) <= tolerance;
  const even = steps.filter((one) => Math.round(one / step) === 1).length;
  if (!steps.every(whole) || even < MIN_EVEN_FRACTION * steps.length) {
    return numbered(
      cells.length,
      `Steps of “${name}” are uneven: lines were taken one after the other, and steps are numbered.`,
    );
  }
  const points = Math.round((at.at(-1) - at[0]) / step) + 1;
  if (points > MAX_POINTS) {
    throw new Error(
      `“${name}” spans ${points} steps, with few lines: cut the series after its longest gap`,
    );
  }
  const positions = [0];
  for (const one of steps) positions.push(positions.at(-1) + Math.round(one / step));
  const absent = points - cells.length;
  const note = absent ? `Times without a line, taken as missing values: ${absent}.` : undefined;
  return { positions, write: (i) => write(at[0] + i * step), note };
}

function numbers(cells) {
  const write = (at) => String(Number(at.toPrecision(12)));
  return { at: cells.map(Number), write, tolerance: TOLERANCE };
}

/** Dates as months, where all are of one day of the month, or as milliseconds. */
function calendar(cells) {
  const zone = zoneOf(cells[0]);
  const size = Math.max(...cells.map((cell) => local(cell).length));
  if (cells.some((cell) => zoneOf(cell) !== zone)) return null;
  const separator = local(cells[0])[10] === " " ? " " : "T";
  const write = (date) => date.toISOString().slice(0, size).replace("T", separator) + zone;
  const dates = cells.map((cell) => new Date(milliseconds(cell)));
  const [first] = dates;
  const clock = (date) => date.getTime() % 86_400_000;
  const last = (date) => lastDay(date.getUTCFullYear(), date.getUTCMonth());
  const ends = dates.every((date) => date.getUTCDate() === last(date));
  const sameDay = ends || dates.every((date) => date.getUTCDate() === first.getUTCDate());
  if (sameDay && dates.length > 1 && dates.every((date) => clock(date) === clock(first))) {
    const at = dates.map((date) => date.getUTCFullYear() * 12 + date.getUTCMonth());
    const ofMonth = (months) => {
      const [year, month] = [Math.floor(months / 12), months % 12];
      const day = ends ? lastDay(year, month) : Math.min(first.getUTCDate(), lastDay(year, month));
      return write(new Date(Date.UTC(year, month, day) + clock(first)));
    };
    if (new Set(at).size === at.length) return { at, write: ofMonth, tolerance: 0 };
  }
  return { at: dates.map(Number), write: (at) => write(new Date(at)), tolerance: 0 };
}

const lastDay = (year, month) => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
const zoneOf = (cell) => cell.match(ZONE)?.[0] ?? "";
const local = (cell) => (cell.length > 10 ? cell.replace(ZONE, "") : cell);
const milliseconds = (cell) =>
  Date.parse(local(cell).replace(" ", "T") + (cell.length > 10 ? "Z" : ""));

/** Whether a cell is a date that exists: 2023-02-30 does not. */
function isDate(cell) {
  const at = DATE.test(cell) ? milliseconds(cell) : NaN;
  const text = local(cell).replace(" ", "T");
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

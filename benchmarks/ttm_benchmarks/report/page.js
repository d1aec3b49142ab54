// Filters, table, and what the charts show. Scores of each task are ratios to the baseline.

const content = JSON.parse(document.getElementById("content").textContent);
const METRICS = ["CRPS", "MASE"];
const FILTERS = ["domain", "term", "frequency"];
const byId = (id) => document.getElementById(id);
const form = byId("filters");
const allPlaces = content.tasks.map((_, place) => place);
const order = { key: "CRPS", descending: false };

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => sum(values) / values.length;
const geometricMean = (values) => Math.exp(mean(values.map(Math.log)));

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values) {
  return values.map((one) => {
    const ties = values.filter((other) => other === one).length;
    return values.filter((other) => other < one).length + (ties + 1) / 2;
  });
}

const ranksByTask = Object.fromEntries(
  METRICS.map((metric) => [
    metric,
    content.tasks.map((_, task) => ranks(content.models.map((model) => model[metric][task]))),
  ]),
);

function role(name) {
  return name === content.ours ? "ours" : name === content.against ? "against" : "other";
}

const matches = (task, chosen) => FILTERS.every((by) => !chosen[by] || task[by] === chosen[by]);

/** Places of the tasks that the filters leave. */
function chosenTasks() {
  const chosen = Object.fromEntries(new FormData(form));
  return content.tasks.flatMap((task, place) => (matches(task, chosen) ? [place] : []));
}

/** A row for each model, over some tasks. */
function leaderboard(places) {
  const pick = (values) => places.map((place) => values[place]);
  return content.models.map((model, column) => {
    const row = {
      name: model.name,
      source: model.source,
      parameters: model.parameters,
      role: role(model.name),
    };
    for (const metric of METRICS) {
      row[metric] = geometricMean(pick(model[metric]));
      row[`${metric}_rank`] = mean(pick(ranksByTask[metric]).map((taskRanks) => taskRanks[column]));
    }
    row.milliseconds = model.seconds && (1000 * sum(pick(model.seconds))) / sum(pick(model.series));
    return row;
  });
}

/** Sort rows by a column. What is not known comes last either way. */
function sorted(rows, { key, descending }) {
  const sign = descending ? -1 : 1;
  return rows.toSorted((one, two) => {
    const [a, b] = [one[key], two[key]];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  });
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const brief = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const COLUMNS = {
  name: String,
  CRPS: (value) => value.toFixed(3),
  MASE: (value) => value.toFixed(3),
  CRPS_rank: (value) => value.toFixed(1),
  MASE_rank: (value) => value.toFixed(1),
  parameters: (value) => compact.format(value),
  milliseconds: (value) => brief.format(value),
  source: String,
};

function showTable(rows) {
  const table = byId("leaderboard");
  for (const button of table.querySelectorAll("thead button")) {
    const heading = button.closest("th");
    if (button.dataset.key === order.key) {
      heading.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    } else heading.removeAttribute("aria-sort");
  }
  const wide = [...table.querySelectorAll("thead th")].map((heading) => heading.className);
  table.tBodies[0].replaceChildren(
    ...sorted(rows, order).map((row) => {
      const line = document.createElement("tr");
      line.className = row.name === content.baseline ? `${row.role} baseline` : row.role;
      Object.entries(COLUMNS).forEach(([key, format], column) => {
        const cell = line.insertCell();
        cell.className = wide[column];
        cell.textContent = row[key] === null ? "" : format(row[key]);
      });
      return line;
    }),
  );
}

function showFigures(rows) {
  const ours = rows.find((row) => row.role === "ours");
  const place = (metric) => 1 + rows.filter((row) => row[metric] < ours[metric]).length;
  const ahead = (metric) => pairs(allPlaces, metric).filter((row) => row.ahead === "ours").length;
  const figures = [
    ...METRICS.map((metric) => [
      `${metric}, place ${place(metric)} of ${rows.length}`,
      ours[metric].toFixed(3),
    ]),
    [`tasks with a lower CRPS than ${content.against}`, `${ahead("CRPS")} of ${allPlaces.length}`],
    ...(ours.parameters === null ? [] : [["parameters", compact.format(ours.parameters)]]),
    ...(ours.milliseconds === null ? [] : [["ms a series", brief.format(ours.milliseconds)]]),
  ];
  byId("figures").replaceChildren(
    ...figures.map(([name, value]) => {
      const box = document.createElement("div");
      box.append(
        ...[
          ["dt", name],
          ["dd", value],
        ].map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })),
      );
      return box;
    }),
  );
}

/** Models with a known cost. Both that are compared are named first, then the least beaten. */
function points(rows, field, metric) {
  const known = rows
    .filter((row) => row[field] !== null)
    .map((row) => ({ ...row, score: row[metric] }));
  for (const row of known) {
    const beaten = known.filter(
      (other) => other.score < row.score && other[field] <= row[field],
    ).length;
    row.priority = row.role === "other" ? 1 + beaten : 0;
  }
  return known;
}

/** Both models on each task, where ours is furthest ahead first. */
function pairs(places, metric) {
  const [ours, against] = [content.ours, content.against].map(
    (name) => content.models.find((model) => model.name === name)[metric],
  );
  return places
    .map((place) => ({
      task: content.tasks[place].name,
      ours: ours[place],
      against: against[place],
      ahead: ours[place] < against[place] ? "ours" : "against",
    }))
    .toSorted((one, two) => one.ours / one.against - two.ours / two.against);
}

function pairSummary(rows, metric) {
  const interval = content.intervals[metric];
  const ahead = rows.filter((row) => row.ours < row.against).length;
  const ratioHere = geometricMean(rows.map((row) => row.ours / row.against));
  let text = `${content.ours} has the lower ${metric} on ${ahead} of ${rows.length} tasks; its ${metric} is ${ratioHere.toFixed(3)} times that of ${content.against}.`;
  if (rows.length === content.tasks.length && interval) {
    const [low, high] = interval.map((end) => end.toFixed(3));
    text += ` The 95 % interval from resampling tasks is ${low} to ${high}; tasks of one set are alike, so the truth is less sure than that.`;
  }
  return text;
}

function showFilters(places) {
  const chosen = Object.fromEntries(new FormData(form));
  for (const by of FILTERS) {
    for (const option of form.elements[by].options) {
      option.disabled = !content.tasks.some((task) =>
        matches(task, { ...chosen, [by]: option.value }),
      );
    }
  }
  byId("count").textContent = `${places.length} of ${content.tasks.length} tasks`;
  byId("show-all").hidden = FILTERS.every((by) => !chosen[by]);
}

async function main() {
  for (const by of FILTERS) {
    const values = [...new Set(content.tasks.map((task) => task[by]))];
    form.elements[by].append(...values.map((value) => new Option(value)));
  }
  const everything = leaderboard(allPlaces);
  const costs = [
    ["parameters", "parameters-chart", "parameters", [1], "of unknown size"],
    ["milliseconds", "time-chart", "milliseconds a series", [1, 3], "not timed here"],
  ];
  const narrow = matchMedia("(max-width: 44rem)").matches;
  const rowHeight = narrow ? 38 : 24;
  const views = {};
  const update = async () => {
    const places = chosenTasks();
    const metric = form.elements.metric.value;
    const rows = leaderboard(places);
    showFilters(places);
    showTable(rows);
    for (const name of document.querySelectorAll(".metric-name")) name.textContent = metric;
    const pairRows = pairs(places, metric);
    byId("pair-summary").textContent = pairSummary(pairRows, metric);
    for (const [field, id] of costs)
      await views[id]?.data("models", points(rows, field, metric)).runAsync();
    await views.pair
      .data("tasks", pairRows)
      .height(pairRows.length * rowHeight)
      .runAsync();
  };
  showFigures(everything);
  // A few points alone would give axes without length.
  const reach = (values) => ({ x: [Math.min(...values) / 3, Math.max(...values) * 3], y: [1] });
  for (const [field, id, title, digits, without] of costs) {
    const known = points(everything, field, METRICS[0]);
    const include = known.length < 4 ? reach(known.map((row) => row[field])) : {};
    if (known.length)
      views[id] = await draw(id, scatter(field, title, digits, known, include), withNames);
    const left = everything.length - known.length;
    byId(id.replace("chart", "note")).textContent = left
      ? `Without ${left} ${left === 1 ? "model" : "models"} ${without}.`
      : "";
  }
  const pairSpec = dumbbell(
    content.ours,
    content.against,
    pairs(allPlaces, METRICS[0]),
    rowHeight,
    narrow,
  );
  views.pair = await draw("pair-chart", pairSpec);
  await update();
  for (const [number, { columns }] of content.examples.entries()) {
    await draw(`example-${number}`, forecast(rowsOf(columns)));
  }
  form.addEventListener("change", () => {
    if (METRICS.includes(order.key)) order.key = form.elements.metric.value;
    update();
  });
  byId("show-all").addEventListener("click", () => {
    for (const by of FILTERS) form.elements[by].value = "";
    update();
  });
  byId("leaderboard").tHead.addEventListener("click", ({ target }) => {
    const { key } = target.dataset;
    if (!key) return;
    order.descending = key === order.key && !order.descending;
    order.key = key;
    showTable(leaderboard(chosenTasks()));
  });
  document.body.dataset.ready = "";
}

main();

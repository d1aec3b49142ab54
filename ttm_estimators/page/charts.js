// Charts as Vega-Lite specifications. Colours are those of the style sheet, light and dark.

const COLOURS = {
  domain: ["ours", "against", "other"],
  range: ["var(--ours)", "var(--against)", "var(--other)"],
};

const CONFIG = {
  background: null,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--muted)",
    titleColor: "var(--muted)",
    gridColor: "var(--line)",
    domainColor: "var(--line)",
    tickColor: "var(--line)",
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    labelPadding: 6,
  },
};

const RATIO_TICKS = [
  0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 5, 10, 20,
];

/**
 * Two models on each task or series, on a line. Where there is little width, names stand above their
 * lines.
 */
function dumbbell(ours, against, tasks, rowHeight, narrow) {
  const place = narrow
    ? { labelAlign: "left", labelPadding: 0, labelOffset: -14 }
    : { labelPadding: 8 };
  const y = {
    field: "task",
    type: "nominal",
    sort: null,
    title: null,
    axis: { labelLimit: 0, ticks: false, domain: false, grid: true, ...place },
  };
  const x = {
    type: "quantitative",
    scale: { type: "log", padding: 12, nice: false },
    axis: {
      orient: "top",
      offset: narrow ? 10 : 0,
      values: RATIO_TICKS,
      format: "~g",
      labelSeparation: 8,
      title: null,
      domain: false,
      ticks: false,
      grid: false,
    },
  };
  const colour = { type: "nominal", scale: COLOURS, legend: null };
  const tooltip = [
    { field: "task", title: "title" },
    { field: "ours", title: ours, format: ".3f" },
    { field: "against", title: against, format: ".3f" },
  ];
  return {
    data: { name: "tasks", values: tasks },
    width: "container",
    height: tasks.length * rowHeight,
    layer: [
      {
        data: { values: [{}] },
        mark: { type: "rule", color: "var(--muted)", strokeDash: [4, 4] },
        encoding: { x: { datum: 1, type: "quantitative" } },
      },
      {
        mark: { type: "rule", strokeWidth: 3, opacity: 0.45 },
        encoding: {
          y,
          x: { ...x, field: "ours" },
          x2: { field: "against" },
          color: { ...colour, field: "ahead" },
        },
      },
      ...["against", "ours"].map((role) => ({
        mark: { type: "point", filled: true, size: narrow ? 80 : 110, opacity: 1 },
        encoding: { y, x: { ...x, field: role }, color: { ...colour, datum: role }, tooltip },
      })),
    ],
  };
}

/**
 * History and truth, and the bands of forecasts, which rows of one window belong to. Of whole numbers
 * the axis is "quantitative".
 */
function forecast(rows, axis = "temporal") {
  const x = {
    field: "time",
    type: axis,
    title: null,
    scale: axis === "temporal" ? { type: "utc" } : { zero: false, nice: false },
    axis: { grid: false, tickCount: 6, labelOverlap: true },
  };
  const y = (field) => ({
    field,
    type: "quantitative",
    title: null,
    scale: { zero: false },
    axis: { tickCount: 4, domain: false, ticks: false, format: "~s" },
  });
  const detail = { field: "window" };
  const has = (field) => rows.some((row) => row[field] !== null && row[field] !== undefined);
  const ahead = { filter: "isValid(datum.q5)" };
  // Lines and areas leave out a point without neighbours, which is drawn by a mark of its own.
  const follows = (field, i, j) =>
    rows[j] !== undefined &&
    rows[j][field] !== null &&
    (field === "value" || rows[j].window === rows[i].window);
  const lone = (field) =>
    rows.filter(
      (row, i) =>
        row[field] !== null && !follows(field, i, i - 1) && !follows(field, i, i + 1),
    );
  const ofLone = (field, mark, encoding) => {
    const values = lone(field);
    return values.length ? [{ data: { values }, mark, encoding }] : [];
  };
  const points = (field, color) =>
    ofLone(field, { type: "point", filled: true, size: 14, opacity: 1, color }, { x, y: y(field) });
  const band = (low, high, opacity) => {
    const shape = { x, y: y(low), y2: { field: high } };
    const style = { color: "var(--ours)", opacity };
    return [
      {
        transform: [ahead],
        mark: { type: "area", ...style },
        encoding: { ...shape, detail },
      },
      ...ofLone(low, { type: "rule", strokeWidth: 4, ...style }, shape),
    ];
  };
  const first = rows.filter(
    (row, i) =>
      row.q5 !== null && (!i || rows[i - 1].q5 === null || rows[i - 1].window !== row.window),
  );
  return {
    data: { values: rows },
    width: "container",
    height: 220,
    layer: [
      {
        data: { values: first },
        mark: { type: "rule", color: "var(--muted)", strokeDash: [4, 4] },
        encoding: { x },
      },
      ...(has("q1") ? band("q1", "q9", 0.22) : []),
      ...(has("q3") ? band("q3", "q7", 0.3) : []),
      {
        mark: { type: "line", color: "var(--ink)", strokeWidth: 1.3 },
        encoding: { x, y: y("value") },
      },
      ...points("value", "var(--ink)"),
      ...(has("other")
        ? [
            ...points("other", "var(--against)"),
            {
              transform: [ahead],
              mark: { type: "line", color: "var(--against)", strokeWidth: 1.5, strokeDash: [5, 3] },
              encoding: { x, y: y("other"), detail },
            },
          ]
        : []),
      {
        transform: [ahead],
        mark: { type: "line", color: "var(--ours)", strokeWidth: 2 },
        encoding: { x, y: y("q5"), detail },
      },
      ...points("q5", "var(--ours)"),
    ],
  };
}

/** Rows of a picture, of its columns. */
function rowsOf(columns) {
  return columns.time.map((_, step) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[step]])),
  );
}

/** Draw a chart, and return its view. */
async function draw(id, spec, patch) {
  const options = {
    actions: false,
    renderer: "svg",
    config: CONFIG,
    tooltip: { disableDefaultStyle: true },
  };
  const { view } = await vegaEmbed(`#${id}`, spec, patch ? { ...options, patch } : options);
  return view;
}

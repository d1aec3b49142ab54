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

/** Thousands, millions and billions by their letters. */
const SHORT_NUMBER =
  "datum.value < 1000 ? format(datum.value, '~g') : replace(format(datum.value, '~s'), 'G', 'B')";

/** Ticks of a logarithmic axis. */
function decades(digits) {
  const powers = Array.from({ length: 18 }, (_, i) => 10 ** (i - 4));
  return powers.flatMap((power) => digits.map((digit) => digit * power));
}

/**
 * Accuracy against a cost: a point for each model, named where there is room. Axes reach at least
 * over what is to be included, so that few points have a place too.
 */
function scatter(field, title, digits, models, include = {}) {
  const reaching = (values) => (values ? { domain: { unionWith: values } } : {});
  return {
    data: { name: "models", values: models },
    width: "container",
    height: 320,
    mark: { type: "point", filled: true, opacity: 1 },
    encoding: {
      x: {
        field,
        type: "quantitative",
        title,
        scale: { type: "log", padding: 24, nice: false, ...reaching(include.x) },
        axis: { values: decades(digits), labelExpr: SHORT_NUMBER, grid: false },
      },
      y: {
        field: "score",
        type: "quantitative",
        title: null,
        scale: { zero: false, padding: 16, ...reaching(include.y) },
        axis: { tickCount: 6, domain: false, ticks: false },
      },
      color: { field: "role", type: "nominal", scale: COLOURS, legend: null },
      size: { condition: { test: "datum.role == 'other'", value: 45 }, value: 120 },
      tooltip: [
        { field: "name", title: "title" },
        { field: "CRPS", format: ".3f" },
        { field: "MASE", format: ".3f" },
        { field, title, format: ",.3~r" },
      ],
    },
  };
}

/** Name the points of a compiled scatter chart, the most telling first, without overlaps. */
function withNames(vega) {
  const points = vega.marks.find((mark) => mark.type === "symbol");
  const isOther = "datum.datum.role == 'other'";
  vega.marks.push({
    type: "text",
    from: { data: points.name },
    encode: {
      enter: {
        text: { field: "datum.name" },
        fontSize: { value: 12 },
        fontWeight: [{ test: isOther, value: 400 }, { value: 600 }],
        fill: [
          { test: isOther, value: "var(--muted)" },
          { test: "datum.datum.role == 'ours'", value: "var(--ours)" },
          { value: "var(--against)" },
        ],
      },
    },
    transform: [
      {
        type: "label",
        size: { signal: "[max(width, 1), max(height, 1)]" },
        sort: { field: "datum.datum.priority" },
        anchor: [
          "right",
          "left",
          "top",
          "bottom",
          "top-right",
          "bottom-right",
          "top-left",
          "bottom-left",
        ],
        offset: [4],
        avoidMarks: [points.name],
      },
    ],
  });
  return vega;
}

/** Two models on each task, on a line. Where there is little width, tasks stand above their lines. */
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

/** History and truth, and the bands of a forecast. */
function forecast(rows) {
  const x = {
    field: "time",
    type: "temporal",
    title: null,
    scale: { type: "utc" },
    axis: { grid: false, tickCount: 6, labelOverlap: true },
  };
  const y = (field) => ({
    field,
    type: "quantitative",
    title: null,
    scale: { zero: false },
    axis: { tickCount: 4, domain: false, ticks: false, format: "~s" },
  });
  const ahead = { filter: "isValid(datum.q5)" };
  const band = (low, high, opacity) => ({
    transform: [ahead],
    mark: { type: "area", color: "var(--ours)", opacity },
    encoding: { x, y: y(low), y2: { field: high } },
  });
  return {
    data: { values: rows },
    width: "container",
    height: 220,
    layer: [
      {
        data: { values: [rows.find((row) => row.q5 !== null)] },
        mark: { type: "rule", color: "var(--muted)", strokeDash: [4, 4] },
        encoding: { x },
      },
      band("q1", "q9", 0.22),
      band("q3", "q7", 0.3),
      {
        mark: { type: "line", color: "var(--ink)", strokeWidth: 1.3 },
        encoding: { x, y: y("value") },
      },
      {
        transform: [ahead],
        mark: { type: "line", color: "var(--ours)", strokeWidth: 2 },
        encoding: { x, y: y("q5") },
      },
    ],
  };
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

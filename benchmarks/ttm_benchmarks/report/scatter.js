// Accuracy against cost, as a Vega-Lite specification.

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

// Values to quantiles, as ttm_estimators/inputs has it: batch.py, gaps.py and forward_fill.py.

export const CONTEXT_LENGTH = 2048;
export const INPUT_LENGTH = 4096;
export const MAX_HORIZON = 720;
export const LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const MEDIAN = LEVELS.indexOf(0.5);
const MIN_GAP_STEPS = 6;
const MAX_GAPS = 4;
const REACH_POINTS = 512;
const FORWARD_FILL_LIMIT_STEPS = 64;
const MAX_DEVIATION_OF_A_CONSTANT = 1e-13;

let session;

/** The runtime and a session of it, which are loaded once. */
async function start() {
  const ort = await import("../ort.wasm.bundle.min.mjs").catch(() => {
    throw new Error(
      "this site was built without onnxruntime-web: install npm, run “make docs” and open it again",
    );
  });
  ort.env.wasm.numThreads = 1; // more need headers that few servers send
  ort.env.wasm.proxy = true; // in a worker: the page stays awake
  const [model, weights] = await Promise.all(["model.onnx", "model.safetensors"].map(bytes));
  const options = {
    executionProviders: ["wasm"],
    externalData: [{ path: "model.safetensors", data: weights }],
    graphOptimizationLevel: "disabled", // starts a third sooner; a forecast takes a tenth of a second
  };
  return { ort, network: await ort.InferenceSession.create(model, options) };
}

async function bytes(name) {
  const answer = await fetch(new URL(`../${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`${name} can not be read: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Quantiles of the next steps: an array of nine for each. NaN means missing. */
export async function forecast(values, horizon) {
  const end = values.findLastIndex((one) => !Number.isNaN(one)) + 1;
  const gap = values.length - end;
  if (gap + horizon > MAX_HORIZON) {
    throw new Error(
      `the last ${gap} values are missing, and ${MAX_HORIZON} steps after the one before them can ` +
        "be forecast: cut the series where its values end, or choose a shorter horizon",
    );
  }
  const latest = values.slice(Math.max(0, end - INPUT_LENGTH), end);
  const history = latest.slice(latest.findIndex((one) => !Number.isNaN(one)));
  for (const [start, stop] of gapsToForecast(history)) {
    const quantiles = await next(history.slice(0, start), stop - start);
    quantiles.forEach((row, step) => (history[start + step] = row[MEDIAN]));
  }
  return (await next(history, gap + horizon)).slice(gap);
}

/** The gaps between values that are forecast before the series is, the oldest first. */
function gapsToForecast(history) {
  const found = [];
  let last = -1;
  history.forEach((one, i) => {
    if (Number.isNaN(one)) return;
    const start = last + 1;
    const chosen =
      i - start >= MIN_GAP_STEPS &&
      i - start <= MAX_HORIZON &&
      i > history.length - REACH_POINTS &&
      start > history.length - CONTEXT_LENGTH;
    if (chosen) found.push([start, i]);
    last = i;
  });
  return found.slice(-MAX_GAPS);
}

async function next(history, horizon) {
  const { past, observed, loc, scale } = prepared(history);
  session ??= start();
  const { ort, network } = await session.catch((error) => {
    session = undefined; // to try again
    throw error;
  });
  const shape = [1, past.length];
  const { quantiles } = await network.run({
    past: new ort.Tensor("float32", past, shape),
    observed: new ort.Tensor("bool", observed, shape),
    horizon: new ort.Tensor("int64", BigInt64Array.of(BigInt(horizon)), []),
  });
  const width = LEVELS.length;
  return Array.from({ length: horizon }, (_, step) =>
    Array.from(
      quantiles.data.subarray(step * width, (step + 1) * width),
      (one) => loc + scale * one,
    ),
  );
}

/** A history as the network takes it: scaled in float64, padded, and short gaps filled. */
function prepared(seen) {
  const length = seen.length > CONTEXT_LENGTH ? INPUT_LENGTH : CONTEXT_LENGTH;
  const start = length - CONTEXT_LENGTH;
  const past = new Float64Array(length).fill(NaN);
  past.set(seen, length - seen.length);
  const context = past.slice(start).filter((one) => !Number.isNaN(one));

  const size = context.reduce((most, one) => Math.max(most, Math.abs(one)), 0) || 1;
  const mean = context.reduce((sum, one) => sum + one / size, 0) / context.length;
  const squares = context.reduce((sum, one) => sum + (one / size - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / context.length);
  const constant = deviation <= MAX_DEVIATION_OF_A_CONSTANT;

  const observed = new Uint8Array(length);
  let last = -Infinity;
  past.forEach((one, i) => {
    if (i === start) last = -Infinity; // what is before the context may be out of date
    if (!Number.isNaN(one)) {
      last = i;
      past[i] = constant ? 0 : (one / size - mean) / deviation;
    }
    observed[i] = i - last <= FORWARD_FILL_LIMIT_STEPS;
    if (last !== i) past[i] = observed[i] ? past[last] : 0;
  });
  return {
    past: Float32Array.from(past),
    observed,
    loc: mean * size,
    scale: constant ? 0 : deviation * size,
  };
}

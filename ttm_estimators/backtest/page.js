// The charts of a backtest. Tables are written into the page.

const content = JSON.parse(document.getElementById("content").textContent);

async function main() {
  const narrow = matchMedia("(max-width: 44rem)").matches;
  if (content.series.length) {
    const spec = dumbbell(
      content.best,
      content.against,
      content.series,
      narrow ? 38 : 24,
      narrow,
    );
    await draw("series-chart", spec);
  }
  for (const [number, { columns, axis }] of content.examples.entries()) {
    await draw(`example-${number}`, forecast(rowsOf(columns), axis));
  }
  document.body.dataset.ready = "";
}

main();

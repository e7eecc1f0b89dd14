"use strict";

/* Draws each chart of the page and lets a slider move the target's compute. All numbers and words
   are in the data beside the chart; here they are only put in place. */
for (const chart of document.querySelectorAll(".chart")) {
  chart.classList.add("live");
  draw(chart).catch((error) => {
    chart.classList.remove("live"); // the still picture is as good as ever
    console.error(error);
  });
}

async function draw(chart) {
  const { data, layout, walks } = JSON.parse(chart.querySelector("script").textContent);
  const plot = chart.querySelector(".plot");
  await Plotly.newPlot(plot, data, layout, {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d"],
  });
  if (walks.length === 0) return;
  const slider = chart.querySelector("input");
  const choice = chart.querySelector("select");
  const said = chart.querySelector("output");
  const at = walks.map((walk) => walk.start);
  const chosen = () => (choice === null ? 0 : Number(choice.value));

  function show() {
    const walk = walks[chosen()];
    const step = at[chosen()];
    slider.value = step;
    slider.setAttribute("aria-valuetext", walk.text[step][0]);
    said.replaceChildren(...walk.text[step].map(line));
  }

  function line(text) {
    const element = document.createElement("span");
    element.textContent = text;
    return element;
  }

  slider.addEventListener("input", () => {
    const walk = walks[chosen()];
    const step = (at[chosen()] = Number(slider.value));
    const traces = data.flatMap((t, i) => (t.meta && t.meta.walk === chosen() ? [i] : []));
    const parts = partsOf(walk, step);
    const places = traces.map((i) => parts[data[i].meta.part]);
    Plotly.restyle(
      plot,
      { x: places.map((p) => p[0]), y: places.map((p) => p[1]), text: places.map((p) => p[2]) },
      traces,
    );
    show();
  });
  if (choice !== null) choice.addEventListener("change", show);
  show();
}

/* Where the parts of a fan are that ends at a step; as in plots/interactive.py. */
function partsOf(walk, step) {
  const way = (values) => values.slice(0, step + 1);
  const there = way(walk.flops);
  const band = (low, high) => [
    there.concat(there.toReversed()),
    way(walk[low]).concat(way(walk[high]).toReversed()),
  ];
  const flops = walk.flops[step];
  const bar = (low, high) => [[flops, flops], [walk[low][step], walk[high][step]]];
  return {
    band90: band("low90", "high90"),
    band50: band("low50", "high50"),
    line: [there, way(walk.median)],
    bar90: bar("low90", "high90"),
    bar50: bar("low50", "high50"),
    marker: [[flops], [walk.median[step]], [[walk.name, ...walk.text[step]].join("<br>")]],
  };
}

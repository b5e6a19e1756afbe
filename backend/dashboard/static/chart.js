// Draws an agent's prices: one line for each pool, on demand, and what happened meanwhile.
"use strict";

(function () {
  const figure = document.getElementById("chart");
  const state = document.getElementById("chart-state");
  if (!figure) return;
  // Okabe and Ito: told apart by everybody, on light ground and on dark.
  const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#999999"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chart = null;
  let shown = null;
  let days = "7";

  const ink = () => (dark.matches ? "#98a3ad" : "#5c6670");
  const grid = () => (dark.matches ? "#2b3238" : "#dde2e6");
  const dollars = (value) => (value === null || value === undefined ? "–" : `$${value.toFixed(4)}`);
  const width = () => Math.max(figure.clientWidth - 2, 200);

  async function load() {
    const asked = days;
    try {
      const answer = await fetch(`${figure.dataset.source}?days=${asked}`, { cache: "no-store", credentials: "same-origin" });
      if (answer.redirected) { location.assign("/login"); return; }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const prices = await answer.json();
      if (asked !== days) return; // another range was chosen meanwhile
      shown = prices;
      draw();
    } catch (error) {
      state.textContent = "The prices could not be loaded; trying again in a minute.";
    }
  }

  function draw() {
    if (chart) { chart.destroy(); chart = null; }
    const known = shown.pools.some((pool) => pool.prices.some((value) => value !== null));
    state.textContent = known ? "" : "No price of this type is known in this range.";
    figure.hidden = !known;
    if (!known) return;
    const began = performance.now();
    const lines = shown.pools.map((pool) => pool.prices);
    const series = [{ value: (_, at) => (at ? new Date(at * 1000).toLocaleString() : "–") }].concat(
      shown.pools.map((pool, i) => ({
        label: pool.name, stroke: colours[i % colours.length], width: 1.5, spanGaps: false, points: { show: false },
        value: (_, value) => dollars(value),
      })));
    if (shown.ondemand !== null) {
      lines.push(shown.times.map(() => shown.ondemand));
      series.push({ label: "on demand", stroke: ink(), width: 1, dash: [6, 4], points: { show: false }, value: (_, value) => dollars(value) });
    }
    chart = new uPlot({
      width: width(), height: 300, series, cursor: { sync: { key: "prices" }, drag: { x: true, y: false } },
      scales: { y: { range: (_, low, high) => [Math.max(0, low - 0.05 * (high - low || high)), high + 0.05 * (high - low || high)] } },
      axes: [axis({}), axis({ size: 70, values: (_, ticks) => ticks.map(dollars) })],
      hooks: { draw: [marks] },
    }, [shown.times, ...lines], figure);
    figure.dataset.drawn = String(Math.round(performance.now() - began));
    figure.dataset.days = days;
  }

  function axis(more) {
    return { stroke: ink(), grid: { stroke: grid(), width: 1 }, ticks: { stroke: grid(), width: 1 }, ...more };
  }

  function marks(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    shown.switches.forEach((mark) => upright(plot, mark.at, mark.failed ? "#a1261b" : ink(), []));
    shown.interruptions.forEach((mark) => upright(plot, mark.at, "#d55e00", [4, 4]));
    shown.pools.forEach((pool, i) => {
      if (!plot.series[i + 1].show) return;
      ctx.strokeStyle = colours[i % colours.length];
      pool.filled.forEach((at) => ring(plot, shown.times[at], pool.prices[at]));
      pool.discrepant.forEach((at) => cross(plot, shown.times[at], pool.prices[at]));
    });
    ctx.restore();
  }

  function upright(plot, at, colour, dash) {
    const x = plot.valToPos(at, "x", true);
    plot.ctx.strokeStyle = colour;
    plot.ctx.setLineDash(dash);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
    plot.ctx.setLineDash([]);
  }

  function ring(plot, at, price) {
    plot.ctx.beginPath();
    plot.ctx.arc(plot.valToPos(at, "x", true), plot.valToPos(price, "y", true), 3 * devicePixelRatio, 0, 2 * Math.PI);
    plot.ctx.stroke();
  }

  function cross(plot, at, price) {
    const x = plot.valToPos(at, "x", true);
    const y = plot.valToPos(price, "y", true);
    const arm = 3 * devicePixelRatio;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x - arm, y - arm);
    plot.ctx.lineTo(x + arm, y + arm);
    plot.ctx.moveTo(x - arm, y + arm);
    plot.ctx.lineTo(x + arm, y - arm);
    plot.ctx.stroke();
  }

  document.querySelectorAll(".range").forEach((button) => {
    button.addEventListener("click", () => {
      days = button.dataset.days;
      document.querySelectorAll(".range").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
      load();
    });
  });
  addEventListener("resize", () => { if (chart) chart.setSize({ width: width(), height: 300 }); });
  dark.addEventListener("change", () => { if (shown) draw(); });
  setInterval(() => { if (!document.hidden) load(); }, 60000);
  load();
})();

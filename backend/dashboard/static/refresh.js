// Replaces <main> by a fresh copy every few seconds, as long as somebody looks at the page.
"use strict";

(function () {
  const state = document.getElementById("refresh-state");
  const main = document.querySelector("main[data-refresh-seconds]");
  const pause = Number(main.dataset.refreshSeconds) * 1000;

  async function refresh() {
    const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") {
      location.assign("/login");
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const current = document.querySelector("main");
    const scrolled = [...current.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    current.replaceWith(fresh.querySelector("main"));
    document.querySelectorAll("main .scroll").forEach((box, i) => { box.scrollLeft = scrolled[i] || 0; });
    state.textContent = "";
  }

  async function loop() {
    if (!document.hidden && !String(getSelection())) {
      try {
        await refresh();
      } catch (error) {
        state.textContent = "The server does not answer; trying again";
      }
    }
    setTimeout(loop, pause);
  }

  setTimeout(loop, pause);
})();

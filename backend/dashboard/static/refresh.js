// Replaces the parts marked data-live by fresh copies, as long as somebody looks at the page.
"use strict";

(function () {
  const state = document.getElementById("refresh-state");
  const pause = 2000; // and the answer's own time: within three seconds

  async function refresh() {
    const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") {
      location.assign("/login");
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelectorAll("[data-live]").forEach((part) => { replace(part, fresh.getElementById(part.id)); });
    state.textContent = "";
  }

  function replace(part, copy) {
    // Untouched parts stay as they are: the keyboard's place and the scrolling with them.
    if (!copy || part.innerHTML === copy.innerHTML || part.contains(document.activeElement)) return;
    const scrolled = [...part.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    part.replaceWith(copy);
    copy.querySelectorAll(".scroll").forEach((box, i) => { box.scrollLeft = scrolled[i] || 0; });
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

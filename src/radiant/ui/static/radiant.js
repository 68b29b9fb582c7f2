// Three small things; every page works without them.
"use strict";

// 1. Airflow's own light or dark mode, which it keeps in the browser under "theme".
const theme = () => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // A browser that refuses storage shows its own mode.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
};
theme();
addEventListener("storage", theme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);

// 2. A link to a page of Airflow opens there, not inside of this frame.
const leave = (event) => {
  const link = event.target.closest?.("a[data-airflow], a[data-outside]");
  if (!link || window.parent === window || event.button > 1) return;
  let outside;
  try {
    outside = window.parent.document.createElement("a");
  } catch {
    return; // the frame's page is another site's
  }
  event.preventDefault();
  outside.href = link.href;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button === 1 || "outside" in link.dataset) {
    outside.target = "_blank";
    outside.rel = "noopener";
  }
  window.parent.document.body.append(outside);
  outside.click();
  outside.remove();
};
addEventListener("click", leave);
addEventListener("auxclick", leave);

// 3. What runs is shown again and again, unless the reader is typing or has marked text.
addEventListener("DOMContentLoaded", () => {
  const look = async () => {
    const seconds = Number(document.body.dataset.refresh);
    if (!seconds) return;
    const busy = document.activeElement?.matches("input, select, textarea") || String(getSelection()) !== "";
    if (!busy && !document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        if (answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const focused = document.activeElement?.getAttribute("href");
          document.querySelector("main").replaceWith(page.querySelector("main"));
          document.body.dataset.refresh = page.body.dataset.refresh ?? "";
          if (focused) document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
        }
      } catch {
        // Airflow does not answer: look again later.
      }
    }
    setTimeout(look, seconds * 1000);
  };
  setTimeout(look, Number(document.body.dataset.refresh || 0) * 1000);
});

// New items are highlighted for a moment; removing an item moves the focus to its section.
(() => {
  let known = null;
  const items = (part) => [...part.querySelectorAll("li[id], article[id]")];
  document.addEventListener("htmx:before:swap", (event) => {
    const part = event.target.closest?.("[data-live-on]");
    if (part) known = new Set(items(part).map((one) => one.id));
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const part = event.target.closest?.("[data-live-on]");
    if (!part || !known || !known.size) return;
    for (const one of items(part)) {
      if (known.has(one.id)) continue;
      one.classList.add("fresh");
      setTimeout(() => one.classList.remove("fresh"), 4000);
    }
    known = null;
  });
  let section = null;
  document.addEventListener("submit", (event) => {
    section = event.target.closest("section");
  });
  document.addEventListener("htmx:after:settle", () => {
    if (section?.isConnected && document.activeElement === document.body) {
      section.tabIndex = -1;
      section.focus({ preventScroll: true });
    }
    section = null;
  });
})();

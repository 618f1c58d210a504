// The answer to a preview appears beside its button and gets the focus.
(() => {
  let asked = null, before = null;
  document.addEventListener("click", (event) => {
    asked = event.target.closest?.("button[hx-target]")?.getAttribute("hx-target");
    before = asked && document.querySelector(asked);
    if (!before?.matches("[data-answer]")) asked = null;
  });
  document.addEventListener("htmx:after:settle", () => {
    const answer = asked && document.querySelector(asked);
    if (!answer || answer === before) return;  // another part of the page was reloaded
    answer.focus();
    asked = null;
  });
})();

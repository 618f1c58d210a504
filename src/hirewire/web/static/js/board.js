// Applications can be dragged to another stage; the form on each card does the same.
(() => {
  // A dragged card must stay in the page, so reloads wait until it is dropped.
  let dragged = null, waiting = new Set();
  document.addEventListener("htmx:before:swap", (event) => {
    if (!dragged) return;
    const part = dragged.closest("[data-live-on]");
    if (part) { waiting.add(part); event.preventDefault(); }
  });
  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest?.("[data-application]");
    if (card) { dragged = card; event.dataTransfer.setData("text/plain", card.dataset.application); }
  });
  let over = null;
  const hover = (column) => {
    if (over) over.classList.remove("over");
    over = column;
    if (over) over.classList.add("over");
  };
  document.addEventListener("dragover", (event) => {
    const column = event.target.closest?.("[data-stage]");
    const fits = dragged && column && dragged.dataset.stages.split(" ").includes(column.dataset.stage);
    if (fits) event.preventDefault();
    if (dragged) hover(fits ? column : null);
  });
  document.addEventListener("drop", (event) => {
    const column = event.target.closest?.("[data-stage]");
    if (!dragged || !column) return;
    event.preventDefault();
    const decline = dragged.querySelector("[data-decline]");
    if (decline?.querySelector("[name=stage]").value === column.dataset.stage) {
      decline.closest("details").open = true;  // declining requires a reason
      decline.querySelector("select, input:not([type=hidden])").focus();
      return;
    }
    const form = dragged.querySelector("form[data-move]");
    form.elements.stage.value = column.dataset.stage;
    form.requestSubmit();
    dragged = null;
  });
  document.addEventListener("dragend", () => {
    dragged = null;
    hover(null);
    for (const part of waiting) part.dispatchEvent(new CustomEvent("live"));
    waiting = new Set();
  });
})();

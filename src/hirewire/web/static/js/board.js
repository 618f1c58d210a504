// Applications can be dragged to another stage; the menu on each card does the same.
(() => {
  if (!document.getElementById("board")) return;
  // A pressed or dragged card must stay in the page, so reloads wait until it is released.
  let pressed = null, dragged = null, waiting = new Set(), moved = null, left = null;
  document.addEventListener("htmx:before:swap", (event) => {
    const part = (dragged ?? pressed)?.closest("[data-live-on]");
    if (part) { waiting.add(part); event.preventDefault(); }
  });
  const release = () => {
    pressed = null;
    if (dragged) return;
    for (const part of waiting) part.dispatchEvent(new CustomEvent("live"));
    waiting = new Set();
  };
  document.addEventListener("pointerdown", (event) => { pressed = event.target.closest?.("[data-application]"); });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, release);
  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest?.("[data-application]");
    if (!card) return;
    dragged = card;
    card.classList.add("dragged");
    event.dataTransfer.setData("text/plain", card.dataset.application);
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
    if (decline?.elements.stage.value === column.dataset.stage) {
      decline.closest("[popover]").showPopover();  // declining requires a reason
      decline.querySelector("select, textarea").focus();
      return;
    }
    const button = dragged.querySelector(`[data-move] button[value="${CSS.escape(column.dataset.stage)}"]`);
    dragged = null;
    button?.form.requestSubmit(button);
  });
  document.addEventListener("dragend", () => {
    document.querySelector("article.dragged")?.classList.remove("dragged");
    dragged = null;
    hover(null);
    release();
  });
  // The menu closes when a stage is chosen; the focus follows the card to its new column.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.("#board form")) return;
    moved = event.target.closest("article").id;
    left = event.target.elements.from.value;
    if (event.target.matches("[data-move]")) event.target.closest("[popover]").hidePopover();
  });
  document.addEventListener("htmx:after:settle", (event) => {
    const card = moved && event.target.id === "board" && document.getElementById(moved);
    if (!card || card.closest("[data-stage]").dataset.stage === left) return;
    if (document.activeElement === document.body) card.querySelector("a").focus({ preventScroll: true });
    moved = null;
  });
  // On a phone the bar of stages shows which column is in view.
  const bar = () => document.querySelector(".stages");
  const mark = (id) => {
    for (const link of bar().children) {
      if (link.hash === `#${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const link = bar().querySelector("[aria-current]");
    if (link) bar().scrollTo({ left: link.offsetLeft - 24, behavior: "smooth" });
  };
  let shown = "";
  const watch = () => {
    const board = document.querySelector(".board");
    const at = [...board.children].find((column) => column.offsetLeft + column.offsetWidth / 2 > board.scrollLeft + board.offsetLeft);
    const id = at?.getAttribute("aria-labelledby");
    if (id && id !== shown) mark(shown = id);
  };
  document.addEventListener("scroll", (event) => { if (event.target.matches?.(".board")) watch(); }, true);
  document.addEventListener("htmx:after:settle", () => { shown = ""; watch(); });
  watch();
})();

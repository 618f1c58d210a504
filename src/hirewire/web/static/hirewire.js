// Tells the parts of an open page to read themselves again when something has happened.
(() => {
  const body = document.body;
  if (!body.dataset.live) return;
  const bar = document.getElementById("connection");
  let last = null, source = null, wait = 1000, timer = null, expired = false;
  const kinds = [
    "user.role_changed", "profile.updated", "resume.updated", "employer.profile.created",
    "recommendation.created", "recommendation.withdrawn", "application.submitted",
    "application.stage_changed", "vacancy.published", "vacancy.updated", "vacancy.paused",
    "vacancy.closed", "activity",
  ];
  const tell = (kind) => {
    for (const part of document.querySelectorAll("[data-live-on]")) {
      if (kind === "all" || part.dataset.liveOn.split(" ").includes(kind)) {
        part.dispatchEvent(new CustomEvent("live"));
      }
    }
  };
  const show = (on) => { if (bar) bar.hidden = on; };
  const open = () => {
    clearTimeout(timer);
    source = new EventSource("/live" + (last ? "?after=" + encodeURIComponent(last) : ""));
    // What happened between the reading of the page and now was not heard: read once more.
    source.onopen = () => { wait = 1000; show(true); tell("all"); };
    for (const kind of kinds) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        show(true);
        tell(kind);
      });
    }
    source.addEventListener("catch-up", () => { show(true); tell("all"); });
    source.addEventListener("interrupted", () => show(false));
    source.addEventListener("expired", () => { expired = true; again(0); });
    source.onerror = () => again(wait);
  };
  const again = (pause) => {
    if (source) source.close();
    source = null;
    if (!expired) show(false);
    timer = setTimeout(async () => {
      // Any page renews a session that is about to end; then everything is read again.
      try {
        await fetch("/session", { cache: "no-store" });
        expired = false;
        open();
      } catch (error) {
        wait = Math.min(wait * 2, 15000);
        again(wait);
      }
    }, pause);
  };
  addEventListener("online", () => again(0));
  addEventListener("offline", () => show(false));
  open();
})();

// Applications can be dragged from one stage to another; the form on each does the same.
(() => {
  // What is being dragged must stay where it is: a part that is read meanwhile waits.
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
      decline.closest("details").open = true;  // nobody is declined without a reason
      decline.querySelector("select").focus();
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

// A form with lines has always one more to fill in.
document.addEventListener("input", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || !event.target.value || row.nextElementSibling?.matches("[data-row]")) return;
  const next = row.cloneNode(true);
  for (const field of next.querySelectorAll("input, select")) {
    const label = field.getAttribute("aria-label");
    field.setAttribute("aria-label", label.replace(/\d+$/, (number) => Number(number) + 1));
    field.removeAttribute("data-htmx-powered");
    field.value = field.querySelector("option")?.value ?? "";
  }
  row.after(next);
  htmx.process(next);
});

// What has come by itself is marked for a moment; whoever took something out is not sent to the top.
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

// What somebody did could not be done: say it, and replace nothing of what was typed.
for (const what of ["away", "signed-out"]) {
  document.addEventListener(what, (event) => {
    const part = event.target.matches?.("[data-live-on]") ? event.target : null;
    if (part && what === "away") {  // nobody asked for it: it reads itself again later
      setTimeout(() => part.dispatchEvent(new CustomEvent("live")), 3000);
      return;
    }
    const note = document.getElementById(`told-${what}`);
    if (!note) return;
    note.hidden = false;
    note.scrollIntoView({ block: "nearest" });
  });
}
document.addEventListener("htmx:before:request", (event) => {
  if (event.target.matches?.("[data-live-on]")) return;
  for (const note of document.querySelectorAll("[id^=told-]")) note.hidden = true;
});

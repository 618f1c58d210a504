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
  document.addEventListener("dragover", (event) => {
    const column = event.target.closest?.("[data-stage]");
    if (dragged && column && dragged.dataset.stages.split(" ").includes(column.dataset.stage)) {
      event.preventDefault();
    }
  });
  document.addEventListener("drop", (event) => {
    const column = event.target.closest?.("[data-stage]");
    if (!dragged || !column) return;
    event.preventDefault();
    const form = dragged.querySelector("form[data-move]");
    form.elements.stage.value = column.dataset.stage;
    form.requestSubmit();
    dragged = null;
  });
  document.addEventListener("dragend", () => {
    dragged = null;
    for (const part of waiting) part.dispatchEvent(new CustomEvent("live"));
    waiting = new Set();
  });
})();

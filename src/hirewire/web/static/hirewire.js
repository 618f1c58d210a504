// Reloads the parts of an open page when an event concerns them. A browser opens six connections to
// a host, so one visible page holds the event stream and forwards its events to the others.
(() => {
  const body = document.body;
  if (!body.dataset.live) return;
  const bar = document.getElementById("connection");
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("hirewire-live") : null;
  const shared = channel && navigator.locks;  // locks exist on https and on localhost
  let last = null, source = null, wait = 1000, timer = null, expired = false;
  let connected = false, isConsumer = false, letGo = null, waiting = null;
  const kinds = [
    "user.role_changed", "profile.updated", "resume.updated", "employer.profile.created",
    "recommendation.created", "recommendation.withdrawn", "application.submitted",
    "application.stage_changed", "application.message_sent", "vacancy.published", "vacancy.updated", "vacancy.paused",
    "vacancy.closed", "activity",
  ];
  // Parts that every page has reload at most once for all events within half a second.
  const due = new Set();
  const wake = (part) => {
    if (!("liveSoon" in part.dataset)) { part.dispatchEvent(new CustomEvent("live")); return; }
    if (due.has(part)) return;
    due.add(part);
    setTimeout(() => { due.delete(part); part.dispatchEvent(new CustomEvent("live")); }, 500);
  };
  const reload = (kind) => {
    for (const part of document.querySelectorAll("[data-live-on]")) {
      if (kind === "all" || part.dataset.liveOn.split(" ").includes(kind)) wake(part);
    }
  };
  // Reloading an open application marks it as read, so the unread counts reload, too.
  document.addEventListener("htmx:after:swap", (event) => {
    const pages = event.target.id === "application" && document.getElementById("pages");
    if (pages) wake(pages);
  });
  const pass = (message) => { if (shared) channel.postMessage(message); };
  const consume = (kind) => { reload(kind); pass({ kind, last }); };
  const show = (on) => { if (bar) bar.hidden = on; };
  const state = (on) => { connected = on; show(on); pass({ on }); };
  const open = () => {
    clearTimeout(timer);
    source = new EventSource("/live" + (last ? "?after=" + encodeURIComponent(last) : ""));
    // Events between the loading of the page and now were missed: reload once.
    source.onopen = () => { wait = 1000; state(true); consume("all"); };
    for (const kind of kinds) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        if (!connected) state(true);
        consume(kind);
      });
    }
    source.addEventListener("catch-up", () => { state(true); consume("all"); });
    source.addEventListener("interrupted", () => state(false));
    source.addEventListener("expired", () => { expired = true; again(0); });
    source.onerror = () => again(wait);
  };
  const again = (pause) => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    if (!expired) state(false);
    timer = setTimeout(async () => {
      // Any request renews a session that is about to expire; then everything reloads.
      try {
        await fetch("/session", { cache: "no-store" });
        expired = false;
        if (isConsumer) open();
      } catch (error) {
        wait = Math.min(wait * 2, 15000);
        if (isConsumer) again(wait);
      }
    }, pause);
  };
  const listen = () => {
    isConsumer = true;
    open();
    return new Promise((done) => { letGo = done; });
  };
  const begin = () => {
    if (isConsumer || waiting) return;
    if (!shared) { listen(); return; }
    waiting = new AbortController();
    navigator.locks.request("hirewire-live", { signal: waiting.signal }, listen).catch(() => {});
    pass({ ask: true });
  };
  // A hidden page closes its stream; another visible page takes over.
  const end = () => {
    waiting?.abort();
    clearTimeout(timer);
    source?.close();
    letGo?.();
    source = letGo = waiting = null;
    isConsumer = false;
  };
  if (shared) {
    channel.onmessage = ({ data }) => {
      if (data.ask) { if (isConsumer) pass({ on: connected }); return; }
      if (isConsumer || document.hidden) return;
      if ("on" in data) show(data.on);
      if (data.last) last = data.last;
      if (data.kind) reload(data.kind);
    };
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { end(); return; }
    begin();
    reload("all");
  });
  addEventListener("pagehide", end);
  addEventListener("pageshow", (event) => { if (event.persisted) { begin(); reload("all"); } });
  addEventListener("online", () => { if (isConsumer) again(0); });
  addEventListener("offline", () => show(false));
  if (!document.hidden) begin();
})();

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

document.documentElement.dataset.scripts = "on";

// A form with rows always has an empty row at the end.
document.addEventListener("input", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || !event.target.value || row.nextElementSibling?.matches("[data-row]")) return;
  const next = row.cloneNode(true);
  next.querySelector("[role=listbox]")?.remove();
  for (const wrong of next.querySelectorAll(".wrong")) wrong.remove();
  const counted = (text) => text.replace(/\d+$/, (number) => Number(number) + 1);
  for (const legend of next.querySelectorAll("legend")) legend.textContent = counted(legend.textContent);
  for (const field of next.querySelectorAll("input, select, textarea")) {
    field.setAttribute("aria-label", counted(field.getAttribute("aria-label")));
    for (const { name } of [...field.attributes]) {
      if (name === "role" || (name.startsWith("aria-") && name !== "aria-label")) field.removeAttribute(name);
    }
    field.value = field.querySelector("option")?.value ?? "";
  }
  row.after(next);
});

// Suggestions of names: a combobox with a list, following the ARIA Authoring Practices.
(() => {
  const list = document.createElement("ul");
  list.id = "suggested";
  list.setAttribute("role", "listbox");
  let field = null, timer = null, asked = 0;
  const options = () => [...list.children];
  const active = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    clearTimeout(timer);
    asked += 1;
    list.remove();
    field?.setAttribute("aria-expanded", "false");
    field?.removeAttribute("aria-activedescendant");
  };
  const take = (option) => {
    field.value = option.dataset.value;
    close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    close();
  };
  const ask = async (attempts = 10) => {
    const mine = ++asked, input = field;
    const isStale = () => mine !== asked || document.activeElement !== input;
    let answer = null;
    try {
      answer = await fetch(input.dataset.suggest + encodeURIComponent(input.value), { headers: { "HX-Request": "true" } });
    } catch (error) {
      // the network is down: there are no suggestions meanwhile
    }
    if (isStale()) return;
    if (!answer?.ok) {
      const isTemporary = !answer || answer.status >= 500 || answer.status === 429;
      if (isTemporary && attempts > 1) timer = setTimeout(() => ask(attempts - 1), 500);
      return;
    }
    const options = await answer.text();
    if (isStale()) return;
    list.innerHTML = options;
    if (!list.children.length) return close();
    list.setAttribute("aria-label", input.getAttribute("aria-label") || input.labels[0]?.textContent || "");
    input.after(list);
    input.setAttribute("aria-expanded", "true");
  };
  document.addEventListener("focusin", (event) => {
    if (list.isConnected && !list.contains(event.target) && event.target !== field) close();
    if (!event.target.matches?.("[data-suggest]")) return;
    field = event.target;
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) field.setAttribute(name, value);
  });
  document.addEventListener("input", (event) => {
    if (event.target !== field) return;
    clearTimeout(timer);
    if (field.value.trim()) timer = setTimeout(() => ask(), 100);
    else close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target !== field || event.isComposing) return;
    const all = options(), at = all.indexOf(active()), isOpen = list.isConnected;
    if (event.key === "Tab" && isOpen && at >= 0) { take(all[at]); return; }  // and the focus moves on
    if (event.key === "ArrowDown" && !isOpen && field.value.trim()) ask();
    else if (event.key === "ArrowDown" && isOpen) choose(all[at + 1] ?? all[0]);
    else if (event.key === "ArrowUp" && isOpen) choose(at > 0 ? all[at - 1] : all.at(-1));
    else if (event.key === "Enter" && isOpen && at >= 0) take(all[at]);
    else if (event.key === "Escape" && isOpen) close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();  // the field keeps the focus
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target === field) setTimeout(() => { if (document.activeElement !== field) close(); });
  });
})();

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

// Menus close on a click outside and on Escape.
(() => {
  const open = () => document.querySelector("details.menu[open]");
  document.addEventListener("click", (event) => {
    const menu = open();
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && open();
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
})();

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

// A failed action shows a message and keeps the typed text.
for (const what of ["away", "signed-out"]) {
  document.addEventListener(what, (event) => {
    const part = event.target.matches?.("[data-live-on]") ? event.target : null;
    if (part && what === "away") {  // an automatic reload: it is repeated later
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

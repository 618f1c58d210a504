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
    "user.role_changed", "user.blocked", "profile.updated", "resume.updated", "employer.profile.created",
    "recommendation.created", "recommendation.withdrawn", "application.submitted",
    "application.stage_changed", "application.message_sent", "vacancy.published", "vacancy.updated", "vacancy.paused",
    "vacancy.closed", "interview.proposed", "interview.chosen", "interview.declined", "interview.cancelled",
    "interview.abandoned", "notice.created", "activity",
  ];
  // Parts of every page reload at most once for all events within half a second: at its end, or at its
  // beginning for the events that a part lists as urgent.
  const apart = 500;
  const due = new WeakMap(), woken = new WeakMap();
  const wakeNow = (part) => {
    clearTimeout(due.get(part));
    due.delete(part);
    woken.set(part, performance.now());
    part.dispatchEvent(new CustomEvent("live"));
  };
  const wake = (part, kind) => {
    if (!("liveSoon" in part.dataset)) { part.dispatchEvent(new CustomEvent("live")); return; }
    const isUrgent = part.dataset.liveNow?.split(" ").includes(kind);
    const rest = apart - (performance.now() - (woken.get(part) ?? -apart));
    if (isUrgent && rest <= 0) wakeNow(part);
    else if (!due.has(part)) due.set(part, setTimeout(() => wakeNow(part), isUrgent ? rest : apart));
  };
  const reload = (kind) => {
    if (kind === "user.blocked") { location.reload(); return; }
    for (const part of document.querySelectorAll("[data-live-on]")) {
      if (kind === "all" || part.dataset.liveOn.split(" ").includes(kind)) wake(part, kind);
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
    // Events since the page was loaded may have been missed: reload once.
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

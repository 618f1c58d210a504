// Keyboard shortcuts: "/" searches, on this page or in the jobs, "j" and "k" walk through a list, "?" shows them all.
// They can be switched off in that dialog, since single letters disturb speech input (WCAG 2.1.4).
(() => {
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const choice = dialog.querySelector("[name=shortcuts]");
  const stored = "hirewire-shortcuts";
  const isOn = () => {
    try {
      return localStorage.getItem(stored) !== "off";
    } catch {
      return true;  // storage is blocked
    }
  };
  choice.checked = isOn();
  choice.addEventListener("change", () => {
    try {
      localStorage.setItem(stored, choice.checked ? "on" : "off");
    } catch {
      // storage is blocked: the choice lasts until the page is left
    }
  });
  const open = () => { if (!dialog.open) dialog.showModal(); };
  for (const button of document.querySelectorAll("[data-keys]")) button.addEventListener("click", open);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();  // a click outside the dialog
  });
  const titled = (one) => one.querySelector(":is(h2, h3) a[href]") ?? one.querySelector("a[href]");
  const links = () => [...document.querySelectorAll("[data-list] > *")].map(titled).filter(Boolean);
  const walk = (step) => {
    const all = links();
    if (!all.length) return;
    const at = all.findIndex((one) => one.closest("[data-list] > *").contains(document.activeElement));
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    next.focus();
    next.closest("[data-list] > *").scrollIntoView({ block: "nearest" });
  };
  const actions = {
    "/": () => {
      const field = document.querySelector("[data-search], input[type=search]");
      if (!field) location.assign("/vacancies#q");
      field?.focus();
      field?.select();
    },
    "j": () => walk(1),
    "k": () => walk(-1),
    "?": open,
  };
  if (location.hash === "#q") document.getElementById("q")?.focus();  // not every browser does
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && event.key === "?") return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]")) return;
    // The same keys on a Russian layout.
    const key = { "о": "j", "л": "k" }[event.key] ?? event.key;
    if (!choice.checked || !Object.hasOwn(actions, key)) return;
    event.preventDefault();
    actions[key]();
  });
})();

// Suggestions while a name is typed: a combobox that follows the ARIA Authoring Practices.
(() => {
  const list = document.createElement("ul");
  list.id = "suggested";
  list.setAttribute("role", "listbox");
  let field = null, timer = null, asked = 0;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  };
  const hide = () => {
    list.remove();
    field?.setAttribute("aria-expanded", "false");
    field?.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    clearTimeout(timer);
    asked += 1;
    hide();
  };
  const open = (input) => {
    if (!options().length) return hide();
    list.setAttribute("aria-label", input.getAttribute("aria-label") || input.labels[0]?.textContent || "");
    if (!list.isConnected) input.after(list);
    input.setAttribute("aria-expanded", "true");
  };
  const parsed = (html) => {
    const found = document.createElement("template");
    found.innerHTML = html;
    return found.content;
  };
  // A second request after a pause in typing; its options are added below.
  const askMore = async (address, isStale) => {
    let answer = null;
    try {
      answer = await fetch(address, { headers: { "HX-Request": "true" } });
    } catch (error) {
      return;
    }
    const html = answer.ok ? await answer.text() : "";
    if (isStale()) return;
    const shown = new Set(options().map((option) => option.dataset.value));
    const found = parsed(html);
    for (const option of found.querySelectorAll("[role=option]")) if (shown.has(option.dataset.value)) option.remove();
    if (found.querySelector("[role=option]")) list.append(found);
    open(field);
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
      // no network: no suggestions for now
    }
    if (isStale()) return;
    if (!answer?.ok) {
      const isTemporary = !answer || answer.status >= 500 || answer.status === 429;
      if (isTemporary && attempts > 1) timer = setTimeout(() => ask(attempts - 1), 500);
      return;
    }
    const html = await answer.text();
    if (isStale()) return;
    const found = parsed(html), more = found.querySelector("[data-more]");
    more?.remove();  // where to ask further is no option
    list.replaceChildren(found);
    open(input);
    if (more) timer = setTimeout(() => askMore(more.dataset.more, isStale), 250);
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
    if (event.key === "Tab" && isOpen && at >= 0) { take(all[at]); return; }  // the focus moves on as usual
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

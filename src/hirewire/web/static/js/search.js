// The lists of jobs and of resumes: a changed filter replaces the results; focus, scroll position and history stay.
(() => {
  const form = document.querySelector("form[data-live-search]");
  const part = (id) => document.getElementById(id);
  let running = null;

  // The address contains no empty fields, and no currency without an amount to compare.
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("[data-tidy]")) return;
    for (const name of [...new Set(event.formData.keys())]) {
      const values = event.formData.getAll(name).filter((value) => String(value).trim());
      event.formData.delete(name);
      for (const value of values) event.formData.append(name, value);
    }
    if (!event.formData.has("salaryFrom") && !event.formData.has("salaryTo") && event.formData.get("sort") !== "pay") event.formData.delete("currency");
  });
  if (!form || !part("found")) return;

  const isSheet = () => matchMedia("(max-width: 46rem)").matches;
  const fields = () => [...form.querySelectorAll("input")];
  const address = () => {
    const query = new URLSearchParams(new FormData(form)).toString();
    return form.getAttribute("action") + (query && `?${query}`);
  };

  const swap = (page, sent) => {
    const old = part("found"), next = page.getElementById("found");
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = part("facets")?.scrollTop;
    for (const one of next.querySelectorAll("details[id]")) {
      const before = part(one.id);
      if (before) one.open = before.open;
    }
    // A field that was edited after the search was sent keeps its text.
    for (const field of fields()) {
      const found = page.getElementById(field.id);
      if (found && (!sent || field.value === sent.get(field.id))) field.value = found.value;
    }
    old.replaceWith(document.adoptNode(next));
    document.title = page.title;
    // Changing the language or theme returns to the current search, not to the first one.
    const here = page.querySelector("footer [name=next]");
    for (const one of document.querySelectorAll("footer [name=next]")) one.value = here.value;
    window.htmx?.process(next);
    part("facets")?.scrollTo(0, scrolled ?? 0);
    if (focused) {
      const again = focused.id && part(focused.id);
      (again || part("found-head")).focus({ preventScroll: true });
    }
    part("found-said").textContent = part("found-head").textContent;
  };

  const load = async (url, { push, isBack = false } = {}) => {
    running?.abort();
    const mine = running = new AbortController();
    const sent = isBack ? null : new Map(fields().map((one) => [one.id, one.value]));
    part("found").setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      if (!page.getElementById("found")) throw new Error("another page");
      if (push) {
        if (!history.state?.search) history.replaceState({ search: true }, "");
        history.pushState({ search: true }, "", url);
      }
      swap(page, sent);
    } catch (error) {
      if (!mine.signal.aborted) location.assign(url);  // the browser then shows the error
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load(address(), { push: true });
  });
  document.addEventListener("change", (event) => {
    if (event.target.form === form && part("found").contains(event.target)) form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const filters = part("filters");
    if (event.target.closest?.("[data-close-filters]")) {
      event.preventDefault();  // the results are already shown
      filters.open = false;
      part("found-head").focus();
      return;
    }
    if (isSheet() && filters.open && !filters.contains(event.target)) {
      event.preventDefault();  // a click beside the sheet closes it
      filters.open = false;
      return;
    }
    const link = event.target.closest?.("a[data-search-link]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    load(link.getAttribute("href"), { push: true });
  });
  document.addEventListener("keydown", (event) => {
    const filters = part("filters");
    if (event.key !== "Escape" || !filters.open || !isSheet()) return;
    filters.open = false;
    filters.querySelector("summary").focus();
  });
  window.addEventListener("popstate", (event) => {
    if (event.state?.search) load(location.href, { isBack: true });
  });
})();

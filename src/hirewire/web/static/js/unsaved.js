// Asks before a page with unsaved form input is left.
(() => {
  const typed = new Set();
  const formOf = (event) => event.target.closest?.("form[data-unsaved]");
  for (const name of ["input", "change"]) {
    document.addEventListener(name, (event) => {
      const form = formOf(event);
      if (form) typed.add(form);
    });
  }
  // Saving without htmx leaves the page on purpose; the answer keeps the input if it is refused.
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) typed.delete(formOf(event));
  });
  addEventListener("beforeunload", (event) => {
    if ([...typed].some((form) => form.isConnected)) event.preventDefault();
  });
})();

// Leaving a page asks first if something was typed into a form of it and is not saved yet.
(() => {
  const typed = new Set();
  const formOf = (event) => event.target.closest?.("form[data-unsaved]");
  for (const name of ["input", "change"]) {
    document.addEventListener(name, (event) => {
      const form = formOf(event);
      if (form) typed.add(form);
    });
  }
  // Saving without htmx leaves the page on purpose; its own answer keeps what was typed.
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) typed.delete(formOf(event));
  });
  addEventListener("beforeunload", (event) => {
    if ([...typed].some((form) => form.isConnected)) event.preventDefault();
  });
})();

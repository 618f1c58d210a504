// Small aids in forms: show a password, apply a select or a filter on change, copy or share a link.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-reveal], [data-copy], [data-copy-text], [data-print]");
  if (!button) return;
  if ("print" in button.dataset) window.print();
  if (button.dataset.reveal) {
    const field = document.getElementById(button.dataset.reveal);
    const isShown = field.type === "password";
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
  }
  if (button.dataset.copy || button.dataset.copyText) {
    try {
      const copied = button.dataset.copyText ?? new URL(button.dataset.copy, location.href).href;
      await navigator.clipboard.writeText(copied);
      button.dataset.copied = "yes";
      button.querySelector("[data-said]")?.removeAttribute("hidden");
    } catch {
      // no permission: the address is in the page as text
    }
  }
});
// Mails are to come by the clocks of the person who signs up.
for (const field of document.querySelectorAll("[data-zone-of-browser]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto]");
  if (form && event.target.matches("select, [type=checkbox], [type=radio]")) form.requestSubmit();
});

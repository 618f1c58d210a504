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

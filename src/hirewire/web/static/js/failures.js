// A failed action shows a message; typed text stays.
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

// The select of time zones: a search field, and the zone of the browser if none was chosen.
(() => {
  const place = document.querySelector("[data-zones]");
  if (!place) return;
  const select = place.querySelector("select"), search = place.querySelector("[data-zone-search]");
  const all = [...select.children];
  const plain = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  search.addEventListener("input", () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean), chosen = select.value;
    const isMeant = (option) => words.every((word) => plain(`${option.textContent} ${option.value}`).includes(word));
    let count = 0, first = null;
    select.replaceChildren(...all.map((part) => part.cloneNode(true)));
    for (const option of [...select.options]) {
      const isKept = !words.length || isMeant(option);
      if (isKept) {
        count += 1;
        first ??= option;
      } else option.remove();
    }
    for (const group of select.querySelectorAll("optgroup")) if (!group.children.length) group.remove();
    const before = [...select.options].find((option) => option.value === chosen);
    if (before ?? first) (before ?? first).selected = true;
    else {
      select.replaceChildren(...all.map((part) => part.cloneNode(true)));
      select.value = chosen;
    }
    const said = place.querySelector("[data-zone-count]");
    said.textContent = words.length ? said.dataset.zoneCount.replace("%s", count) : "";
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  if (!("zoneUnknown" in place.dataset)) return;
  const found = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!found) return;
  const known = [...select.options].find(
    (option) => option.value === found || option.dataset.also?.split(" ").includes(found),
  );
  if (!known) {
    const other = new Option(found, found);
    select.options[0].after(other);
    all.splice(1, 0, other.cloneNode(true));
  }
  select.value = known?.value ?? found;
  const said = place.querySelector("[data-zone-said]");
  if (said) said.textContent = said.dataset.zoneSaid;
})();

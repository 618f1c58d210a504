// Passkeys: makes one for the account, or signs in with one. The answer goes into the form.
(() => {
  const RENEWED_AFTER = 4 * 60 * 1000;  // the service accepts an answer for five minutes
  const form = document.querySelector("form[data-passkey]");
  const isNamed = !/^[\d.]+$|:/.test(location.hostname);  // browsers have none for IP addresses
  if (!form || !window.PublicKeyCredential || !isNamed) return;
  form.hidden = false;
  const isNew = form.dataset.passkey === "add";
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const read = (given) => {
    const options = { ...given, challenge: bytes(given.challenge) };
    if (given.user) options.user = { ...given.user, id: bytes(given.user.id) };
    for (const name of ["allowCredentials", "excludeCredentials"]) {
      if (given[name]) options[name] = given[name].map((one) => ({ ...one, id: bytes(one.id) }));
    }
    return options;
  };
  const send = ({ rawId, type, response }) => {
    const sent = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) sent[name] = text(response[name]);
    }
    const id = text(rawId);
    form.elements.credential.value = JSON.stringify({ id, rawId: id, type, response: sent });
    form.submit();
  };
  const say = (name) => {
    for (const one of form.querySelectorAll("[role=alert]")) one.hidden = true;
    const said = name && form.querySelector(`[${name}]`);
    if (said) said.hidden = false;
  };
  let waiting = null;  // what is asked now: one thing at a time
  const begin = () => {
    waiting?.abort();
    waiting = new AbortController();
    return waiting.signal;
  };
  const ask = async (signal, more) => {
    const answer = await fetch("/signin/passkey/options", { method: "POST", signal });
    if (!answer.ok) throw new Error(answer.status);
    return navigator.credentials.get({ publicKey: read(await answer.json()), signal, ...more });
  };
  const make = (signal) => navigator.credentials.create({ publicKey: read(JSON.parse(form.dataset.options)), signal });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(null);
    const signal = begin();
    try {
      send(await (isNew ? make(signal) : ask(signal, {})));
    } catch (error) {
      if (signal.aborted) return;  // pressed again: that press goes on
      say(error.name === "InvalidStateError" ? "data-said-known" : "data-said");
      if (!isNew) offer();
    }
  });
  // Passkeys in the field of the address.
  const offer = async () => {
    const before = waiting;
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.()) || waiting !== before) return;
    const again = setTimeout(offer, RENEWED_AFTER);
    try {
      send(await ask(begin(), { mediation: "conditional" }));
    } catch {
      clearTimeout(again);  // the form has a button too
    }
  };
  if (!isNew) offer();
})();

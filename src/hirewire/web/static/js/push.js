// Web Push: subscribes this browser, and ends the subscription, here or when signing out.
(() => {
  const section = document.querySelector("[data-push]");
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const isKey = (buffer, text) =>
    buffer && new Uint8Array(buffer).join() === bytes(text).join();
  const found = async () => {
    const worker = await navigator.serviceWorker?.getRegistration("/");
    return { worker, subscription: await worker?.pushManager?.getSubscription() };
  };
  const end = async () => {
    const { worker, subscription } = await found();
    for (const one of (await worker?.getNotifications()) ?? []) one.close();
    await subscription?.unsubscribe();
  };
  // Ends what was set up for this person before the form is sent, if that takes no longer than a moment.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[action='/signout'], form[data-push-off]") || form.dataset.ended) return;
    if (!navigator.serviceWorker) return;
    event.preventDefault();
    form.dataset.ended = "yes";
    const soon = new Promise((done) => setTimeout(done, 1000));
    await Promise.race([end().catch(() => {}), soon]);
    form.submit();
  });
  if (!section) return;

  const say = (name) => {
    for (const one of section.querySelectorAll("[data-push-said]")) one.hidden = one.dataset.pushSaid !== name;
  };
  const form = section.querySelector("form[data-push-on]");
  const isHere = "pushHere" in section.dataset;
  const isApple = /iPhone|iPad/.test(navigator.userAgent)
    || (navigator.userAgent.includes("Macintosh") && navigator.maxTouchPoints > 1);
  const state = async () => {
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
      return isApple && !navigator.standalone ? "install" : "unsupported";
    }
    if (Notification.permission === "denied") return "denied";
    const { subscription } = await found();
    const isOn = subscription && Notification.permission === "granted" && isHere;
    return isOn && isKey(subscription.options?.applicationServerKey, form.dataset.key) ? "on" : "off";
  };
  const look = async () => {
    const now = await state();
    say(now);
    form.hidden = now !== "off";
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      if ((await Notification.requestPermission()) !== "granted") return await look();
      await navigator.serviceWorker.register("/sw.js");
      const worker = await navigator.serviceWorker.ready;
      const options = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) };
      let subscription = await worker.pushManager.getSubscription();
      if (subscription && !isKey(subscription.options?.applicationServerKey, form.dataset.key)) {
        await subscription.unsubscribe();  // it belongs to a key of before
        subscription = null;
      }
      subscription ??= await worker.pushManager.subscribe(options);
      const sent = { ...subscription.toJSON(), publicKey: form.dataset.key };
      form.elements.subscription.value = JSON.stringify(sent);
      form.submit();
    } catch {
      say("failed");
    }
  });
  look();
})();

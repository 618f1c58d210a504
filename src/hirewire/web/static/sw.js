// The service worker: shows what is pushed, and opens what a notification is about. It keeps no
// pages and answers no requests, so that nobody ever sees what another person of this device saw.
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ICON = "/static/icons/icon-192.png", BADGE = "/static/icons/badge-96.png";

const read = (data) => {
  try {
    const content = data.json();
    return typeof content === "object" && content ? content : {};
  } catch {
    return {};  // something must be shown all the same: browsers demand it
  }
};
const show = async (content) => {
  const id = ID.test(content.id) ? content.id : null;
  const tag = id ?? "hirewire";  // a push that comes twice replaces the first
  const [shown] = await self.registration.getNotifications({ tag });
  const count = Number.isInteger(content.count) ? content.count : 1;
  const text = (value) => (typeof value === "string" ? value : "");
  return self.registration.showNotification(text(content.title) || "Hirewire", {
    body: text(content.body),
    lang: text(content.lang),
    tag,
    renotify: count > (shown?.data?.count ?? count),  // silently, unless there is more
    timestamp: Number.isFinite(content.at) ? content.at : Date.now(),
    icon: ICON,
    badge: BADGE,
    data: { id, count },
  });
};
const subscribeAgain = async (event) => {
  const options = event.oldSubscription?.options;
  const next = event.newSubscription ?? (options && (await self.registration.pushManager.subscribe(options)));
  if (!next) return;
  const key = btoa(String.fromCharCode(...new Uint8Array(next.options.applicationServerKey)));
  const subscription = JSON.stringify({ ...next.toJSON(), publicKey: key.replaceAll("+", "-").replaceAll("/", "_") });
  await fetch("/account/push", { method: "POST", body: new URLSearchParams({ subscription }) });
};

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const id = event.notification.data?.id;
  event.waitUntil(self.clients.openWindow(id ? `/notices/${id}` : "/notices"));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(subscribeAgain(event)));

// A toast confirms an action. It disappears after some seconds, but not while hovered or focused.
(() => {
  const SECONDS = 7;
  const watch = (toast) => {
    let timer = null;
    const close = () => toast.remove();
    const start = () => { timer = setTimeout(close, SECONDS * 1000); };
    const stop = () => clearTimeout(timer);
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stop);
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
    toast.querySelector("[data-close]")?.addEventListener("click", close);
    start();
  };
  for (const toast of document.querySelectorAll("#toasts > .toast")) watch(toast);
  // The confirmation is removed from the address, so that a reload does not show it again.
  const here = new URL(location.href);
  if (here.searchParams.has("done")) {
    here.searchParams.delete("done");
    here.searchParams.delete("undo");
    history.replaceState(history.state, "", here);
  }
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node instanceof HTMLElement && node.matches(".toast")) watch(node);
      }
    }
  }).observe(document.getElementById("toasts"), { childList: true });
})();

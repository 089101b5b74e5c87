// Streamlit puts the page of a run into the address when the run begins, and a change when the browser hears of it.
// If the reader has gone Back, Forward or along a link meanwhile, either would lead them away again: where they went
// stays in the address until they press something. What Streamlit took for the address is put right by another run,
// after the first message only: a run may change the address that it is given.
if (!window.keepsHistory) {
  window.keepsHistory = true;
  const AGAIN = "again";
  let led = null;
  let isNew = false;
  addEventListener("popstate", ({ state }) => {
    led = location.pathname + location.search;
    isNew = state !== AGAIN;
  });
  for (const press of ["pointerdown", "keydown", "click"]) addEventListener(press, () => { led = null; }, true);
  const leadsAway = (url) => {
    if (!url || led === null) return false;
    const { pathname, search } = new URL(url, location);
    const before = new URL(led, location);
    if (pathname !== before.pathname) return true;
    if (search === before.search || !isNew) return false;
    isNew = false;
    setTimeout(() => dispatchEvent(new PopStateEvent("popstate", { state: AGAIN })));
    return true;
  };
  for (const name of ["pushState", "replaceState"]) {
    const change = history[name];
    history[name] = function (state, title, url) {
      if (!leadsAway(url)) change.call(history, state, title, url);
    };
  }
}

// Streamlit puts the page of a run into the address when the run begins. If Back was pressed again meanwhile, that would
// lead the reader forth again: where Back or Forward led stays in the address until the reader presses something.
if (!window.keepsHistory) {
  window.keepsHistory = true;
  let led = null;
  addEventListener("popstate", () => { led = location.pathname; });
  for (const press of ["pointerdown", "keydown", "click"]) addEventListener(press, () => { led = null; }, true);
  const push = history.pushState;
  history.pushState = function (state, title, url) {
    if (!url || led === null || new URL(url, location).pathname === led) push.call(history, state, title, url);
  };
}

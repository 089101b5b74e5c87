// Streamlit reruns a page for an address that Back or Forward leads to: a link does the same, so that one press of
// Back undoes it. With a key held down it is the browser's.
const follow = (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({}, "", event.currentTarget.href);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
};


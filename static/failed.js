// Tells the page when a file could not be made, so that it can say why (ui/components/downloads.py).
export default function ({ parentElement, setTriggerValue }) {
  const row = parentElement.closest("[class*=st-key-files-]");
  if (!row) return;
  let seen = 0;
  const look = () => {
    const failed = row.querySelectorAll("[data-testid=stDownloadButtonError]").length;
    if (failed > seen) setTriggerValue("failed", failed);
    seen = failed;
  };
  const watching = new MutationObserver(look);
  watching.observe(row, { childList: true, subtree: true });
  look();
  return () => watching.disconnect();
}

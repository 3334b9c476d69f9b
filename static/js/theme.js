// Runs before the first paint: the reader's own choice of light or dark beats the page's.
(function () {
  const root = document.documentElement;
  let theme = new URLSearchParams(location.search).get("theme");
  if (theme !== "light" && theme !== "dark") {
    try {
      theme = localStorage.getItem("streamd.theme");
    } catch {
      theme = null; // storage refused: the page's own default stands
    }
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
})();

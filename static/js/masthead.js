// The header's switch between light and dark.
const button = document.querySelector("[data-theme-switch]");

if (button) {
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const chosen = root.dataset.theme;
    const isDark =
      chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    try {
      localStorage.setItem("streamd.theme", root.dataset.theme);
    } catch {
      // storage refused: the choice lasts as long as the page
    }
  });
}

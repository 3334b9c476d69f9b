// The moments on a page in the reader's own time zone; the server could only say them in UTC.

import { momentOfYear } from "./words.js";

for (const element of document.querySelectorAll("[data-moment]")) {
  element.textContent = momentOfYear(Number(element.dataset.moment));
}

/** The results as files: pictures made here, tables made by the server. */

import { html, nothing } from "../../vendor/lit.js";
import { page, t } from "../page.js";
import { picture, save, toPng } from "./picture.js";

async function drawn(state, kind, redraw) {
  const { poll } = state;
  try {
    const svg = await picture(poll);
    const blob = kind === "png" ? await toPng(svg) : new Blob([svg], { type: "image/svg+xml" });
    save(blob, `poll-${poll.id}.${kind}`);
    state.told = t("The picture is saved.");
  } catch {
    state.told = t("The picture could not be made. Try the other format.");
  }
  redraw();
}

/** With the organiser's key, which no link can carry, the page asks for the file itself. */
async function table(event, state, kind, redraw) {
  if (!state.key) return;
  event.preventDefault();
  const answer = await fetch(address(state.poll, kind), {
    headers: { Authorization: `Bearer ${state.key}` },
  }).catch(() => null);
  if (answer?.ok) save(await answer.blob(), `poll-${state.poll.id}.${kind}`);
  else state.told = t("The file could not be loaded. Check that you are online, then try again.");
  redraw();
}

const address = (poll, kind) => `/api/v1/polls/${poll.id}/results.${kind}?lang=${page.lang}`;

export function downloads(state, redraw) {
  const { poll } = state;
  const isDrawn = poll.kind !== "qa";
  return html`<section class="card facts">
    <h2>${t("Download")}</h2>
    <div class="row">
      ${isDrawn
        ? ["png", "svg"].map(
            (kind) => html`<button class="button small" type="button" aria-label=${t("%(format)s, a picture", { format: kind.toUpperCase() })} @click=${() => drawn(state, kind, redraw)}>
              ${kind.toUpperCase()}
            </button>`,
          )
        : nothing}
      ${["csv", "json"].map(
        (kind) => html`<a
          class="button small"
          href=${address(poll, kind)}
          download
          aria-label=${t("%(format)s, the numbers", { format: kind.toUpperCase() })}
          @click=${(event) => table(event, state, kind, redraw)}
          >${kind.toUpperCase()}</a
        >`,
      )}
    </div>
    <p class="muted tiny">${t("Each file says who asked, when, how many, and that this is an opinion poll.")}</p>
    <p class="small" role="status">${state.told}</p>
  </section>`;
}

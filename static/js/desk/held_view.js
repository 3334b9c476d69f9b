/** What waits to be judged, beside the poll in hand. */

import { html, nothing, repeat } from "../../vendor/lit.js";
import { number, t, tn } from "../page.js";
import { icons } from "../studio/icons.js";
import { pollRefusal } from "../studio/view/refusal.js";

const kbd = (letter) => html`<kbd aria-hidden="true">${letter}</kbd>`;

export function heldList(desk) {
  const { held } = desk;
  return html`<section class="producer-held" aria-label=${t("Held for approval")}>
    <h2 class="heading">${t("Held for approval")} <span class="muted number">${number(Math.max(held.total, held.list.length))}</span></h2>
    ${held.error ? html`<p class="notice fault" role="alert">${icons.warn}<span>${pollRefusal(held.error)}</span></p>` : nothing}
    ${held.regret
      ? html`<p class="notice"><span>${t("Rejected.")}</span>
          <button class="button small push" type="button" aria-keyshortcuts="Z" @click=${() => held.restore()}>${t("Take back")} ${kbd("Z")}</button></p>`
      : nothing}
    ${held.list.length
      ? html`<ol role="list">${repeat(held.list, (one) => one.id, (one) => item(desk, one))}</ol>`
      : html`<p class="muted small">${t("Nothing waits. New ones appear here by themselves.")}</p>`}
    ${held.isQa && held.shown.length ? onScreens(desk) : nothing}
  </section>`;
}

function item(desk, one) {
  const isCurrent = desk.held.current?.id === one.id;
  return html`<li class="held-item ${isCurrent ? "current" : ""}" aria-current=${isCurrent ? "true" : nothing}>
    <p dir="auto">${one.text}</p>
    <p class="row">
      <button
        class="button small ${isCurrent ? "primary" : ""}"
        type="button"
        aria-label=${t("Approve “%(text)s”", { text: one.text })}
        @click=${() => desk.held.approve(one)}
      >${icons.check}${t("Approve")} ${isCurrent ? kbd("A") : nothing}</button>
      <button
        class="button small"
        type="button"
        aria-label=${t("Reject “%(text)s”", { text: one.text })}
        @click=${() => desk.held.reject(one) && desk.tell(desk.sayRejected())}
      >${icons.remove}${t("Reject")} ${isCurrent ? kbd("R") : nothing}</button>
    </p>
  </li>`;
}

function onScreens(desk) {
  const { held } = desk;
  return html`<h2 class="heading">${t("On the screens")}</h2>
    <ol role="list">
      ${repeat(
        held.shown,
        (one) => one.id,
        (one) => html`<li class="held-item">
          <p dir="auto">${one.text}</p>
          <p class="row">
            <span class="muted small number">${tn("%(count)s vote", "%(count)s votes", one.upvotes)}</span>
            ${one.state === "answered"
              ? html`<span class="tag push">${icons.check}${t("Answered")}</span>`
              : html`<button class="button small push" type="button" aria-label=${t("“%(text)s” is answered", { text: one.text })} @click=${() => held.move(one, "answer")}>${t("Answered")}</button>`}
            <button class="button small quiet" type="button" aria-label=${t("Hide “%(text)s”", { text: one.text })} @click=${() => held.move(one, "hide")}>${t("Hide")}</button>
          </p>
        </li>`,
      )}
    </ol>`;
}

// After the vote: that it is counted, its receipt, where that can be checked; and, where the last
// answer counts, the way to change it.

import { html, nothing } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { number, t } from "../page.js";
import { keepsBeyondPage } from "./keeping.js";

export function outcome(element) {
  const { ballot, view, poll } = element;
  if (view === "results" && !ballot?.error) {
    return html`<div class="poll-actions">
      <button class="button" type="button" @click=${() => element.peek(false)}>${t("Back to the answers")}</button>
    </div>`;
  }
  if (ballot?.state !== "counted") return nothing;
  return html`<div class="counted" tabindex="-1" role="group" aria-label=${t("Your answer is counted.")}>
      <span class="counted-word">${icons.check}${t("Counted")}</span>
      <button
        class="button quiet small push"
        type="button"
        aria-expanded=${String(element.showsReceipt)}
        aria-controls="receipt-${poll.id}"
        @click=${() => element.toggleReceipt()}
      >
        ${icons.receipt}${t("Receipt")}
      </button>
      <p class="proof-line">${logged(element)}</p>
      ${keepsBeyondPage() ? nothing : html`<p class="proof-line">${t("Your browser keeps nothing on this page: take the receipt with you before you close it.")}</p>`}
      <div id="receipt-${poll.id}" class="receipt" ?hidden=${!element.showsReceipt}>${receipt(element)}</div>
    </div>
    ${view === "counted" && poll.rules?.revote === "last" ? change(element) : nothing}`;
}

const change = (element) => html`<div class="change">
  <button class="button" type="button" @click=${() => element.changeAnswer()}>${t("Change my answer")}</button>
  <p class="tiny muted">${t("Until the close. The link between you and your ballot is kept until then, and deleted after.")}</p>
</div>`;

function logged({ ballot }) {
  if (ballot.proof) return html`${icons.check}${t("In the public log.")}`;
  return t("On its way into the public log.");
}

function receipt(element) {
  const { receipt: kept, proof } = element.ballot;
  const rows = [
    [t("Poll"), kept.poll],
    [t("Ballot"), kept.ballot_id],
    [t("Position"), `${kept.shard}:${kept.seq}`],
    ...(kept.log ? [[t("Log"), kept.log]] : []),
    ...(kept.sig ? [[t("Signature"), kept.sig]] : []),
  ];
  return html`<dl>
      ${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`)}
      ${proof ? html`<div><dt>${t("Place in the log")}</dt><dd class="plain">${t("%(place)s of %(all)s", { place: number(proof.index + 1), all: number(proof.size) })}</dd></div>` : nothing}
    </dl>
    <p class="tiny muted">${meaning(element.poll)}</p>
    <div class="receipt-actions">
      ${kept.sig
        ? html`<a class="button small" target="_blank" rel="noopener" href=${`/verify#receipt=${encodeURIComponent(JSON.stringify(kept))}`}>
            ${icons.shield}${t("Check it")}
          </a>`
        : nothing}
      <button class="button small" type="button" @click=${() => download(kept)}>${icons.download}${t("Download")}</button>
      <button class="button small" type="button" @click=${() => element.copyReceipt()}>
        ${element.copied === "yes" ? icons.check : icons.copy}${copyWord(element.copied)}
      </button>
    </div>`;
}

const meaning = ({ rules }) =>
  rules?.log === "recount"
    ? t("It shows that this ballot stands in the poll's ledger. After the close answers are opened by their ballot: whoever has this receipt can then find yours.")
    : t("It shows that this ballot stands in the poll's ledger. It holds neither your name nor your answer.");

function download(kept) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(kept)], { type: "application/json" }));
  link.download = `receipt-${kept.poll}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function copyWord(copied) {
  if (copied === "yes") return t("Copied");
  return copied === "refused" ? t("Select the text and copy it yourself") : t("Copy");
}

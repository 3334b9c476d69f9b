// The page that checks a receipt, in the reader's own browser. Everything is computed here; the
// server gives only what it gives to anybody.

import { html, nothing, render } from "../../vendor/lit.js";
import * as icons from "../icons.js";
import { t } from "../page.js";
import * as checks from "./checks.js";
import { openCheckpoint, unable } from "./notes.js";
import { parseReceipt } from "./receipt.js";

const form = document.querySelector("[data-verify]");
const outlet = document.querySelector("[data-findings]");
const fields = Object.fromEntries(["receipt", "key", "earlier", "later"].map((name) => [name, form.elements.namedItem(name)]));
const answers = new checks.Answers();

const state = { phase: "idle", findings: [], notes: [], trouble: "", mode: "", checkpoint: "", statement: null, superseded: false };
let run = 0;

function draw() {
  outlet.setAttribute("aria-busy", String(state.phase === "checking"));
  render(view(), outlet);
}

function view() {
  if (state.phase === "idle") return nothing;
  const wrong = state.findings.some((finding) => !finding.ok);
  const done = state.phase === "done";
  return html`
    ${done && !state.trouble ? verdict(wrong) : nothing}
    <ul class="findings" role="list">${state.findings.map(row)}</ul>
    ${state.phase === "checking" ? html`<p class="finding-wait skeleton">${t("Checking…")}</p>` : nothing}
    ${state.trouble ? html`<p class="notice warn">${icons.alert}<span>${state.trouble}</span></p>` : nothing}
    ${state.notes.map((note) => html`<p class="notice">${icons.alert}<span>${note}</span></p>`)}
    ${done && !wrong && !state.trouble ? meaning() : nothing}
    ${done ? further() : nothing}
  `;
}

const verdict = (wrong) =>
  wrong
    ? html`<p class="verdict wrong">${icons.alert}<span>${t("Not everything holds. Keep the receipt, and show it to those who watch this election.")}</span></p>`
    : html`<p class="verdict">${icons.check}<span>${state.superseded ? t("Everything holds; this ballot was replaced and not counted") : t("Everything holds")}</span></p>`;

const row = (finding) => html`<li class=${finding.ok ? "finding" : "finding wrong"}>
  ${finding.ok ? icons.check : icons.alert}
  <span><span class="visually-hidden">${finding.ok ? t("Holds:") : t("Does not hold:")} </span>${finding.text}</span>
</li>`;

function meaning() {
  if (!state.mode) return nothing;
  return html`<section class="meaning stack" aria-labelledby="meaning">
    <h2 id="meaning">${t("What this means")}</h2>
    <p>${
      state.mode === "recount"
        ? t("Your ballot is recorded, once, together with a sealed copy of your answer. After the close all answers that count are opened and anyone can recount. Whoever has your receipt can then find your answer.")
        : t("Your ballot is recorded, once. Neither the log nor your receipt shows your choice.")
    }</p>
    <p class="muted">${t("It does not show that every other ballot is a person's, nor that everybody is shown this same log. Compare checkpoints with other people, and keep one to check later. Where the last vote counts, which ballots were superseded is the server's word: it could name one falsely. The voter who holds that ballot's receipt sees it named and can complain; that there was no later ballot the log cannot show. Keep the receipt to yourself: whoever runs the poll could look its ballot up.")}</p>
  </section>`;
}

function further() {
  const opened = state.statement?.mode === "recount" && !state.recounted;
  if (!state.checkpoint && !opened) return nothing;
  return html`<div class="row">
    ${state.checkpoint ? html`<button class="button small" type="button" @click=${keep}>${t("Keep this checkpoint")}</button>` : nothing}
    ${opened ? html`<button class="button small" type="button" @click=${countAgain}>${t("Count all answers again")}</button>` : nothing}
  </div>`;
}

function keep() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([state.checkpoint], { type: "text/plain" }));
  link.download = "checkpoint.txt";
  link.click();
  URL.revokeObjectURL(link.href);
}

async function countAgain() {
  state.recounted = true;
  await following(async () => add(await checks.checkRecount(state.statement, answers)));
}

function add(finding) {
  if (finding) state.findings = [...state.findings, finding];
  draw();
}

/** Runs `work` as the newest check: what an older one still finds is no longer shown. */
async function following(work) {
  run += 1;
  const mine = run;
  state.phase = "checking";
  draw();
  try {
    await work(() => mine === run);
  } catch (error) {
    if (mine !== run) return;
    state.trouble =
      error instanceof checks.Unanswered
        ? error.message
        : t("The server's answer could not be read. Try again, or use the command streamd verify.");
  }
  if (mine !== run) return;
  state.phase = "done";
  draw();
}

async function check() {
  Object.assign(state, { findings: [], notes: [], trouble: "", mode: "", checkpoint: "", statement: null, recounted: false, superseded: false });
  await following(async (isNewest) => {
    const why = await unable();
    if (why) throw new checks.Unanswered(unableSentence(why));
    const text = fields.receipt.value.trim();
    const receipt = text ? parseReceipt(text) : null;
    fields.receipt.setAttribute("aria-invalid", String(Boolean(text) && !receipt));
    if (text && !receipt) {
      throw new checks.Unanswered(t("That is not a whole receipt. Copy it again, from the first bracket to the last."));
    }
    const [earlier, later] = [fields.earlier.value, fields.later.value].map(asNote);
    if (!receipt && !earlier) throw new checks.Unanswered(t("Paste a receipt first, or a checkpoint to compare."));
    const pinned = fields.key.value.trim();
    const key = await checks.keyFor(pinned, answers);
    if (!isNewest()) return;
    if (!pinned) {
      state.notes = [t("The public key was taken from this server itself. Get it from somewhere else and paste it under “Check more strictly”, so that a lying server cannot choose it.")];
    }
    if (receipt) await checkBallot(receipt, key, isNewest);
    if (earlier && isNewest()) await checkGrowth(earlier, later, key, receipt?.poll, isNewest);
  });
}

async function checkBallot(receipt, key, isNewest) {
  const base = `/polls/${encodeURIComponent(receipt.poll)}`;
  add(await checks.checkReceipt(receipt, key));
  const proof = await answers.json(`${base}/proof/${encodeURIComponent(receipt.ballot_id)}`);
  const { finding, checkpoint } = await checks.checkInclusion(receipt, proof, key);
  if (!isNewest()) return;
  state.mode = proof.commitment ? "recount" : "presence";
  add(finding);
  add(await checks.checkCommitment(receipt, proof));
  if (!checkpoint) return;
  state.checkpoint = checkpoint.note;
  const note = await answers.textOrNull(`${base}/close-statement`);
  if (!isNewest()) return;
  if (!note) {
    state.notes = [...state.notes, t("The poll is not over: its signed close statement is still to come. Where the last vote counts, only that says whether this ballot or a later one of yours counts.")];
    return;
  }
  const newest = await openCheckpoint(await answers.text(`${base}/checkpoint`), key);
  const closed = await checks.checkStatement(note, key, newest);
  state.statement = closed.statement;
  add(closed.finding);
  if (closed.finding.ok) {
    const told = await checks.checkSuperseded(closed.statement, proof, answers);
    if (!isNewest()) return;
    state.superseded = Boolean(told?.superseded);
    add(told);
  }
  if (newest.size !== checkpoint.size) {
    add(await checks.checkGrowth(checkpoint.note, newest.note, key, receipt.poll, answers));
  }
}

async function checkGrowth(earlier, later, key, poll, isNewest) {
  let newer = later || state.checkpoint;
  if (!newer) {
    const name = poll ?? earlier.split("\n")[0].split("/").pop();
    newer = await answers.text(`/polls/${encodeURIComponent(name)}/checkpoint`);
  }
  const finding = await checks.checkGrowth(earlier, newer, key, poll, answers);
  if (isNewest()) add(finding);
}

/** A pasted note with the newline that ends it, which selecting text easily loses. */
function asNote(text) {
  const whole = text.replaceAll("\r\n", "\n").trim();
  return whole && `${whole}\n`;
}

const unableSentence = (why) =>
  why === "insecure"
    ? t("Browsers check signatures only on HTTPS or localhost. Open this page by its https address, or use the command streamd verify.")
    : t("This browser cannot check Ed25519 signatures. Chrome 137, Firefox 129, Safari 17 or newer can, and so can the command streamd verify.");

async function take(file) {
  if (!file || file.size > 65_536) return;
  fields.receipt.value = await file.text();
  await check();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
form.querySelector("[data-open]").addEventListener("change", (event) => take(event.target.files[0]));
const zone = form.querySelector("[data-drop]");
for (const kind of ["dragenter", "dragover"]) {
  zone.addEventListener(kind, (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  take(file);
});
fields.receipt.addEventListener("paste", () => queueMicrotask(() => parseReceipt(fields.receipt.value) && check()));

// A link from the poll's own page carries the receipt in the fragment, which no server sees.
const given = new URLSearchParams(location.hash.slice(1)).get("receipt");
if (given) {
  fields.receipt.value = given;
  check();
}
form.dataset.ready = "";

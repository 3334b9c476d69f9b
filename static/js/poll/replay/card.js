// <streamd-replay>: a poll of a recording at its picture, as everybody saw it, and beside it the
// answers that are given later. Drawn in the light DOM with poll.css.
//
// Tests read `.poll` (the row as it stood, or null), `.tally` and `.isAnswering`.

import { LitElement, html, nothing } from "../../../vendor/lit.js";
import { t } from "../../page.js";
import { Announcer } from "../announcer.js";
import { isAnswered } from "../ballot.js";
import { isSurvey } from "../questions.js";
import { spokenResults } from "../sentences.js";
import { terms } from "../terms.js";
import { clock, heading, notice } from "../views.js";
import { answering, late } from "./late_view.js";
import { asOf } from "./replay.js";
import { stood } from "./stood.js";

export class StreamdReplay extends LitElement {
  static properties = { feed: { attribute: false } };

  constructor() {
    super();
    /** Makes or gives the feed that late answers go by, once one is given. */
    this.feed = null;
    this.entry = null;
    this.view = "results";
    this.announcer = new Announcer((text) => {
      this.spoken = text;
      this.requestUpdate();
    });
    this.#clear();
  }

  createRenderRoot() {
    return this;
  }

  /** Whether this poll was open when the picture was live. */
  get isOpen() {
    return this.poll?.state === "open";
  }

  /** The id of the poll that a viewer is answering late, or null: it stays while they do. */
  get held() {
    return this.isAnswering ? this.entry.poll.id : null;
  }

  /** Whether the poll takes live answers still: its broadcast goes on. */
  get isStillOpen() {
    return this.entry?.poll.state === "open";
  }

  /** The poll that takes an answer now: that of late answers, or the one that is still open. */
  get taking() {
    return this.entry?.late?.poll ?? (this.isStillOpen ? this.entry.poll.id : null);
  }

  get hasAnswered() {
    return this.taking !== null && isAnswered(this.taking);
  }

  /**
   * Shows `entry` as it stood at the picture of `time`; nothing where the picture is before it.
   * @param {import("./replay.js").Replayed|null} entry
   */
  show(entry, time) {
    const found = entry && asOf(entry, time);
    const isOther = found?.poll.id !== this.poll?.id;
    const isNews = isOther || entry !== this.entry;
    if (isOther) this.#clear();
    this.entry = found ? entry : null;
    const phase = found ? `${found.poll.state} ${found.tally.total} ${found.point} ${Math.ceil(found.left)}` : "";
    if (!isNews && phase === this.phase) return;
    this.phase = phase;
    this.poll = found?.poll ?? null;
    this.tally = found?.tally ?? null;
    this.left = found?.left ?? Infinity;
    this.#say(isOther);
    this.requestUpdate();
  }

  render() {
    if (!this.poll) return nothing;
    return html`${this.isAnswering ? answering(this) : this.#replayed()}
      <p class="visually-hidden" role="status" aria-live="polite">${this.spoken}</p>`;
  }

  // Where the card scrolls, the keyboard must reach it even if nothing in it takes focus.
  updated() {
    if (this.scrollHeight > this.clientHeight + 1) this.tabIndex = 0;
    else this.removeAttribute("tabindex");
  }

  /** Asks for the poll that takes an answer now; its card takes the replay's place. */
  async answer() {
    this.lateFault = false;
    try {
      const answer = await fetch(`/api/v1/polls/${encodeURIComponent(this.taking)}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const row = await answer.json();
      if (row.id !== this.taking) return; // the picture is elsewhere by now
      // Whoever is behind the broadcast has until the server's own bound.
      this.latePoll = { ...row, closes_at: row.ballots_until ?? row.closes_at };
      this.lateFeed ??= this.feed();
      this.isAnswering = true;
    } catch {
      this.lateFault = true;
    }
    this.requestUpdate();
    await this.updateComplete;
    const card = this.querySelector("streamd-poll");
    await card?.updateComplete;
    (card?.querySelector("form :is(input, textarea, button), .counted") ?? this.querySelector(".late button"))?.focus();
  }

  /** Back to how it was live. */
  async leave() {
    const { tally } = this.querySelector("streamd-poll") ?? {};
    if (tally && this.latePoll.late_of) this.lateTally = tally;
    this.isAnswering = false;
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector(".late button")?.focus();
  }

  #clear() {
    this.poll = null;
    this.tally = null;
    this.left = Infinity;
    this.phase = "";
    this.spoken = "";
    this.isAnswering = false;
    this.latePoll = null;
    this.lateTally = null;
    this.lateFault = false;
    this.announcer.lastResults = -Infinity;
  }

  #replayed() {
    return html`${clock(this)}
      <div class="poll-body" data-view="replay" data-kind=${this.poll.kind ?? "single"}>
        ${heading(this)} ${stood(this)} ${late(this)} ${terms(this.poll)} ${notice(this)}
      </div>`;
  }

  // A question is named as it comes; its numbers are told as those of a live poll are.
  #say(isOther) {
    if (!this.poll || this.isAnswering) return;
    if (isOther) {
      const question = isSurvey(this.poll) ? t("Survey") : this.poll.question;
      this.announcer.say(t("Poll: %(question)s", { question }));
      this.announcer.lastResults = Date.now();
    } else if (this.tally.total) {
      this.announcer.results(Date.now(), () => spokenResults(this.poll, this.tally));
    }
  }
}

customElements.define("streamd-replay", StreamdReplay);

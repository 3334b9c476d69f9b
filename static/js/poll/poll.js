// <streamd-poll>: one poll from the question to the receipt. Drawn in the light DOM with poll.css.
//
// Tests read `.view` ("empty", "loading", "admission", "ask", "pending", "counted", "results", "closed",
// "qa"). What belongs to one voter in one poll is in voter.js.

import { LitElement } from "../../vendor/lit.js";
import { serverNow, t } from "../page.js";
import { Announcer } from "./announcer.js";
import { isAnswered } from "./ballot.js";
import { Regions } from "./regions.js";
import { spokenResults, timeLeft } from "./sentences.js";
import * as views from "./views.js";
import { Voter } from "./voter.js";

const TALLY_MS = 250;
const TICK_MS = 500;
const LINE_DOWN_MS = 2000;

export class StreamdPoll extends LitElement {
  static properties = {
    poll: { attribute: false },
    feed: { attribute: false },
    isWaiting: { attribute: false },
    polls: { attribute: false },
  };

  constructor() {
    super();
    this.poll = null;
    this.feed = null;
    this.isWaiting = true;
    this.polls = [];
    this.reset();
  }

  createRenderRoot() {
    return this;
  }

  reset() {
    this.tally = null;
    this.newest = null;
    this.regions = null;
    this.upvotes = new Map();
    this.wantsResults = false;
    this.showsReceipt = false;
    this.copied = "no";
    this.spoken = "";
    this.announcer = new Announcer((text) => {
      this.spoken = text;
      this.requestUpdate();
    });
  }

  get left() {
    return this.poll?.closes_at ? Math.max(0, this.poll.closes_at - serverNow()) : Infinity;
  }

  get isOpen() {
    return Boolean(this.poll) && isOpen(this.poll);
  }

  get ballot() {
    return this.voter?.ballot ?? null;
  }

  get answering() {
    return this.voter?.answering;
  }

  get admission() {
    return this.voter?.admission;
  }

  get asked() {
    return this.voter?.asked;
  }

  /** Whether the voter is changing an answer that counts. */
  get changes() {
    return Boolean(this.voter?.changes);
  }

  get view() {
    if (!this.poll) return this.isWaiting ? "loading" : "empty";
    if (this.poll.kind === "qa") return "qa";
    const state = this.ballot ? this.ballot.state : "none";
    if (state === "pending") return "pending";
    if (!this.isOpen) return "closed";
    if (state === "counted" && !this.changes) return "counted";
    if (this.wantsResults || this.#isSettled()) return "results";
    return this.admission && (!this.admission.isOpen || this.admission.isAsked) ? "admission" : "ask";
  }

  /** Another open poll that is not answered, once this one is settled; else undefined. */
  get next() {
    if (!this.poll || (this.ballot?.state !== "counted" && !this.#isSettled())) return undefined;
    return this.polls.find((one) => one.id !== this.poll.id && isOpen(one) && !isAnswered(one.id));
  }

  connectedCallback() {
    super.connectedCallback();
    this.ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.ticking);
    clearTimeout(this.tallyTimer);
    clearTimeout(this.lineTimer);
    this.stopWatching?.();
    this.byRegion?.close();
    this.voter?.close();
  }

  willUpdate(changed) {
    if (changed.has("feed") && this.feed) {
      this.stopWatching?.();
      this.stopWatching = this.feed.watch((isUp) => this.#line(isUp));
    }
    if (!changed.has("poll")) return;
    const before = changed.get("poll");
    if (before?.id === this.poll?.id) {
      this.voter?.update(this.poll);
      this.#moved(before);
      this.byRegion?.follow(this.poll);
      this.#take(this.poll?.tally);
      return;
    }
    this.reset();
    this.#follow(before);
  }

  render() {
    return views.card(this);
  }

  // Where the card scrolls, the keyboard must reach it even if nothing in it takes focus.
  updated() {
    if (this.scrollHeight > this.clientHeight + 1) this.tabIndex = 0;
    else this.removeAttribute("tabindex");
  }

  /** Shows the next open question. */
  async goOn() {
    this.poll = this.next;
    this.#focus("form :is(input, textarea, button)");
  }

  /** The voter is admitted. */
  enterIn() {
    this.announcer.say(t("You may answer now."));
    this.#focus("form :is(input, textarea, button)");
  }

  peek(wants) {
    this.wantsResults = wants;
    this.#focus(wants ? `#question-${this.poll.id}` : "form :is(input, textarea, button)");
  }

  changeAnswer(wants = true) {
    this.voter.change(wants);
    this.#focus(wants ? "form :is(input, textarea, button)" : ".counted");
  }

  startAgain() {
    this.voter.startAgain();
    this.#focus(".poll-head h2");
  }

  async upvote(item) {
    const upvotes = await this.asked.upvote(item);
    if (upvotes !== null) this.upvotes.set(item, upvotes);
    this.requestUpdate();
  }

  toggleReceipt() {
    this.showsReceipt = !this.showsReceipt;
    this.requestUpdate();
  }

  async copyReceipt() {
    try {
      await navigator.clipboard.writeText(JSON.stringify(this.ballot.receipt));
      this.copied = "yes";
    } catch {
      this.copied = "refused"; // no permission, or plain http
    }
    this.requestUpdate();
  }

  /** Shows the tally that the feed pushed, at most four times a second, the newest always. */
  #take(tally) {
    if (!tally || (this.newest && tally.seq < this.newest.seq)) return;
    this.voter?.own?.news(tally.seq);
    // What is told to those who have answered is not taken back by what is told to everybody.
    const { counts } = this.newest ?? {};
    if (!tally.counts && counts && this.ballot?.receipt) tally = { ...tally, counts };
    this.newest = tally;
    if (this.tallyTimer) return;
    this.#show();
    this.tallyTimer = setTimeout(() => {
      this.tallyTimer = null;
      if (this.newest !== this.tally) this.#take(this.newest);
    }, TALLY_MS);
  }

  #show() {
    this.tally = this.newest;
    const isVisible = ["counted", "results", "closed"].includes(this.view) && !this.changes;
    if (isVisible) this.announcer.results(Date.now(), () => spokenResults(this.poll, this.tally));
    this.requestUpdate();
  }

  #follow(before) {
    if (before) this.feed.unsubscribe(`poll:${before.id}`);
    this.voter?.close();
    this.voter = null;
    this.byRegion?.close();
    clearTimeout(this.tallyTimer);
    this.tallyTimer = null;
    if (!this.poll) return;
    this.voter = new Voter(this.poll, this.feed, this.#host());
    this.byRegion = new Regions((regions) => {
      this.regions = regions;
      this.requestUpdate();
    });
    this.byRegion.follow(this.poll);
    this.#take(this.poll.tally);
    this.feed.subscribe(`poll:${this.poll.id}`, (tally) => this.#take(tally));
  }

  #host() {
    return {
      say: (text) => this.announcer.say(text),
      change: () => this.requestUpdate(),
      focus: (selector) => this.#focus(selector),
      begin: () => this.feed.identify().catch(() => {}), // the vote itself tries again and reports
      settled: () => this.updateComplete,
      counted: (isOwn) => this.#counted(isOwn),
      other: () => this.#meetOther(),
      tally: (tally) => this.#take({ ...tally, seq: Math.max(tally.seq, this.tally?.seq ?? 0) }),
    };
  }

  async #focus(selector, options) {
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector(selector)?.focus(options);
  }

  // Whoever cannot see the line is told that it is another one now.
  #moved(before) {
    const moves = (poll) => poll?.deadlines?.length ?? 0;
    if (moves(this.poll) <= moves(before) || !this.isOpen || !Number.isFinite(this.left)) return;
    this.announcer.say(t("The time was changed: %(left)s.", { left: timeLeft(this.left) }));
  }

  // What the one before had opened, or was told for having answered, is not for the next.
  #meetOther() {
    this.wantsResults = this.showsReceipt = false;
    this.copied = "no";
    if (this.poll.rules?.results !== "after_vote" || !this.newest) return;
    this.newest = { ...this.newest, counts: null };
    this.#show();
  }

  // The form that had the keyboard is gone: what came of it has it now. The result stands above that,
  // and is what a voter wants to see: the card is shown from its top.
  async #counted(isOwn) {
    this.announcer.say(t("Your answer is counted."));
    await this.updateComplete;
    const held = document.activeElement;
    if (!isOwn || (held !== document.body && !this.contains(held))) return;
    await this.#focus(".counted", { preventScroll: true });
    this.querySelector(".poll-head h2")?.scrollIntoView({ block: "nearest" });
  }

  #line(isUp) {
    clearTimeout(this.lineTimer);
    const say = (isDown) => {
      this.isLineDown = isDown;
      this.requestUpdate();
    };
    if (isUp) say(false);
    else this.lineTimer = setTimeout(() => say(true), LINE_DOWN_MS);
  }

  // Some refusals leave nothing to vote for: the results are what remains.
  #isSettled() {
    return [1003, 1005, 1006].includes(this.ballot?.error?.code);
  }

  #tick() {
    if (this.poll?.state !== "open") return;
    if (this.isOpen && Number.isFinite(this.left)) {
      this.announcer.deadline(this.left, () => t("Poll: %(left)s.", { left: timeLeft(this.left) }));
    }
    this.requestUpdate();
  }
}

/** Which of `polls` to show: the one shown while it is open, else the first open, else the last closed. */
export function toShow(polls, shown) {
  const open = polls.filter(isOpen);
  const ended = (poll) => poll.closed_at ?? poll.closes_at ?? poll.opened_at ?? 0;
  const [last = null] = [...polls].sort((a, b) => ended(b) - ended(a));
  return open.find((poll) => poll.id === shown?.id) ?? open[0] ?? last;
}

// Where a picture closes it, `until` is the last moment that may wait for the picture.
function isOpen({ state, until, closes_at: closes }) {
  return state === "open" && (until ?? closes ?? Infinity) > serverNow();
}

customElements.define("streamd-poll", StreamdPoll);

/** The producer's desk: the polls of one stream, one of them in hand, and what can be done with it. */

import { Feed } from "../feed.js";
import { page, t, timeToTheSecond } from "../page.js";
import { Armed } from "../studio/armed.js";
import { Composer } from "../studio/composer/composer.js";
import { dropKey, keepKey, keyIn, takeKey } from "../studio/key.js";
import { isClosing, minuteLater } from "../studio/poll_clock.js";
import { PollUpdates } from "../studio/poll_updates.js";
import { Polls } from "../studio/polls.js";
import { Access } from "../studio/server_state.js";
import { Told } from "../studio/told.js";
import { Ahead } from "./ahead.js";
import { Held } from "./held.js";

const TOLD_MS = 6_000;
const SHORTCUTS = "streamd.desk.shortcuts";

export class Desk {
  stream = page.stream;
  access = Access.CHECKING;
  /** The id of the poll in hand. */
  chosen = "";
  /** Whether the composer stands in the poll's place. */
  writes = false;
  shortcuts = read(SHORTCUTS) !== "off";

  #key;
  #onchange;
  #feed = null;
  #updates;
  #told;

  constructor(onchange) {
    this.#onchange = onchange;
    this.#told = new Told(TOLD_MS, onchange);
    this.ahead = new Ahead(this.stream.id, onchange);
    this.#key = takeKey(this.stream.id);
    const key = () => this.#key;
    this.polls = new Polls(this.stream.id, key, () => this.#changed());
    this.held = new Held(key, onchange);
    this.composer = new Composer(onchange, key);
    this.#updates = new PollUpdates(this.polls);
    this.arms = {
      open: new Armed(() => this.#warn("open"), () => this.#make("open")),
      close: new Armed(() => this.#warn("close"), () => this.#make("close")),
    };
  }

  /** A sentence: what was just done. */
  get told() {
    return this.#told.sentence;
  }

  /** Drafts and scheduled ones in the order in which they were prepared. */
  get prepared() {
    const waits = (this.polls.list ?? []).filter(({ state }) => state === "draft" || state === "scheduled");
    return waits.sort((a, b) => a.created_at - b.created_at);
  }

  get open() {
    return (this.polls.list ?? []).filter(({ state }) => state === "open");
  }

  get done() {
    return (this.polls.list ?? []).filter(({ state }) => state === "closed");
  }

  get poll() {
    return (this.polls.list ?? []).find((one) => one.id === this.chosen) ?? null;
  }

  /** For the composer: the stream's own page tells whether it is live, here nobody asks. */
  onAir = true;

  async begin() {
    if (!this.#key) {
      this.#allow(Access.NO_KEY);
      return;
    }
    await this.polls.load();
    const status = this.polls.error?.status;
    if (status === 401 || status === 403) {
      dropKey(this.stream.id);
      this.#key = "";
      this.polls.error = null;
      this.#allow(Access.WRONG_KEY);
      return;
    }
    if (!this.#feed) this.ahead.follow((this.#feed = new Feed(page.feed_url)));
    this.#allow(Access.OPEN);
    this.composer.begin();
    this.#changed();
  }

  #allow(access) {
    this.access = access;
    this.#onchange();
  }

  async enter(text) {
    const key = keyIn(text);
    if (!key) return;
    this.#key = key;
    keepKey(this.stream.id, key);
    this.#allow(Access.CHECKING);
    await this.begin();
  }

  #changed() {
    if (!this.poll && this.polls.list) {
      this.chosen = (this.open[0] ?? this.prepared[0] ?? this.done[0])?.id ?? "";
    }
    this.#updates.follow(this.#feed);
    this.held.follow(this.poll);
    this.#onchange();
  }

  /** Now and then: polls that others asked, or that closed by their own time. */
  refresh() {
    if (this.access === Access.OPEN) this.#updates.refresh();
  }

  choose(id) {
    for (const arm of Object.values(this.arms)) arm.disarm();
    this.chosen = id;
    this.writes = false;
    this.#changed();
  }

  /** The list as it stands on the desk. */
  get order() {
    return [...this.open, ...this.prepared, ...this.done];
  }

  step(by) {
    const { order } = this;
    if (!order.length) return;
    const place = order.findIndex((one) => one.id === this.chosen);
    this.choose(order[Math.max(0, Math.min(order.length - 1, place + by))].id);
    this.tell(this.poll.question);
  }

  /** Takes the next prepared poll in hand. */
  next() {
    const { prepared } = this;
    if (!prepared.length) {
      this.tell(t("There is no prepared question left."));
      return;
    }
    const place = prepared.findIndex((one) => one.id === this.chosen);
    this.choose(prepared[(place + 1) % prepared.length].id);
    this.tell(t("Next: %(question)s", { question: this.poll.question }));
  }

  /** Whether the poll in hand can be opened, closed, given more time or shown now. */
  can(verb) {
    const { poll } = this;
    if (!poll || this.writes || this.polls.busy) return false;
    if (verb === "open") return poll.state === "draft" || poll.state === "scheduled";
    if (verb === "close" || verb === "extend") return poll.state === "open" && !isClosing(poll);
    return Boolean(poll.opened_at) && poll.state !== "archived";
  }

  /** Opening and closing can't be undone; showing tells nothing that is secret. */
  press(verb, event) {
    if (!this.can(verb)) return;
    if (verb === "show") this.#make("show");
    else this.arms[verb].press(event);
  }

  /** A minute more for the poll in hand; one without a deadline then closes in a minute. */
  async extend() {
    const { poll } = this;
    if (!this.can("extend")) return;
    if (!(await this.polls.move(poll.id, "deadline", { closes_at: minuteLater(poll) }))) return;
    const time = timeToTheSecond(this.poll.closes_at);
    this.tell(poll.closes_at ? t("One minute more: it closes at %(time)s.", { time }) : t("It closes at %(time)s.", { time }));
  }

  #warn(verb) {
    if (this.arms[verb].armed) {
      const again = {
        open: t("Press again to open. It cannot be changed afterwards. Escape cancels."),
        close: t("Press again to close. Nobody can answer afterwards. Escape cancels."),
      }[verb];
      this.tell(again);
    } else this.#onchange();
  }

  disarm() {
    for (const arm of Object.values(this.arms)) arm.disarm();
    this.tell("");
  }

  async #make(verb) {
    const { poll } = this;
    const worked = await this.polls.move(poll.id, verb, this.ahead.take());
    if (!worked) return;
    this.tell(
      {
        open: t("Open: %(question)s", { question: poll.question }),
        close:
          this.poll?.state === "open"
            ? t("Closing: %(question)s", { question: poll.question })
            : t("Closed: %(question)s", { question: poll.question }),
        show: shown(poll),
      }[verb],
    );
  }

  async withdraw(poll) {
    if (await this.polls.move(poll.id, "archive")) this.tell(t("Put away: %(question)s", { question: poll.question }));
  }

  write(filled = false) {
    if (!filled && this.composer.editing) this.composer.reset();
    this.writes = true;
    this.composer.focus = "question";
    this.#onchange();
  }

  edit(poll) {
    this.composer.edit(poll);
    this.write(true);
  }

  duplicate(poll) {
    this.composer.copy(poll);
    this.write(true);
  }

  cancelWriting() {
    this.writes = false;
    if (this.composer.editing) this.composer.reset();
    this.#onchange();
  }

  /** @returns {Promise<boolean>} whether the poll was asked or kept */
  async ask(now) {
    if (!this.composer.check(true)) return false;
    const { composer } = this;
    const poll = await this.polls.keep(composer.toBody(now), composer.editing);
    if (!poll) return false;
    composer.reset();
    this.choose(poll.id);
    this.tell(poll.state === "open" ? t("Open: %(question)s", { question: poll.question }) : t("Kept."));
    return true;
  }

  sayRejected() {
    return t("Rejected. Z takes it back.");
  }

  sayRestored() {
    return t("Taken back.");
  }

  tell(sentence) {
    this.#told.say(sentence);
  }

  switchShortcuts() {
    this.shortcuts = !this.shortcuts;
    try {
      localStorage.setItem(SHORTCUTS, this.shortcuts ? "on" : "off");
    } catch {
      // It lasts as long as the page.
    }
    this.#onchange();
  }

  leave() {
    this.held.settle();
  }
}

function shown(poll) {
  const hides = poll.state === "open" && poll.questions.some(({ kind }) => kind === "quiz");
  return hides
    ? t("The hall's screen shows “%(question)s”. The right answers come once the poll has closed.", { question: poll.question })
    : t("The hall's screen shows: %(question)s", { question: poll.question });
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

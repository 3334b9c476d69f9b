// As whom this page answers one poll: by device where the rules take that, else by an access code or
// by the messenger around the page. A code that was entered is tried on the next poll too.

import { codeFromAddress, identity, IdentityRefused } from "../identity/identity.js";
import { isForeignFrame, isSilent, origins, tellParent, tokenFromParent, watchMember } from "./platform.js";

const KEY = "streamd.code";
const ALL = ["device", "platform", "code"];
const PERSIAN = "۰۱۲۳۴۵۶۷۸۹";
const ARABIC = "٠١٢٣٤٥٦٧٨٩";

const given = codeFromAddress();
let bound = null;

/** What is typed, as it stands on a sheet: capitals, Latin digits, groups of four. */
export function grouped(typed) {
  const latin = [...typed].map((one) => {
    const digit = Math.max(PERSIAN.indexOf(one), ARABIC.indexOf(one));
    return digit < 0 ? one : String(digit);
  });
  const code = latin.join("").toUpperCase().replace(/[^0-9A-Z]/g, "").slice(0, 12);
  return code.match(/.{1,4}/g)?.join("-") ?? "";
}

export class Admission {
  /**
   * @param poll the row of a poll
   * @param feed
   * @param {() => void} onChange
   */
  constructor(poll, feed, onChange) {
    this.poll = poll;
    this.feed = feed;
    this.onChange = onChange;
    this.isForeign = isForeignFrame();
    this.code = "";
    this.fault = null;
    this.isChecking = false;
    this.isAsked = false;
    /** Whether this browser lets our device cookie into the frame; null until that is known. */
    this.holdsDevice = this.isForeign ? null : true;
    this.isSettling = this.isForeign;
    this.stopWatching = watchMember(() => this.#meetMember());
    this.ready = this.#begin();
  }

  close() {
    this.stopWatching();
  }

  takes(tier) {
    return (this.poll.rules?.who ?? ALL).includes(tier);
  }

  /** Whether this page may answer as it is. */
  get isOpen() {
    const { tier } = identity;
    if (tier === "code") return this.takes("code") && bound === this.poll.id;
    if (tier === "platform") return this.takes("platform");
    return this.takes("device") && this.holdsDevice === true && !this.isSettling;
  }

  /** Whether a device would do, and the browser keeps our cookies out of this frame. */
  get isCookieless() {
    return this.takes("device") && this.holdsDevice === false;
  }

  /** Whether a page of our own, in a tab, gets on where this one does not. */
  get helpsInTab() {
    return this.isCookieless || (this.isForeign && this.takes("code"));
  }

  /** Whether a messenger's page around this one may be asked. */
  get canAskParent() {
    return this.isForeign && this.takes("platform") && origins().length > 0;
  }

  /** The voter wants to answer with a code though the device would do. */
  askForCode(isAsked) {
    this.isAsked = isAsked;
    this.fault = null;
    this.onChange();
  }

  write(typed) {
    this.code = grouped(typed);
    this.fault = null;
    this.onChange();
    return this.code;
  }

  /** Enters the code; true where it holds. */
  async enter() {
    this.isChecking = true;
    this.onChange();
    try {
      await this.#use(this.code);
      this.isAsked = false;
      return true;
    } catch (error) {
      this.fault = { slug: error.slug ?? "line", retryAfter: error.retryAfter ?? 0 };
      return false;
    } finally {
      this.isChecking = false;
      this.onChange();
    }
  }

  /** Answers as whom the messenger's page names; true where it does. */
  async askParent() {
    this.fault = null;
    this.isChecking = true;
    this.onChange();
    try {
      await identity.usePlatform(tokenFromParent);
      this.feed.forgetIdentity();
      return true;
    } catch (error) {
      this.fault = { slug: error.slug === "signed_out" ? "signed_out" : "parent", retryAfter: 0 };
      if (error instanceof IdentityRefused) tellParent({ streamd: "refused", reason: error.slug });
      return false;
    } finally {
      this.isChecking = false;
      this.onChange();
    }
  }

  // A code of the sheet's QR, or one entered before; else whatever the last poll was answered as
  // is left behind where this one does not take it.
  async #begin() {
    const code = session(KEY) ?? given;
    if (code && this.takes("code") && this.poll.state === "open") {
      this.code = grouped(code);
      const isTaken = await this.#use(code).then(() => true, () => false);
      if (isTaken) {
        this.isSettling = false;
        return this.onChange();
      }
    }
    if (identity.tier === "code" && bound !== this.poll.id) this.#asDevice();
    if (identity.tier === "platform" && !this.takes("platform")) this.#asDevice();
    if (this.isForeign) await Promise.all([this.#meetParent(), this.#meetDevice()]);
    this.isSettling = false;
    this.onChange();
  }

  async #meetParent() {
    if (!this.canAskParent || identity.tier === "platform") return;
    if (isSilent() && this.takes("device")) return;
    await this.askParent();
  }

  // Whoever was signed in there is not any more: what is theirs goes off the screen first.
  async #meetMember() {
    if (identity.tier !== "platform") return;
    this.#asDevice();
    await this.askParent();
  }

  // Where that cannot be told, the vote itself is what finds out.
  async #meetDevice() {
    if (this.takes("device")) this.holdsDevice = await identity.holdsDevice().catch(() => true);
  }

  async #use(code) {
    await identity.useCode(code, this.poll.id);
    bound = this.poll.id;
    keepForSession(KEY, code);
    this.feed.forgetIdentity();
  }

  #asDevice() {
    identity.useDevice();
    bound = null;
    this.feed.forgetIdentity();
  }
}

// For this tab alone: others who use this browser later don't find it.
function session(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function keepForSession(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // storage refused: it is asked for again after a reload
  }
}

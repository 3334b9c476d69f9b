// What depends on how much room things take: how high this page would like its frame, and what sticks
// above the poll's notice, which is at the foot of the frame.
//
// The parent is told {streamd: "height", height}, in CSS pixels: so high shows a frame of this width
// everything. It is free to follow; where it does not, the page scrolls. Which layout stands depends
// on whether the frame is wider than high (embed/wide.css), so each asks for a height at which it stays:
// nothing swings to and fro.

import { tellParent } from "../poll/platform.js";

/** The layout beside one another begins here: as in embed/wide.css. */
const WIDE = 600;
const CHANGES = ["class", "hidden", "open"];

/** Measures at once and whenever something changes. */
export function measure() {
  const poll = find("streamd-poll");
  let told = 0;
  const look = () => {
    const asked = heightOf(".poll-notice > :first-child");
    poll.style.setProperty("--asked", `${asked}px`);
    poll.style.setProperty("--notice", `${heightOf(".poll-notice")}px`);
    const height = wanted();
    if (height === told) return;
    told = height;
    tellParent({ streamd: "height", height });
  };
  new ResizeObserver(look).observe(document.body);
  new MutationObserver(look).observe(poll, { attributeFilter: CHANGES, childList: true, subtree: true });
  addEventListener("resize", look);
  look();
}

const find = (selector) => document.querySelector(selector);
const heightOf = (selector) => find(selector)?.offsetHeight ?? 0;

/** What the poll needs, however high the frame and wherever its notice sticks. */
function pollHeight() {
  if (find(".dock").hasAttribute("data-empty")) return 0;
  return heightOf(".poll-line") + stacked(find("streamd-poll .poll-body"));
}

function stacked(body) {
  if (!body) return 0;
  const { rowGap, paddingBlockStart, paddingBlockEnd } = getComputedStyle(body);
  const rows = [...body.children].filter((row) => getComputedStyle(row).position !== "absolute");
  const gaps = Math.max(0, rows.length - 1) * parseFloat(rowGap);
  const own = parseFloat(paddingBlockStart) + parseFloat(paddingBlockEnd);
  return rows.reduce((sum, row) => sum + row.offsetHeight, own + gaps);
}

function wanted() {
  const width = document.documentElement.clientWidth;
  const top = heightOf(".demo-line");
  const line = heightOf(".embed .speaker");
  const poll = pollHeight();
  if (poll && width >= WIDE && width >= innerHeight) {
    const picture = (find(".embed-picture").clientWidth * 9) / 16 + line;
    return Math.ceil(Math.min(top + Math.max(picture, poll), width));
  }
  const picture = (width * 9) / 16 + line;
  if (poll) return Math.ceil(Math.max(top + picture + poll, width + 1));
  return Math.ceil(top + picture + heightOf(".dock"));
}

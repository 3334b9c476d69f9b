// What only the live player has: its badges, prompts and notices, the choice of paths, the way back to
// live, and thumbnails.
import { css } from "../../vendor/lit.js";
import { sharedStyles } from "./shared_styles.js";
import { smallStyles } from "./small_styles.js";

const liveStyles = css`
  /* Top: live, and how far behind */
  .top {
    position: absolute;
    inset-block-start: 0;
    inset-inline: 0;
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 12px;
    pointer-events: none;
  }
  .top > * {
    pointer-events: auto;
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-block-size: 28px;
    padding: 0 10px;
    border: 0;
    border-radius: 999px;
    background: rgb(8 10 11 / 72%);
    color: #f4f6f6;
    font-size: 12px;
    font-weight: 600;
    line-height: 1.4;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
  }
  button.chip {
    cursor: pointer;
  }
  button.chip:hover {
    background: rgb(8 10 11 / 90%);
  }
  .chip svg {
    inline-size: 16px;
    block-size: 16px;
  }
  .chip.live {
    background: var(--live, #e5243f);
    color: #fff;
  }
  .chip.live::before {
    content: "";
    inline-size: 6px;
    block-size: 6px;
    border-radius: 50%;
    background: currentcolor;
  }

  /* A sound track nobody hears yet */
  .unmute {
    position: absolute;
    inset-block-end: 60px;
    inset-inline-start: 12px;
    display: inline-flex;
    align-items: center;
    gap: 8px;
    min-block-size: 44px;
    padding-inline: 14px 18px;
    padding-block: 0;
    border: 0;
    border-radius: 999px;
    background: #f4f6f6;
    color: #111415;
    font-size: 14px;
    font-weight: 700;
    cursor: pointer;
    box-shadow: 0 8px 24px rgb(0 0 0 / 40%);
  }
  .unmute:focus-visible {
    outline-offset: 3px;
  }
  @container (min-width: 700px) {
    .unmute {
      inset-block-end: 72px;
      inset-inline-start: 16px;
      font-size: 16px;
    }
  }

  /* What should be known */
  .toast {
    position: absolute;
    inset-inline: 12px;
    inset-block-start: 48px;
    display: flex;
    justify-content: center;
    pointer-events: none;
  }
  .toast span {
    padding: 8px 14px;
    border-radius: 12px;
    background: rgb(8 10 11 / 86%);
    font-size: 14px;
    font-weight: 600;
    text-align: center;
  }
  .notice span {
    animation: appear 250ms ease-out;
  }
  .notice span:has(.answers) {
    display: flex;
    flex-direction: column;
    gap: 10px;
    max-inline-size: 420px;
    padding: 12px;
    text-wrap: balance;
  }
  .notice .answers {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: 8px;
    padding: 0;
    background: none;
  }
  .notice button {
    pointer-events: auto;
    min-block-size: 36px;
    padding: 0 14px;
    border: 0;
    border-radius: 999px;
    background: rgb(255 255 255 / 14%);
    font-size: 14px;
    font-weight: 600;
    cursor: pointer;
  }
  .notice button.yes {
    background: #f4f6f6;
    color: #111415;
  }
  @keyframes appear {
    from {
      opacity: 0;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .notice span {
      animation: none;
    }
  }

  /* A thumbnail on the event page: only the picture */
  :host([variant="thumb"]) {
    pointer-events: none;
    background: none; /* the portrait stays visible until there is a picture */
  }
  :host([variant="thumb"]) video,
  :host([variant="thumb"]) canvas {
    object-fit: cover;
  }

  /* The choice of paths, above its button */
  .choices {
    position: absolute;
    inset-block-end: 60px;
    inset-inline-end: 12px;
    z-index: 3;
    inline-size: min(360px, calc(100% - 24px));
    max-block-size: calc(100% - 102px);
    overflow: auto;
    padding: 6px;
    border: 0;
    margin: 0;
    border-radius: 12px;
    background: #16191b;
    box-shadow: 0 12px 32px rgb(0 0 0 / 50%);
    font-size: 14px;
  }
  .choices label {
    display: grid;
    grid-template-columns: 20px 1fr;
    gap: 0 10px;
    padding: 8px 10px;
    border-radius: 8px;
    cursor: pointer;
  }
  .choices label:hover {
    background: #1f2326;
  }
  .choices label:has(:focus-visible) {
    outline: 2px solid #fff;
    outline-offset: -2px;
  }
  .choices input {
    margin: 3px 0 0;
    inline-size: 18px;
    block-size: 18px;
    accent-color: #f0f2f2;
  }
  .choices b {
    font-weight: 600;
  }
  .choices small {
    grid-column: 2;
    display: flex;
    flex-wrap: wrap;
    column-gap: 1ch;
    font-size: 12px;
    color: #a5aeb2;
    text-wrap: pretty;
  }
  .choices .now {
    order: 2;
    color: #f0f2f2;
    font-variant-numeric: tabular-nums;
  }
  @container (max-width: 520px) {
    .choices {
      inset: 0;
      margin: 0 !important;
      inline-size: 100%;
      max-block-size: none;
      border-radius: 0;
      padding: 2px 8px;
      display: flex;
      flex-direction: column;
      justify-content: safe center;
    }
    .choices label {
      grid-template-columns: 20px auto 1fr;
      align-items: center;
      padding-block: 9px;
    }
    .choices input {
      margin: 0;
    }
    .choices small {
      grid-column: 3;
      justify-content: end;
      flex-wrap: nowrap;
      text-align: end;
    }
    .choices .now + .about {
      display: none;
    }
  }

  /* Back in time */
  .to-live {
    flex: none;
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-block-size: 28px;
    padding: 0 10px;
    border: 0;
    border-radius: 999px;
    background: rgb(255 255 255 / 16%);
    font-size: 12px;
    font-weight: 600;
    cursor: pointer;
  }
  .to-live::before {
    content: "";
    inline-size: 6px;
    block-size: 6px;
    border-radius: 50%;
    background: #a5aeb2;
  }
  .to-live[aria-pressed="true"] {
    background: none;
    cursor: default;
  }
  .to-live[aria-pressed="true"]::before {
    background: var(--live, #e5243f);
  }

  /* Captions give way to what else stands below them */
  .captions.raised {
    inset-block-end: 116px;
  }
  :host([data-past]:not([data-idle])) .captions {
    inset-block-end: 100px;
  }
  :host([data-past]) .captions.raised {
    inset-block-end: 148px;
  }
  :host([data-past]) .unmute,
  :host([data-past]) .choices {
    margin-block-end: 30px;
  }
`;

export const styles = [...sharedStyles, liveStyles, smallStyles];

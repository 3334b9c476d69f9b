// The controls, the choice of paths, the time slider and the captions.
import { css } from "../../vendor/lit.js";

export const controlStyles = css`
  /* The choice of paths, above its button */
  .choices {
    position: absolute;
    inset-block-end: 60px;
    inset-inline-end: 12px;
    z-index: 3;
    inline-size: min(360px, calc(100% - 24px));
    max-block-size: calc(100% - 72px);
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

  /* Bottom: the controls */
  .controls {
    position: absolute;
    inset-block-end: 0;
    inset-inline: 0;
    padding: 32px 8px 8px;
    background: linear-gradient(transparent, rgb(5 6 7 / 78%));
    transition: opacity 200ms;
  }
  .buttons {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  :host([data-idle]) .controls {
    opacity: 0;
  }
  :host([data-idle]) {
    cursor: none;
  }
  .controls:focus-within {
    opacity: 1 !important;
  }
  .control {
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 44px;
    block-size: 44px;
    border: 0;
    border-radius: 999px;
    background: none;
    cursor: pointer;
  }
  .control:hover {
    background: rgb(255 255 255 / 14%);
  }
  .volume {
    inline-size: 96px;
    block-size: 24px;
    margin: 0;
    accent-color: #fff;
    cursor: pointer;
  }
  .spacer {
    flex: 1;
  }
  .control[aria-pressed="true"] {
    background: rgb(255 255 255 / 20%);
  }

  /* Back in time */
  .timeline {
    display: flex;
    align-items: center;
    gap: 12px;
    padding-inline: 10px;
    font-size: 12px;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }
  .timeline .time {
    flex: none;
    min-inline-size: 5ch;
  }
  .time-slider {
    flex: 1;
    min-inline-size: 0;
    block-size: 24px;
    margin: 0;
    appearance: none;
    background: none;
    cursor: pointer;
  }
  .time-slider::-webkit-slider-runnable-track {
    block-size: 4px;
    border-radius: 999px;
    background: linear-gradient(to right, #fff var(--done), rgb(255 255 255 / 32%) var(--done));
  }
  .time-slider::-webkit-slider-thumb {
    appearance: none;
    inline-size: 14px;
    block-size: 14px;
    margin-block-start: -5px;
    border-radius: 999px;
    background: #fff;
  }
  .time-slider::-moz-range-track {
    block-size: 4px;
    border-radius: 999px;
    background: linear-gradient(to right, #fff var(--done), rgb(255 255 255 / 32%) var(--done));
  }
  .time-slider::-moz-range-thumb {
    inline-size: 14px;
    block-size: 14px;
    border: 0;
    border-radius: 999px;
    background: #fff;
  }
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

  /* What is said, in words */
  .captions {
    position: absolute;
    inset-inline: 16px;
    inset-block-end: 68px;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 4px;
    pointer-events: none;
  }
  :host([data-idle]) .captions:not(.raised) {
    inset-block-end: 20px;
  }
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
  .captions p {
    margin: 0;
    max-inline-size: 44ch;
    padding: 2px 10px;
    border-radius: 6px;
    background: rgb(8 10 11 / 82%);
    color: #fff;
    font-size: clamp(14px, 2.6cqi, 28px);
    font-weight: 500;
    line-height: 1.5;
    text-align: center;
    text-wrap: balance;
    white-space: pre-line;
  }
  @container (max-width: 420px) {
    .volume {
      display: none;
    }
    .far {
      display: none;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    .controls {
      transition: none;
    }
  }
`;

// The controls of both players (shared_styles.js): buttons, the time slider, and the captions above.
import { css } from "../../vendor/lit.js";

export const controlStyles = css`
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

  /* The time slider */
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
  }
  @media (prefers-reduced-motion: reduce) {
    .controls {
      transition: none;
    }
  }
`;

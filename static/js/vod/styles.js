// Beside the live player's styles: what only a recording has.
import { css } from "../../vendor/lit.js";

export const styles = css`
  video {
    cursor: pointer;
  }
  :host([data-idle]) video {
    cursor: none;
  }
  .controls {
    display: block;
    padding: 32px 8px 8px;
    pointer-events: none;
  }
  .controls > * {
    pointer-events: auto;
  }
  .bigplay {
    z-index: 1;
  }
  .buttons {
    display: flex;
    align-items: center;
    gap: 4px;
  }
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
    min-inline-size: 4ch;
  }
  .timeline .end {
    color: #c7cdd0;
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
  .captions {
    position: absolute;
    inset-inline: 16px;
    inset-block-end: 92px;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 4px;
    pointer-events: none;
  }
  :host([data-idle]) .captions {
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
  .clock {
    padding-inline: 8px;
    font-size: 12px;
    font-weight: 600;
    color: #c7cdd0;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .speed {
    appearance: none;
    min-block-size: 32px;
    min-inline-size: 52px;
    padding: 0 10px;
    border: 0;
    border-radius: 999px;
    background: none;
    font-size: 14px;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
    text-align: center;
    cursor: pointer;
  }
  .speed:hover {
    background: rgb(255 255 255 / 14%);
  }
  .speed option {
    background: #16191b;
    color: #f4f6f6;
  }
  .control[aria-pressed="true"] {
    background: rgb(255 255 255 / 20%);
  }
  @container (max-width: 420px) {
    .captions {
    position: absolute;
    inset-inline: 16px;
    inset-block-end: 92px;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 4px;
    pointer-events: none;
  }
  :host([data-idle]) .captions {
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
  .clock {
      display: none;
    }
  }
  @container (max-width: 320px) {
    .skip {
      display: none;
    }
  }
`;

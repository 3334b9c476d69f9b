// Beside what both players draw alike: what only a recording has.
import { css } from "../../vendor/lit.js";
import { sharedStyles } from "../player/shared_styles.js";

const recordingStyles = css`
  video {
    cursor: pointer;
  }
  :host([data-idle]) video {
    cursor: none;
  }
  .controls {
    pointer-events: none;
  }
  .controls > * {
    pointer-events: auto;
  }
  .bigplay {
    z-index: 1;
  }
  .timeline .time {
    min-inline-size: 4ch;
  }
  .track {
    position: relative;
    flex: 1;
    min-inline-size: 0;
    display: flex;
  }
  .track .time-slider {
    position: relative;
  }
  /* Above the line of time: the thumb's middle goes from 7px to 7px before the end. */
  .mark {
    position: absolute;
    inset-block-start: 1px;
    left: calc(7px + (100% - 14px) * var(--from));
    inline-size: max(6px, (100% - 14px) * var(--lasts));
    block-size: 3px;
    border-radius: 2px;
    background: #f4f6f6;
    pointer-events: none;
  }
  .timeline .end {
    color: #c7cdd0;
  }
  .captions {
    inset-block-end: 92px;
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
  @container (max-width: 420px) {
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

export const styles = [...sharedStyles, recordingStyles];

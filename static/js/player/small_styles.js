// The live player in a narrow page or frame, from 240 px: nothing lies over anything else.
import { css } from "../../vendor/lit.js";

export const smallStyles = css`
  @container (max-width: 420px) {
    .far {
      display: none;
    }
  }
  @container (max-width: 320px) {
    .top {
      padding: 6px;
      gap: 6px;
    }
    .chip {
      min-block-size: 24px;
      padding: 0 8px;
    }
    .controls {
      padding: 20px 2px 2px;
    }
    .buttons {
      gap: 0;
    }
    .control {
      inline-size: 36px;
      block-size: 36px;
    }
    .unmute {
      inset-block-end: 44px;
      inset-inline-start: 8px;
      gap: 6px;
      min-block-size: 36px;
      padding-inline: 10px 14px;
      font-size: 12px;
    }
    .panel {
      padding: 8px 12px;
    }
    .panel strong {
      font-size: 14px;
    }
    .panel p {
      font-size: 12px;
    }
    .panel .again {
      min-block-size: 32px;
      margin-block-start: 6px;
      padding: 0 14px;
      font-size: 12px;
    }
    .toast {
      inset-inline: 8px;
      inset-block-start: 36px;
    }
    .toast span {
      padding: 4px 10px;
      font-size: 12px;
    }
    .notice span:has(.answers) {
      padding: 8px;
    }
    .notice button {
      min-block-size: 28px;
      font-size: 12px;
    }
    .bigplay {
      inline-size: 52px;
      block-size: 52px;
    }
    .bigplay svg {
      inline-size: 28px;
      block-size: 28px;
    }
    .captions {
      inset-inline: 6px;
      inset-block-end: 42px;
    }
    :host([data-idle]) .captions:not(.raised) {
      inset-block-end: 8px;
    }
    .captions p {
      font-size: 12px;
    }
    .choices label {
      padding-block: 4px;
    }
    .choices .about {
      display: none;
    }
  }
`;

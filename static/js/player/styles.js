// The player is dark whatever the page's theme: the picture is the hero.
import { css } from "../../vendor/lit.js";
import { controlStyles } from "./control_styles.js";

const frame = css`
  :host {
    display: block;
    position: relative;
    aspect-ratio: 16 / 9;
    overflow: hidden;
    border-radius: var(--player-radius, 0);
    background: #07090a;
    color: #f4f6f6;
    container-type: inline-size;
    isolation: isolate;
    color-scheme: dark;
  }
  :host(:fullscreen) {
    aspect-ratio: auto;
    border-radius: 0;
  }
  * {
    box-sizing: border-box;
  }
  video,
  canvas {
    position: absolute;
    inset: 0;
    inline-size: 100%;
    block-size: 100%;
    object-fit: contain;
  }
  canvas {
    pointer-events: none;
  }
  [hidden] {
    display: none !important;
  }
  button,
  input {
    font: inherit;
    color: inherit;
  }
  :focus-visible {
    outline: 2px solid #fff;
    outline-offset: 2px;
  }
  svg {
    display: block;
    inline-size: 22px;
    block-size: 22px;
  }

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
  .bigplay {
    position: absolute;
    inset: 0;
    margin: auto;
    inline-size: 72px;
    block-size: 72px;
    display: grid;
    place-items: center;
    border: 0;
    border-radius: 999px;
    background: #f4f6f6;
    color: #111415;
    cursor: pointer;
    box-shadow: 0 8px 24px rgb(0 0 0 / 40%);
  }
  .bigplay svg {
    inline-size: 36px;
    block-size: 36px;
  }

  /* What is going on when it is not the picture */
  .panel {
    position: absolute;
    inset: 0;
    display: flex;
    flex-direction: column;
    align-items: center;
    justify-content: center;
    gap: 4px;
    padding: 16px 24px;
    text-align: center;
    background: #16191b;
  }
  .panel .initials {
    flex: none;
    display: grid;
    place-items: center;
    inline-size: 72px;
    block-size: 72px;
    margin-block-end: 8px;
    border-radius: 999px;
    background: #2a2f32;
    color: #d5dadc;
    font-size: 24px;
    font-weight: 600;
    overflow: hidden;
  }
  .panel .initials img {
    inline-size: 100%;
    block-size: 100%;
    object-fit: cover;
    filter: grayscale(1);
  }
  .panel strong {
    font-size: 16px;
    font-weight: 700;
    text-wrap: balance;
  }
  .panel p {
    margin: 0;
    max-inline-size: 44ch;
    font-size: 14px;
    color: #b4bcc0;
    text-wrap: balance;
  }
  .panel .again {
    display: inline-flex;
    text-decoration: none;
    align-items: center;
    gap: 8px;
    min-block-size: 44px;
    margin-block-start: 12px;
    padding: 0 20px;
    border: 0;
    border-radius: 999px;
    background: #f4f6f6;
    color: #111415;
    font-size: 14px;
    font-weight: 700;
    cursor: pointer;
  }
  @container (min-width: 700px) {
    .panel .initials {
      inline-size: 112px;
      block-size: 112px;
      font-size: 40px;
      margin-block-end: 16px;
    }
    .panel strong {
      font-size: 20px;
    }
    .panel p {
      font-size: 16px;
    }
    .unmute {
      inset-block-end: 72px;
      inset-inline-start: 16px;
      font-size: 16px;
    }
  }
  @container (max-width: 360px) {
    .panel .initials {
      display: none;
    }
  }
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
  .loading {
    position: absolute;
    inset: 0;
    overflow: hidden;
    background: #16191b;
  }
  .loading::after {
    content: "";
    position: absolute;
    inset: 0;
    background: linear-gradient(100deg, transparent 20%, rgb(255 255 255 / 6%), transparent 80%);
    transform: translateX(-100%);
    animation: sweep 1.6s linear infinite;
  }
  .spinner {
    position: absolute;
    inset: 0;
    margin: auto;
    inline-size: 40px;
    block-size: 40px;
    border: 3px solid rgb(255 255 255 / 24%);
    border-block-start-color: #fff;
    border-radius: 999px;
    animation: turn 900ms linear infinite;
  }
  @keyframes sweep {
    to {
      transform: translateX(100%);
    }
  }
  @keyframes turn {
    to {
      transform: rotate(1turn);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .notice span {
      animation: none;
    }
    .loading::after {
      animation: none;
    }
    .spinner {
      animation-duration: 3s;
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
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

export const styles = [frame, controlStyles];

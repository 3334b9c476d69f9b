// What the live player and the one of recordings draw alike. Both are dark whatever the page's theme:
// the picture is the hero.
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

  /* The one button over the picture */
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
  }
  @container (max-width: 360px) {
    .panel .initials {
      display: none;
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
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    .loading::after {
      animation: none;
    }
    .spinner {
      animation-duration: 3s;
    }
  }
`;

export const sharedStyles = [frame, controlStyles];

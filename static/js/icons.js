// Line icons on a 24-unit grid, drawn for this product. They take the colour of the text.
import { svg, html } from "../vendor/lit.js";

const icon = (body) => html`<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${body}</svg>`;

export const play = icon(svg`<path d="M8 5.5v13l10.5-6.5z" fill="currentColor"/>`);
export const pause = icon(svg`<path d="M8.5 6v12M15.5 6v12" stroke-width="3"/>`);
export const sound = icon(svg`<path d="M4 10v4h3l5 4V6L7 10z" fill="currentColor"/><path d="M16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11"/>`);
export const muted = icon(svg`<path d="M4 10v4h3l5 4V6L7 10z" fill="currentColor"/><path d="m16 10 4 4m0-4-4 4"/>`);
export const expand = icon(svg`<path d="M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4"/>`);
export const shrink = icon(svg`<path d="M9 4v4a1 1 0 0 1-1 1H4M20 9h-4a1 1 0 0 1-1-1V4M15 20v-4a1 1 0 0 1 1-1h4M4 15h4a1 1 0 0 1 1 1v4"/>`);
export const chevron = icon(svg`<path d="m6 9 6 6 6-6"/>`);
export const check = icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`);
export const clock = icon(svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>`);
export const alert = icon(svg`<path d="M12 8v5M12 16.5v.01"/><circle cx="12" cy="12" r="9"/>`);
export const receipt = icon(svg`<path d="M6 3.5v17l2-1.5 2 1.5 2-1.5 2 1.5 2-1.5 2 1.5v-17l-2 1.5-2-1.5-2 1.5-2-1.5-2 1.5zM9 9.5h6M9 13.5h4"/>`);
export const copy = icon(svg`<rect x="9" y="9" width="11" height="11" rx="2.5"/><path d="M15 5.5A1.5 1.5 0 0 0 13.5 4H6a2 2 0 0 0-2 2v7.500A1.5 1.5 0 0 0 5.500 15"/>`);
export const people = icon(svg`<circle cx="9" cy="8.500" r="3.5"/><path d="M2.500 19.500c.6-3.400 3.200-5.500 6.500-5.500s5.900 2.100 6.500 5.500M16 5.300a3.500 3.500 0 0 1 0 6.400M18 14.600c1.900.8 3.100 2.500 3.500 4.900"/>`);
export const signal = icon(svg`<path d="M4 17v-2M9.300 17v-5M14.600 17V9M20 17V6" stroke-width="2.6"/>`);
export const reload = icon(svg`<path d="M19.500 12a7.500 7.500 0 1 1-2.200-5.300L19.500 9M19.500 4.500V9H15"/>`);
export const sliders = icon(svg`<path d="M4 7h8M18 7h2M4 12h2M12 12h8M4 17h9M19 17h1"/><circle cx="15" cy="7" r="2.4"/><circle cx="9" cy="12" r="2.4"/><circle cx="16" cy="17" r="2.4"/>`);
export const captions = icon(svg`<rect x="3.500" y="5.500" width="17" height="13" rx="2.500"/><path d="M7 14.500h4.500M14 14.500h3M7 11h2.500M12 11h5"/>`);
export const handle = icon(svg`<path d="M5 9h14M5 15h14"/>`);
export const upvote = icon(svg`<path d="M12 19V6M6 11.500 12 5.500l6 6"/>`);
export const cross = icon(svg`<path d="m7 7 10 10M17 7 7 17"/>`);
export const download = icon(svg`<path d="M12 4.500V15M7 10.500l5 5 5-5M5 19.500h14"/>`);
export const shield = icon(svg`<path d="M12 3.500 5 6v5.500c0 4.300 2.900 7.400 7 9 4.100-1.600 7-4.700 7-9V6zM8.800 12l2.300 2.300 4.200-4.500"/>`);
export const back = icon(svg`<path class="turned" d="M19 12H5M11 6l-6 6 6 6"/>`);
export const outward = icon(svg`<path d="M13.5 4.500h6v6M19.500 4.500 11 13M9.500 5.500H6A1.500 1.500 0 0 0 4.500 7v11A1.500 1.500 0 0 0 6 19.500h11a1.500 1.500 0 0 0 1.500-1.500v-3.500"/>`);

/** Picture quality: height in lines (of the shorter side), bitrate in bit/s. */

export const QUALITIES = Object.freeze([
  { name: "360p", height: 360, bitrate: 600_000 },
  { name: "540p", height: 540, bitrate: 1_200_000 },
  { name: "720p", height: 720, bitrate: 2_500_000 },
]);

export const FRAMES_A_SECOND = 30;

export const qualityNamed = (name) =>
  QUALITIES.find((quality) => quality.name === name) ?? QUALITIES[QUALITIES.length - 1];

/** The next lower quality, or null at the lowest. */
export const qualityBelow = (name) =>
  QUALITIES[QUALITIES.findIndex((quality) => quality.name === name) - 1] ?? null;

/**
 * How many times smaller a picture has to be sent. A phone held upright sends 720×1280: the
 * shorter side carries the quality's name.
 */
export const reduction = ({ width = 0, height = 0 }, quality) =>
  Math.max(1, (Math.min(width, height) || quality.height) / quality.height);

/** The size to send, both sides even as 4:2:0 needs them. */
export function sizeFor({ width, height }, quality) {
  const factor = reduction({ width, height }, quality);
  const even = (side) => Math.max(2, 2 * Math.round(side / factor / 2));
  return { width: even(width), height: even(height) };
}

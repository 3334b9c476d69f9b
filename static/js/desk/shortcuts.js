/** Keys to verbs, by their place on the keyboard: on a Persian one N stays where N is. */

const VERBS = {
  KeyN: (desk) => desk.next(),
  KeyO: (desk, event) => desk.press("open", event),
  KeyC: (desk, event) => desk.press("close", event),
  KeyS: (desk, event) => desk.press("show", event),
  KeyM: (desk) => desk.extend(),
  KeyT: (desk) => desk.ahead.isOffered && desk.ahead.next(),
  KeyW: (desk) => desk.write(),
  KeyA: (desk) => desk.held.approve(),
  KeyR: (desk) => desk.held.reject() && desk.tell(desk.sayRejected()),
  KeyZ: (desk) => desk.held.restore() && desk.tell(desk.sayRestored()),
  ArrowDown: (desk) => desk.step(1),
  ArrowUp: (desk) => desk.step(-1),
  KeyJ: (desk) => desk.held.choose(1),
  KeyK: (desk) => desk.held.choose(-1),
};

/** Where somebody writes or chooses, letters are letters. */
const writes = (target) =>
  target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

/**
 * @param {import("./desk.js").Desk} desk
 * @param {KeyboardEvent} event
 */
export function pressed(desk, event) {
  if (event.key === "Escape") {
    desk.disarm();
    return;
  }
  const { ctrlKey, metaKey, altKey, shiftKey } = event;
  if (ctrlKey || metaKey || altKey || shiftKey || event.repeat || event.isComposing) return;
  if (!desk.shortcuts || writes(event.target)) return;
  const verb = VERBS[event.code];
  if (!verb) return;
  event.preventDefault();
  verb(desk, event);
}

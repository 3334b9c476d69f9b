/** How an organiser's page draws itself: again after each change, at most once a frame. */

const HIDDEN_MS = 250;

/**
 * @param {() => void} draw
 * @returns {() => void} asks for the next drawing
 */
export function onceAFrame(draw) {
  let isAsked = false;
  const now = () => {
    isAsked = false;
    draw();
  };
  return () => {
    if (isAsked) return;
    isAsked = true;
    // A hidden page gets no frames; a timer still comes, so that the state is right on return.
    if (document.visibilityState === "visible") requestAnimationFrame(now);
    else setTimeout(now, HIDDEN_MS);
  };
}

/** Gives the focus to the field that the composer asks for, once it is drawn. */
export function focusAsked(composer) {
  if (!composer.focus) return;
  document.getElementById(composer.focus)?.focus();
  composer.focus = "";
}

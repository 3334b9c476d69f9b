// What the poll keeps in this browser. Storage may be refused, as in another site's frame; then it lives
// as long as the page.

const forThisPage = new Map();

/** The value kept under `key`, or null. */
export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return forThisPage.get(key) ?? null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    forThisPage.set(key, value);
  }
}

export function drop(key) {
  forThisPage.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // storage refused: it was in this page alone
  }
}

/** Whether what is kept outlives this page. */
export function keepsBeyondPage() {
  try {
    return localStorage.length >= 0;
  } catch {
    return false;
  }
}

/** 128 random bits as 32 hexadecimal characters. */
export function random128() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

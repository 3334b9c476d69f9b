// What the poll keeps in this browser. Storage may be refused; then it lives as long as the page.

/** The value kept under `key`, or null. */
export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // storage refused
  }
}

export function drop(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // storage refused: nothing was kept either
  }
}

/** 128 random bits as 32 hexadecimal characters. */
export function random128() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The server's HTTP interface, as the studio uses it. */

import { page } from "../page.js";

/** `status` 0: no answer. `detail` is the server's own sentence (RFC 9457), or "". */
export class ApiError extends Error {
  constructor(status, detail = "") {
    super(detail || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.detail = detail;
  }
}

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{key?: string, body?: object, keepalive?: boolean}} [given] `keepalive`: it is sent even
 *   where the page goes meanwhile
 * @returns {Promise<any>} the answer's JSON
 * @throws {ApiError}
 */
export async function call(method, path, { key = "", body, keepalive = false } = {}) {
  const headers = { Accept: "application/json, application/problem+json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(`/api/v1${path}${path.includes("?") ? "&" : "?"}lang=${page.lang}`, {
      method,
      headers,
      body: body ? JSON.stringify(body) : undefined,
      keepalive,
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    throw new ApiError(0);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer.detail ?? "");
  return answer;
}

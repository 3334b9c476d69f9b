/**
 * The session could not be made, or was ended by the server.
 *
 * `status` is the HTTP status; 0: no answer; -1: this browser has no H.264 encoder.
 * `detail` is the server's sentence (RFC 9457) or "", and "ice" where the server answered and no
 * media path came about. `slug` is the server's name for the refusal, and "only" where another way
 * was open and not allowed. `retryAfter` is in seconds,
 * null if unsaid.
 */
export class SendError extends Error {
  constructor(status, detail = "", { slug = "", retryAfter = null } = {}) {
    super(detail || `refused ${status}`);
    this.name = "SendError";
    this.status = status;
    this.detail = detail;
    this.slug = slug;
    this.retryAfter = retryAfter;
  }

  /** The server is there, and its UDP port is not to be reached. */
  get blocked() {
    return this.status === 0 && this.detail === "ice";
  }
}

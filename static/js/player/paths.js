// Every live path by its name (path.js says what one is).

import { HlsPath } from "./hls_path.js";
import { SocketPath } from "./socket_path.js";
import { WhepPath } from "./whep_path.js";

/** @type {Record<string, import("./path.js").PathClass>} */
export const PATHS = { ws: SocketPath, hls: HlsPath, whep: WhepPath };

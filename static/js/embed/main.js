// The page in a platform's frame: the watch page's parts, and what its parent is told.

import "../watch.js";
import { announce } from "../poll/platform.js";
import { measure } from "./measures.js";

announce();
measure();

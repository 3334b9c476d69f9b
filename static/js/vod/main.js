// A recording's page: its player, its moments, its downloads.
import "./moments.js";
import "./player.js";
import "./downloads.js";
import "./polls.js";

// The page of all recordings.
import "./moments.js";

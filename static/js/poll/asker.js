/** Who asks: in the reader's language where the poll has the name in it, else as it was written. */

import { page, t } from "../page.js";

/** @param {{asker: string, asked_by?: {name: Record<string, string>} | null}} poll */
export const askerName = ({ asker, asked_by: by }) => by?.name[page.lang] || asker;

/** A name may be in another language and direction than the sentence around it. */
const isolated = (text) => `\u2068${text}\u2069`;

export const askedBy = (poll) => t("Asked by %(asker)s", { asker: isolated(askerName(poll)) });

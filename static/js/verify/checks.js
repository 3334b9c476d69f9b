// What anybody can check of a poll with its log, each check one sentence. The same checks as
// `streamd verify` makes; polling/verifying.py has them in Python.

import { number, t } from "../page.js";
import { equal, isConsistent, joined, rootFromInclusion, sha256, utf8 } from "./merkle.js";
import { hex, NoteError, NoteKey, openCheckpoint, openStatement, unbase64, unhex } from "./notes.js";
import { ballotLeaf, holds } from "./receipt.js";
import { differing, recount, supersededPlaces } from "./recount.js";

const isolated = (text) => `\u2068${text}\u2069`;
const holdsUp = (text) => ({ ok: true, text });
const fails = (text) => ({ ok: false, text });

/** An answer of the server that is no answer; `retry`: ask again later. */
export class Unanswered extends Error {
  constructor(text, { retry = false } = {}) {
    super(text);
    this.retry = retry;
  }
}

/** The public answers of this server. */
export class Answers {
  async text(path) {
    let answer;
    try {
      answer = await fetch(`/api/v1${path}`, { credentials: "omit", cache: "no-store" });
    } catch {
      throw new Unanswered(t("The server does not answer. Check your connection and try again."), { retry: true });
    }
    if (answer.ok) return answer.text();
    const problem = await answer.json().catch(() => ({}));
    const slug = String(problem.type ?? "").split(":").pop();
    throw new Unanswered(refusal(slug), { retry: slug === "not_merged" || answer.status >= 500 });
  }

  async json(path) {
    return JSON.parse(await this.text(path));
  }

  /** The text, or null where it is still to come. */
  async textOrNull(path) {
    try {
      return await this.text(path);
    } catch (error) {
      if (error instanceof Unanswered && error.retry) return null;
      throw error;
    }
  }
}

function refusal(slug) {
  if (slug === "not_merged") {
    return t("This ballot is not in the log yet. It comes within ten seconds of the vote. Wait a little and check again.");
  }
  if (slug === "not_in_log") {
    return t("The finished log does not hold this ballot. Every ballot that was counted or replaced is in it: a signed receipt of this one proves that it was left out.");
  }
  if (slug === "unknown_poll") return t("This server has no such poll. Open this page at the server that gave the receipt.");
  return t("The server could not answer. Try again in a moment.");
}

function wrongNote(error) {
  if (!(error instanceof NoteError)) throw error;
  if (error.code === "bad-signature") return t("The signature does not fit the text: something in it was changed.");
  if (error.code === "not-signed") return t("It is not signed with the key that is expected.");
  if (error.code === "no-key") return t("That is not a public key of a log. It looks like name+1a2b3c4d+letters.");
  return t("That is not a signed checkpoint. Paste it whole, with its last line.");
}

/** The key to trust: the one that was pasted, or else the server's own word for it. */
export async function keyFor(pinned, answers) {
  try {
    return await NoteKey.parse(pinned || (await answers.text("/log/key")));
  } catch (error) {
    throw error instanceof NoteError ? new Unanswered(wrongNote(error)) : error;
  }
}

export async function checkReceipt(receipt, key) {
  const names = { log: isolated(receipt.log), name: isolated(key.name) };
  if (receipt.log !== `${key.name}/${receipt.poll}` && receipt.log !== key.name) {
    return fails(t("The receipt names the log %(log)s, which is not one of %(name)s.", names));
  }
  return (await holds(receipt, key))
    ? holdsUp(t("%(name)s signed this receipt: it promised to log this ballot.", names))
    : fails(t("%(name)s did not sign this receipt: it was changed, or it is from another server.", names));
}

/** {finding, checkpoint}: is the ballot a leaf under a signed checkpoint of its log? */
export async function checkInclusion(receipt, proof, key) {
  let checkpoint;
  try {
    checkpoint = await openCheckpoint(String(proof.checkpoint), key);
  } catch (error) {
    return { finding: fails(`${t("The log's checkpoint does not hold.")} ${wrongNote(error)}`), checkpoint: null };
  }
  if (checkpoint.origin !== receipt.log) {
    return { finding: fails(t("The checkpoint is of another log than the receipt names.")), checkpoint };
  }
  const leaf = await ballotLeaf(receipt.poll, receipt.ballot_id, proof.commitment);
  const path = Array.isArray(proof.path) ? proof.path.map(unbase64) : [];
  const root = await rootFromInclusion(leaf, proof.index, checkpoint.size, path);
  const finding =
    root && equal(root, checkpoint.root)
      ? holdsUp(
          t("The ballot is leaf %(leaf)s of %(size)s in the log, under a checkpoint signed with the same key.", {
            leaf: number(proof.index + 1),
            size: number(checkpoint.size),
          }),
        )
      : fails(t("The proof does not lead from this ballot to the signed checkpoint."));
  return { finding, checkpoint };
}

/** Does the leaf commit to the answer that was kept with the receipt? Null where none was. */
export async function checkCommitment(receipt, proof) {
  const { nonce, answer } = receipt;
  if (!proof.commitment || typeof nonce !== "string" || typeof answer !== "string") return null;
  const bytes = unhex(nonce);
  const committed = bytes && hex(await sha256(joined(bytes, utf8(answer))));
  return committed === proof.commitment
    ? holdsUp(t("The leaf commits to the answer kept with this receipt."))
    : fails(t("The leaf commits to another answer than the one kept here."));
}

/** Has the log only grown between two checkpoints? `earlier` and `later` are notes as pasted. */
export async function checkGrowth(earlier, later, key, poll, answers) {
  let pair;
  try {
    pair = await Promise.all([earlier, later].map((note) => openCheckpoint(note, key)));
  } catch (error) {
    return fails(wrongNote(error));
  }
  const [from, to] = pair.sort((one, other) => one.size - other.size);
  const sizes = { from: number(from.size), to: number(to.size) };
  if (from.origin !== to.origin) return fails(t("The two checkpoints are of different logs."));
  const name = poll ?? to.origin.split("/").pop();
  let proof;
  try {
    proof = await answers.json(`/polls/${encodeURIComponent(name)}/consistency?from=${from.size}&to=${to.size}`);
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    return fails(t("The server has no proof that its log goes on from this checkpoint. Keep the checkpoint: if ballots were taken out, it proves that."));
  }
  const path = Array.isArray(proof.path) ? proof.path.map(unbase64) : [];
  return (await isConsistent(from.size, from.root, to.size, to.root, path))
    ? holdsUp(t("The log has only grown, from %(from)s to %(to)s leaves: nothing was changed or taken out.", sizes))
    : fails(t("The log of %(to)s leaves does not go on from the one of %(from)s: something was changed or taken out. Keep both checkpoints; they prove it.", sizes));
}

/** {finding, statement}: does the close statement fit the log? */
export async function checkStatement(note, key, newest) {
  let statement;
  try {
    statement = await openStatement(note, key);
  } catch (error) {
    return { finding: fails(`${t("The close statement does not hold.")} ${wrongNote(error)}`), statement: null };
  }
  const same = statement.origin === newest.origin && statement.size === newest.size && equal(statement.root, newest.root);
  if (!same) return { finding: fails(t("The close statement is about another log than the checkpoint.")), statement };
  const { total } = statement.tally;
  const gone = statement.superseded.count;
  const counted = { total: number(total), gone: number(gone), size: number(newest.size) };
  if (total + gone !== newest.size) {
    return { finding: fails(t("The signed tally counts %(total)s ballots and %(gone)s are signed as superseded, but the log has %(size)s.", counted)), statement };
  }
  return {
    finding: holdsUp(t("The poll is over. Its signed tally counts %(total)s ballots and %(gone)s are signed as superseded: together exactly the %(size)s leaves of the log.", counted)),
    statement,
  };
}

/** Does the signed superseded list name the ballot, and does `proof` say the same? Null where nothing is said. */
export async function checkSuperseded(statement, proof, answers) {
  const { count, sha256: signed } = statement.superseded;
  if (!count && !proof.superseded) return null;
  const text = count ? await answers.text(`/polls/${encodeURIComponent(statement.poll)}/superseded`) : "";
  if (hex(await sha256(utf8(text))) !== signed) return fails(t("The list of superseded ballots is not the one that was signed."));
  const places = supersededPlaces(text, statement.size);
  if (places?.length !== count) {
    return fails(t("The signed list of superseded ballots is not whole: each of them is named once, as a leaf of the log."));
  }
  const named = places.includes(proof.index);
  if ((proof.superseded ?? named) !== named) return fails(t("The server's proof and its signed list differ on this ballot."));
  return named
    ? { ...holdsUp(t("This ballot is recorded and was not counted: the signed list of superseded ballots names it, so the server says that a later ballot of the same voter took its place. If you never changed your answer, that is false: your receipt and this signed list are the evidence; complain.")), superseded: true }
    : holdsUp(t("The signed list of superseded ballots does not name it: it counts."));
}

/** Counts all opened answers of a finished poll again. */
export async function checkRecount(statement, answers) {
  const base = `/polls/${encodeURIComponent(statement.poll)}`;
  const [poll, text] = await Promise.all([answers.json(base), answers.text(`${base}/openings.jsonl`)]);
  let counted;
  try {
    counted = await recount(poll, text.split("\n").filter(Boolean));
  } catch {
    return fails(t("The opened answers cannot be read."));
  }
  if (!equal(counted.root, statement.root)) return fails(t("The opened answers are not those of the signed log."));
  if (hex(await sha256(utf8(counted.superseded))) !== statement.superseded.sha256) {
    return fails(t("The opened answers leave out others than the signed list of superseded ballots."));
  }
  const wrong = differing(statement.tally.counts ?? {}, counted.counts);
  return wrong.length
    ? fails(t("Counting again gives other numbers than were signed, for %(names)s.", { names: isolated(wrong.join(", ")) }))
    : holdsUp(t("Counting all %(count)s opened answers again gives the very numbers that were signed.", { count: number(counted.counted) }));
}

/** What a poll's counts say, question by question; pure. Charts, tables and live bars read it. */

const counted = (tally, name) => tally?.counts?.[name] ?? 0;

/**
 * @typedef {{id: string, label: string, count: number, share: number, right: boolean}} Row
 *   `share`: of those who answered the question, 0 to 1; of a ranking, of the most points there are
 * @typedef {{id: string, kind: string, text: string, hidden: boolean, answers: number, rows: Row[],
 *   mean: number | null, scale: object | null, words: [string, number][], items: object[]}} Figure
 */

/**
 * @param {object} poll the API's row
 * @param {object | null} [tally] a newer one
 * @returns {Figure[]} one a question; `hidden` where the counts are not for who asked
 */
export function figures(poll, tally = poll.tally) {
  const several = poll.questions.length > 1;
  return poll.questions.map((question) => figure(question, tally, several ? `${question.id}.` : ""));
}

function figure(question, tally, prefix) {
  const { id, kind, text } = question;
  const answers = answered(question, tally, prefix);
  const most = answers * (kind === "ranking" ? Math.max(1, question.choices.length - 1) : 1);
  const rows = question.choices.map((choice) => {
    const count = counted(tally, prefix + choice.id);
    return {
      id: choice.id,
      label: choice.label,
      count,
      share: most ? count / most : 0,
      right: question.right?.includes(choice.id) ?? false,
    };
  });
  // The most points first; a sort is stable, so equals keep the order asked.
  if (kind === "ranking") rows.sort((a, b) => b.count - a.count);
  return {
    id,
    kind,
    text,
    hidden: !tally || tally.counts === null,
    answers,
    rows,
    mean: kind === "rating" && answers ? marks(rows) / answers : null,
    scale: question.scale ?? null,
    words: tally?.words?.[id] ?? [],
    items: tally?.items ?? [],
  };
}

const marks = (rows) => rows.reduce((sum, row) => sum + Number(row.id) * row.count, 0);

function answered({ kind, choices, required }, tally, prefix) {
  const sum = choices.reduce((total, choice) => total + counted(tally, prefix + choice.id), 0);
  if (kind === "text") return counted(tally, `${prefix}answers`);
  if (kind === "qa") return (tally?.items ?? []).length;
  if (kind === "ranking") return (2 * sum) / (choices.length * (choices.length - 1));
  if (kind !== "multiple") return sum;
  return required ? (tally?.total ?? 0) : counted(tally, `${prefix}answers`);
}

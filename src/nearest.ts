/** The candidate most like `word`, for "did you mean"; undefined when none is close (about a third of its letters). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  const ranked = [...candidates]
    .map((name) => ({ name, edits: editDistance(wanted, name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  const allowed = Math.max(2, Math.ceil(word.length / 3))
  return best !== undefined && best.edits <= allowed ? best.name : undefined
}

/** Levenshtein distance: how many letters to insert, delete or replace. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, replace))
    }
    previous = row
  }
  return previous[b.length]!
}

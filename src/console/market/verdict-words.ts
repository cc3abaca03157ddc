/** What a verdict of a validator says, as a sentence; a word of a later version speaks for itself. */
export const verdictWords: Readonly<Record<string, string>> = {
  VALID: 'everything that was opened is what its inputs give',
  BAD_VALUE: 'an opened value is false: proof of fraud',
  BAD_PATH: 'what was opened is not what was committed',
  BAD_SHAPE: 'the openings are not of the form that was asked',
  BAD_COMMIT: 'the signatures or pulses in it do not hold',
  EQUIVOCATION: 'two signed claims about one slot contradict each other',
  UNAVAILABLE: 'the openings were not to be had in time',
  OPENINGS_MISSING: 'the openings were not to be had in time',
  SILENT: 'nothing was heard of it in the slot',
  LATE_COMMIT: 'what it signed came too late',
  NO_WORK: 'it sent no finished work in the window',
}

/** Whether a verdict is for the device, against it, or about the checking. */
export function verdictTone(verdict: string | null): 'good' | 'bad' | 'warn' | 'neutral' {
  if (verdict === null) return 'neutral'
  if (verdict === 'VALID') return 'good'
  return ['UNAVAILABLE', 'OPENINGS_MISSING', 'SILENT', 'LATE_COMMIT'].includes(verdict)
    ? 'warn'
    : 'bad'
}

import type { Finding } from './doctor/finding.ts'
import type { Output } from './output.ts'

/** Prints findings with their remedies after them; the exit code is 0 when nothing required is missing, else 1. */
export function printFindings(output: Output, findings: readonly Finding[]): number {
  output.list<Finding>(findings, {
    id: ({ check }) => check,
    columns: [
      { title: 'CHECK', value: ({ check }) => check },
      { title: '', value: ({ ok, required }) => (ok ? 'ok' : required ? 'MISSING' : 'lacking') },
      { title: 'FOUND', value: ({ actual }) => actual, shrinks: true },
      { title: 'WANTED', value: ({ wanted }) => wanted, shrinks: true },
    ],
  })
  for (const { check, ok, remedy } of findings) if (!ok) output.note(`${check}: ${remedy}`)
  return findings.every(({ ok, required }) => ok || !required) ? 0 : 1
}

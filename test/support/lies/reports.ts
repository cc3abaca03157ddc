import { sleep } from '../../../src/clock.ts'
import { createTestifier, type Testifier } from '../../../src/node/testifier.ts'
import {
  type Report,
  type ReportRow,
  sealReport,
  sealReportCommit,
} from '../../../src/protocols/attestations.ts'
import { type LiarParts, type Lie, madeUp, say } from './lie.ts'

/** Says these rows as its report of a slot, whatever it committed to. */
function reports({ core, ...parts }: LiarParts, slot: number, rows: Report['rows']): Promise<void> {
  const report = { slot, chunk: 0, salt: madeUp(), rows }
  return say({ core, ...parts }, sealReport(core.net, core.key, report))
}

const generous = (row: ReportRow): ReportRow => ({ ...row, steps: 2 * row.steps })

/** An honest validator but for its reports. */
const reporting =
  (change: (parts: LiarParts, honest: Testifier) => Partial<Testifier>): Lie['testifier'] =>
  (parts) => {
    const honest = createTestifier(parts)
    return { ...honest, ...change(parts, honest) }
  }

export const tellsTwoReports: Lie = {
  name: 'tells-two-reports',
  does: 'signs two reports of one slot, so that one peer may believe the one and another the other',
  reason: 'EQUIVOCATION',
  of: 'slot',
  testifier: reporting((parts, honest) => ({
    async report(slot, lines) {
      await honest.report(slot, lines)
      await reports(
        parts,
        slot,
        lines.map((line) => generous({ ...line } as ReportRow)),
      )
    },
  })),
}

export const showsAnotherReport: Lie = {
  name: 'shows-another-report',
  does: 'commits to one report and shows another',
  reason: 'UNCOMMITTED',
  of: 'slot',
  testifier: reporting((parts) => ({
    report: (slot, lines) =>
      reports(
        parts,
        slot,
        lines.map((line) => generous({ ...line } as ReportRow)),
      ),
  })),
}

/** How often it looks whether another's report is public. */
const LOOK_MS = 100

export const copiesAReport: Lie = {
  name: 'copies-a-report',
  does: "counts nothing: commits to anything, and shows another validator's report as its own",
  reason: 'UNCOMMITTED',
  of: 'slot',
  testifier: reporting((parts) => ({
    async commit(slot) {
      const { net, key } = parts.core
      await say(parts, sealReportCommit(net, key, { slot, chunk: 0, hash: madeUp() }))
    },
    async report(slot) {
      const { peerId } = parts.core
      for (let tries = 0; tries < 50; tries++) {
        const others = parts.attestations
          .slots(slot, slot)
          .flatMap(({ testimony }) => testimony.filter((one) => one.validator !== peerId))
        const report = others.find((one) => one.report !== undefined)?.report
        if (report !== undefined) return reports(parts, slot, report.rows)
        await sleep(LOOK_MS)
      }
    },
  })),
}

import { randomBytes } from 'node:crypto'
import { atMost } from '../at-most.ts'
import {
  MAX_CHUNKS,
  type Report,
  type ReportRow,
  reportCodec,
  reportHash,
  sealReport,
  sealReportCommit,
  sealVerdicts,
  type Verdicts,
  verdictCodec,
} from '../protocols/attestations.ts'
import type { Codec } from '../protocols/codec.ts'
import type { Core } from './core.ts'
import { chunksOf } from './report-chunks.ts'

/** One chunk of a slot's report with its commit, both signed. */
export interface SealedReport {
  readonly commit: ReturnType<typeof sealReportCommit>
  readonly report: ReturnType<typeof sealReport>
}

/** The open pulse as the beacon signed it, and this validator's signature over it. */
export type PulseWord = Required<Pick<Verdicts, 'openPulse' | 'pulseSignature'>>

/**
 * What this validator says, written down before it is signed. Whatever was written for a place (slot, chunk, kind) is
 * what gets signed for it ever after, also across a crash: signatures are deterministic, so it never contradicts itself.
 */
export interface OwnTestimony {
  /** The report of a slot in chunks, of as many `rows` as have a place (`chunksOf`); what was written earlier wins. */
  report(slot: number, rows: readonly ReportRow[]): Promise<SealedReport[]>
  verdicts(
    slot: number,
    rows: Verdicts['rows'],
    word: PulseWord | undefined,
  ): Promise<ReturnType<typeof sealVerdicts>[]>
  /** A further row of a slot whose verdicts stand, in a chunk after them; undefined when no chunk is left. */
  furtherVerdict(
    slot: number,
    row: Verdicts['rows'][number],
    word: PulseWord,
  ): Promise<ReturnType<typeof sealVerdicts> | undefined>
  /** Slots from `since` on with a written report, oldest first: what a restart has to go on with. */
  reportedSlots(since: number): Promise<number[]>
}

const keyOf = (kind: string, slot: number, chunk: number): string =>
  `${kind}/${String(slot).padStart(16, '0')}/${String(chunk).padStart(2, '0')}`

export function createOwnTestimony({
  net,
  key,
  store,
}: Pick<Core, 'net' | 'key' | 'store'>): OwnTestimony {
  const bucket = store.bucket('own-testimony')
  /** Two writers of one place must not both find it empty. */
  const inTurn = atMost(1)

  async function written<T>(place: string, codec: Codec<T>): Promise<T | undefined> {
    const bytes = await bucket.get(place)
    return bytes === undefined ? undefined : codec.decode(bytes)
  }

  /** What stands at each chunk's place, after writing what did not. All chunks of a slot are written as one. */
  async function fixed<T>(kind: string, codec: Codec<T>, slot: number, wanted: T[]): Promise<T[]> {
    const standing: T[] = []
    for (let chunk = 0; ; chunk++) {
      const value = await written(keyOf(kind, slot, chunk), codec)
      if (value === undefined) break
      standing.push(value)
    }
    if (standing.length > 0) return standing
    const puts = wanted.map((value, chunk) => ({
      type: 'put' as const,
      sublevel: bucket,
      key: keyOf(kind, slot, chunk),
      value: codec.encode(value),
    }))
    await store.db.batch(puts, { sync: true })
    return wanted
  }

  const seal = (report: Report): SealedReport => {
    const { slot, chunk } = report
    const hash = reportHash(net, key.publicKey, report)
    return {
      commit: sealReportCommit(net, key, { slot, chunk, hash }),
      report: sealReport(net, key, report),
    }
  }

  return {
    report: (slot, rows) =>
      inTurn(async () => {
        const wanted = chunksOf(slot, rows).map((chunkRows, chunk) => ({
          slot,
          chunk,
          salt: new Uint8Array(randomBytes(32)),
          rows: chunkRows,
        }))
        return (await fixed('report', reportCodec, slot, wanted)).map(seal)
      }),
    verdicts: (slot, rows, word) =>
      inTurn(async () => {
        const wanted = chunksOf(slot, rows).map((chunkRows, chunk) => ({
          slot,
          chunk,
          rows: chunkRows,
          ...word,
        }))
        const standing = await fixed('verdict', verdictCodec, slot, wanted)
        return standing.map((value) => sealVerdicts(net, key, value))
      }),
    furtherVerdict: (slot, row, word) =>
      inTurn(async () => {
        let chunk = 0
        while ((await written(keyOf('verdict', slot, chunk), verdictCodec)) !== undefined)
          chunk += 1
        if (chunk >= MAX_CHUNKS) return undefined
        const value: Verdicts = { slot, chunk, rows: [row], ...word }
        await store.db.batch(
          [
            {
              type: 'put' as const,
              sublevel: bucket,
              key: keyOf('verdict', slot, chunk),
              value: verdictCodec.encode(value),
            },
          ],
          { sync: true },
        )
        return sealVerdicts(net, key, value)
      }),
    async reportedSlots(since) {
      const slots = new Set<number>()
      for await (const place of bucket.keys({ gte: keyOf('report', since, 0), lt: 'report0' })) {
        slots.add(Number(place.split('/')[1]))
      }
      return [...slots]
    },
  }
}

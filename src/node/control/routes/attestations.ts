import type { FastifyInstance } from 'fastify'
import { nsPerHopOf } from '../../../gpu/rates.ts'
import { type SlotNetwork, slotNetworks } from '../../../gpu/slot-network.ts'
import type { Attestations } from '../../attestations.ts'
import type { Core } from '../../core.ts'

/** One validator's word on one device in one slot. */
export interface AttestationRow {
  readonly slot: number
  readonly validator: string
  readonly miner: string
  readonly gpu: string
  /** `VALID` or a reason code; null while only the report is known. */
  readonly verdict: string | null
  /** What it counted; null without a report that a commit binds. */
  readonly steps: number | null
  readonly passes: number | null
  readonly n: number | null
  readonly bytes: number | null
  /** Of the locality chain, and the mean time of its hops; nothing rests on it. */
  readonly checkpoints: number | null
  readonly nsPerHop: number | null
  /** What was found of it: `VALID` or a reason code. */
  readonly locality: string | null
  readonly proveMs: number | null
  readonly verifyMs: number | null
  /** Content id of the transcript in hex, for `gpu verify`. */
  readonly transcript: string | null
  /** The validator contradicted itself in this slot: its word does not count. */
  readonly equivocated: boolean
}

interface Query {
  /** PeerId of a miner or a validator. */
  readonly peer?: string
  /** Newest rows only. */
  readonly limit?: string
}

const DEFAULT_ROWS = 50
const MAX_ROWS = 5000

/** `GET /v1/attestations`: testimony this node knows, newest slot first; `?peer=` of a miner or validator, `?limit=`. */
export function attestationsRoute(
  app: FastifyInstance,
  {
    core,
    proving,
  }: {
    readonly core: Pick<Core, 'net'>
    readonly proving?: { readonly attestations: Attestations } | undefined
  },
): void {
  const slots = slotNetworks[core.net.network]
  app.get<{ Querystring: Query }>('/v1/attestations', async ({ query }) => {
    const limit = Math.min(MAX_ROWS, Math.max(1, Number(query.limit) || DEFAULT_ROWS))
    const about = ({ miner, validator }: AttestationRow): boolean =>
      query.peer === undefined || miner === query.peer || validator === query.peer
    const rows = proving === undefined ? [] : rowsOf(proving.attestations, slots).filter(about)
    return { items: rows.slice(0, limit) }
  })
}

/** Every row known, newest slot first. */
export function rowsOf(attestations: Attestations, slots: SlotNetwork): AttestationRow[] {
  return attestations
    .slots()
    .toReversed()
    .flatMap(({ slot, testimony }) =>
      testimony.flatMap(({ validator, report, verdicts, equivocated }) => {
        const named = [...(report?.rows ?? []), ...(verdicts?.rows ?? [])]
        const devices = new Map(named.map(({ miner, gpu }) => [`${miner}/${gpu}`, { miner, gpu }]))
        return [...devices.values()].map(({ miner, gpu }): AttestationRow => {
          const same = (row: { miner: string; gpu: string }) =>
            row.miner === miner && row.gpu === gpu
          const counted = report?.rows.find(same)
          const judged = verdicts?.rows.find(same)
          const { openings } = judged ?? {}
          return {
            slot,
            validator,
            miner,
            gpu,
            verdict: judged?.verdict ?? null,
            steps: counted?.steps ?? null,
            passes: counted?.passes ?? null,
            n: counted?.n ?? null,
            bytes: counted?.bytes ?? null,
            checkpoints: counted?.checkpoints ?? null,
            nsPerHop: hopFigure(counted?.checkpoints, slots),
            locality: judged?.locality?.verdict ?? null,
            proveMs: judged?.proveMs ?? null,
            verifyMs: judged?.verifyMs ?? null,
            transcript: openings === undefined ? null : Buffer.from(openings).toString('hex'),
            equivocated,
          }
        })
      }),
    )
}

/** The mean time of a hop in ns to a tenth; null where no locality chain was counted. */
function hopFigure(
  checkpoints: number | undefined,
  { locality, windowMs }: SlotNetwork,
): number | null {
  if (checkpoints === undefined || checkpoints === 0) return null
  return Math.round(nsPerHopOf(checkpoints, locality.hops, windowMs.locality) * 10) / 10
}

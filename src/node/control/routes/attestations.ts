import type { FastifyInstance } from 'fastify'
import { type AttestationRow, scoreRoutes } from '../../../api/scores.ts'
import { nsPerHopOf } from '../../../gpu/rates.ts'
import { type SlotNetwork, slotNetworks } from '../../../gpu/slot-network.ts'
import type { Attestations } from '../../attestations.ts'
import type { Core } from '../../core.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'

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
  addRoute(app, scoreRoutes.listAttestations, ({ query }) => {
    const about = ({ miner, validator }: AttestationRow): boolean =>
      query.peer === undefined || miner === query.peer || validator === query.peer
    const rows = proving === undefined ? [] : rowsOf(proving.attestations, slots).filter(about)
    return pageOf(rows, query, ({ slot, validator, miner, gpu }) =>
      [slot, validator, miner, gpu].join('/'),
    )
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

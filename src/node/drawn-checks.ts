import type { Pulse } from '../beacon.ts'
import { drawVerifiers, type Voter, volunteers } from '../gpu/draw-verifiers.ts'
import type { Announcement } from '../gpu/slot.ts'
import type { Core } from './core.ts'
import { type ValidatorView, voiceOf } from './validator-view.ts'

/** Where nothing is configured a validator that was not drawn checks this share; all on a market of one machine. */
const SHARE = { local: 1, test: 0.25, finney: 0.25 } as const

/** Whether this validator pulls and checks a GPU's openings: it must when it is drawn, else it may. */
export function drawnChecks(
  { net, config, peerId }: Pick<Core, 'net' | 'config' | 'peerId'>,
  view: ValidatorView,
): (gpu: Announcement, openPulse: Pulse) => boolean {
  const share = config.sampling ?? SHARE[net.network]
  return (gpu, openPulse) => {
    const all = view.validators()
    const voters = new Map(
      all.map((one): [string, Voter] => [voiceOf(one), { ...one, id: voiceOf(one) }]),
    )
    const own = all.find((one) => one.peerId === peerId)
    const me = own === undefined ? peerId : voiceOf(own)
    return (
      drawVerifiers(openPulse, gpu, [...voters.values()]).has(me) ||
      volunteers(openPulse, gpu, me, share)
    )
  }
}

import type { Pulse } from '../beacon.ts'
import { drawVerifiers, type Voter, volunteers } from '../gpu/draw-verifiers.ts'
import type { Announcement } from '../gpu/slot.ts'
import type { Core } from './core.ts'
import { activeOf, type ValidatorView, voiceOf } from './validator-view.ts'

/**
 * What a validator that was not drawn checks where nothing is configured: everything. A miner that shows its openings to
 * one accomplice alone has a VALID, which only more than half of active stake can overrule (scoring.md §3), and whoever
 * did not look says nothing.
 */
const SHARE = 1

/** Whether this validator pulls and checks a GPU's openings: it must when it is drawn, else it may. */
export function drawnChecks(
  { config, peerId }: Pick<Core, 'config' | 'peerId'>,
  view: ValidatorView,
): (gpu: Announcement, openPulse: Pulse) => boolean {
  const share = config.sampling ?? SHARE
  return (gpu, openPulse) => {
    const all = activeOf(view.validators())
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

import { atMost } from '../../at-most.ts'
import { decodeTranscript } from '../../gpu/transcript.ts'
import { type VerdictRow, witnessHolds } from '../../protocols/attestations.ts'
import type { Attestations, GivenVerdict } from '../attestations.ts'
import type { Core } from '../core.ts'
import type { NodeEvent } from '../events.ts'
import type { FalseWitnesses } from '../false-witnesses.ts'
import type { Service } from '../service.ts'
import type { TranscriptStore } from '../transcript-store.ts'

interface Parts {
  readonly core: Pick<Core, 'net' | 'events' | 'log' | 'peerId'>
  readonly attestations: Pick<Attestations, 'verdictsOn'>
  readonly transcripts: Pick<TranscriptStore, 'get'>
  readonly witnesses: FalseWitnesses
}

/** VALIDs that wait for a look at their witness; a slot of a hundred GPUs and as many validators has ten thousand. */
const MAX_WAITING = 20_000

/**
 * Holds the witness of every VALID against the transcript it names, where this node has that: whoever vouched for bytes that
 * it never had is not heard. One at a time, 5 to 20 ms each.
 */
export const checkWitnesses = ({ core, attestations, transcripts, witnesses }: Parts): Service => {
  const { net, events, log, peerId } = core
  const inTurn = atMost(1)
  let waiting = 0

  /** A verdict that comes before this node's own finds no transcript here yet; it is looked at when that is there. */
  const concerned = ({ slot, validator, miner, gpu }: NodeEvent): GivenVerdict[] =>
    attestations
      .verdictsOn(Number(slot), String(miner), String(gpu))
      .filter((one) => one.validator === validator || validator === peerId)
      .filter((one) => one.validator !== peerId && one.row.verdict === 'VALID')

  async function check(slot: number, given: GivenVerdict): Promise<void> {
    const { validator, row } = given
    if (row.openings === undefined || witnesses.isFalse(slot, validator)) return
    const content = await transcripts.get(row.openings)
    if (content === undefined) return
    if (!holds(given, row, content)) await witnesses.add(slot, validator)
  }

  function holds({ record }: GivenVerdict, row: VerdictRow, content: Uint8Array): boolean {
    const { signature } = decodeTranscript(content).pulses.open
    return witnessHolds(net, record, row, signature, content)
  }

  return {
    name: 'check-witnesses',
    async start(signal) {
      events.subscribe((event) => {
        if (event.event !== 'attestation-seen') return
        for (const given of concerned(event)) {
          if (waiting >= MAX_WAITING) return
          waiting += 1
          void inTurn(() =>
            signal.aborted ? Promise.resolve() : check(Number(event['slot']), given),
          )
            .catch((error: unknown) => log.error('witness-not-checked', error))
            .finally(() => {
              waiting -= 1
            })
        }
      }, signal)
    },
  }
}

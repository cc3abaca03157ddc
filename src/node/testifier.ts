import { roundAt, timeOf } from '../beacon.ts'
import { messageOf } from '../errors.ts'
import type { Line } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import {
  attestationsTopic,
  type ReportRow,
  signPulse,
  type Verdicts,
} from '../protocols/attestations.ts'
import { topicName } from '../protocols/topic.ts'
import type { Attestations } from './attestations.ts'
import type { Core } from './core.ts'
import { createOwnTestimony, type PulseWord, type SealedReport } from './own-testimony.ts'
import type { PulseBook } from './pulse-book.ts'
import type { SeenOffers } from './seen-offers.ts'

/** Says in public what this validator saw; everything is written down before it is signed. */
export interface Testifier {
  /** Binds the lines of a slot before anyone's are public. */
  commit(slot: number, lines: readonly Line[]): Promise<void>
  report(slot: number, lines: readonly Line[]): Promise<void>
  /** Resolves with the rows as signed; `word` is this validator's over the open pulse, which a VALID needs. */
  verdicts(
    slot: number,
    rows: Verdicts['rows'],
    word: PulseWord | undefined,
  ): Promise<Verdicts['rows']>
  /** Says one thing more of a slot that is over, about a device of which this validator has said nothing. */
  furtherVerdict(slot: number, row: Verdicts['rows'][number], openPulse: Uint8Array): Promise<void>
  /** This validator's signature over an open pulse, 64 B. */
  signPulse(openPulse: Uint8Array): Uint8Array
  /** Goes on with what was written before this node stopped: a crash neither silences nor contradicts. */
  resume(signal: AbortSignal): Promise<void>
}

export interface TestifierNeeds {
  readonly core: Core
  readonly pulses: PulseBook
  readonly attestations: Attestations
  readonly slots: SlotNetwork
  /** What this validator saw offered; its reports say nothing of offers without it. */
  readonly seenOffers?: Pick<SeenOffers, 'of'>
}

export function createTestifier({
  core,
  pulses,
  attestations,
  slots,
  seenOffers,
}: TestifierNeeds): Testifier {
  const { net, key, log, nowMs, events, libp2p } = core
  const { beacon } = pulses
  const own = createOwnTestimony(core)

  /** Own testimony is kept beside everybody's, so that `sync` serves it, then gossiped. */
  async function publish(record: Parameters<Attestations['admit']>[0]): Promise<void> {
    await attestations.keepOwn(record)
    try {
      await libp2p.services.gossip.publish(topicName(net, attestationsTopic), record.bytes)
    } catch (error) {
      log.debug('attestation-not-published', { reason: messageOf(error) })
    }
  }

  /** A line of the slot as it stands in the report, with what is offered of a device that may be rented. */
  const rowOf =
    (slot: number) =>
    (line: Line): ReportRow => {
      const { mode, miner, gpu } = line
      const offer = mode === 'idle' ? seenOffers?.of(miner, gpu, timeOf(beacon, slot)) : undefined
      return { ...line, ...(offer === undefined ? {} : { offer }) }
    }

  async function publishCommits(slot: number, sealed: readonly SealedReport[]): Promise<void> {
    for (const { commit } of sealed) await publish(commit)
    events.emit('report-committed', { slot, rows: rowsIn(sealed) })
  }

  async function publishReports(slot: number, sealed: readonly SealedReport[]): Promise<void> {
    for (const { report } of sealed) await publish(report)
    events.emit('report-gossiped', { slot, rows: rowsIn(sealed) })
  }

  return {
    async commit(slot, lines) {
      const sealed = await own.report(slot, lines.map(rowOf(slot)))
      const leftOut = lines.length - rowsIn(sealed)
      if (leftOut > 0) log.warn('report-too-long', { slot, leftOut })
      await publishCommits(slot, sealed)
    },
    async report(slot, lines) {
      await publishReports(slot, await own.report(slot, lines.map(rowOf(slot))))
    },
    async verdicts(slot, rows, word) {
      const sealed = await own.verdicts(slot, rows, word)
      for (const record of sealed) await publish(record)
      return sealed.flatMap(({ payload }) => payload.rows)
    },
    async furtherVerdict(slot, row, openPulse) {
      const word = { openPulse, pulseSignature: signPulse(net, key, openPulse) }
      const sealed = await own.furtherVerdict(slot, row, word)
      if (sealed !== undefined) await publish(sealed)
    },
    signPulse: (openPulse) => signPulse(net, key, openPulse),
    async resume(signal) {
      const since = Math.max(1, roundAt(beacon, nowMs()) - slots.end)
      for (const slot of await own.reportedSlots(since)) {
        const sealed = await own.report(slot, [])
        if (nowMs() < timeOf(beacon, slot + slots.commit)) await publishCommits(slot, sealed)
        const waitMs = Math.max(0, timeOf(beacon, slot + slots.reveal) - nowMs())
        const timer = setTimeout(() => {
          publishReports(slot, sealed).catch((error) => log.error('report-failed', error, { slot }))
        }, waitMs)
        signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
      }
    },
  }
}

const rowsIn = (sealed: readonly SealedReport[]): number =>
  sealed.reduce((sum, { report }) => sum + report.payload.rows.length, 0)

import { timeOf } from '../../beacon.ts'
import { every } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { type Announcement, gpuKey } from '../../gpu/slot.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import {
  type ValidatorEffect,
  type ValidatorEvent,
  ValidatorSlot,
} from '../../gpu/validator-slot.ts'
import type { Verifier } from '../../gpu/verifier.ts'
import { attestationsTopic, signPulse, witnessOf } from '../../protocols/attestations.ts'
import { openingsCodec, tickCodec } from '../../protocols/challenge.ts'
import { peerIdOfKey } from '../../protocols/peer-key.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { openRecord, peekRecord, recordTypes, type Signed } from '../../protocols/signed.ts'
import { topicName } from '../../protocols/topic.ts'
import { secondsMs } from '../../units.ts'
import { announcedGpus, type CapabilityRecord } from '../announced-gpus.ts'
import type { Attestations } from '../attestations.ts'
import { checkOpenings, type Pull, type PullOutcome } from '../check-openings.ts'
import type { Core } from '../core.ts'
import { followSlots } from '../follow-slots.ts'
import { createMinerStreams } from '../miner-streams.ts'
import { createOwnTestimony, type SealedReport } from '../own-testimony.ts'
import type { HeardPulse, PulseBook } from '../pulse-book.ts'
import type { Service } from '../service.ts'
import type { TranscriptStore } from '../transcript-store.ts'
import { isPermitted, type ValidatorView } from '../validator-view.ts'

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly pulses: PulseBook
  readonly validators: ValidatorView
  readonly transcripts: TranscriptStore
  readonly attestations: Attestations
  /** The miners this node knows of. */
  readonly capabilities: { all(): readonly CapabilityRecord[] }
  readonly verifier: Verifier
}

/** How often running slots look at the clock; what passes beyond it is the event loop's lag. */
const TURN_MS = 20

/** Follows every announced miner's slots, checks what it opens, and testifies: commit, report, verdicts. */
export const challengeMiners = (parts: Parts): Service => {
  const { core, rpc, pulses, validators, transcripts, attestations, capabilities, verifier } = parts
  const { net, key, log, nowMs, events, peerId, libp2p } = core
  const slots = slotNetworks[net.network]
  const testimony = createOwnTestimony(core)
  const running = new Map<number, ValidatorSlot>()
  const gpusOf = new Map<number, ReadonlyMap<string, Announcement>>()
  const figures = new Map<
    string,
    PullOutcome & { readonly proveMs: number; readonly steps: number }
  >()
  let heardBefore: ReadonlySet<string> = new Set()
  let life = AbortSignal.abort()
  let timer: NodeJS.Timeout | undefined
  let lastTurnMs = 0

  const announced = (): Announcement[] =>
    capabilities
      .all()
      .filter(({ payload }) => payload.peerId !== peerId)
      .flatMap((record) => announcedGpus(net, slots, record))

  function begin(slot: number): void {
    if (!isPermitted(validators, peerId)) return
    const gpus = announced()
    gpusOf.set(slot, new Map(gpus.map((gpu) => [gpuKey(gpu.peerId, gpu.gpuId), gpu] as const)))
    const { beacon } = pulses
    running.set(slot, new ValidatorSlot({ net: slots, beacon, gpus, slot, heardBefore }))
    events.emit('slot-started', { slot, gpus: gpus.length })
    lastTurnMs = nowMs()
    timer ??= setInterval(turn, TURN_MS)
  }

  function feed(slot: number, event: ValidatorEvent): void {
    const machine = running.get(slot)
    for (const effect of machine?.handle(event) ?? []) {
      act(slot, effect).catch((error) => log.error('testimony-failed', error, { slot }))
    }
  }

  function turn(): void {
    const now = nowMs()
    const lagMs = now - lastTurnMs - TURN_MS
    lastTurnMs = now
    for (const slot of running.keys()) {
      const inWindow = now < timeOf(pulses.beacon, slot + slots.close)
      if (inWindow && lagMs > slots.maxLagMs) feed(slot, { type: 'abstain', why: 'LAGGED' })
      feed(slot, { type: 'time', nowMs: now })
    }
    if (running.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  async function act(slot: number, effect: ValidatorEffect): Promise<void> {
    if (effect.type === 'pull') await pull(slot, effect)
    else if (effect.type === 'commit') {
      const sealed = await testimony.report(slot, effect.lines.map(reportRow))
      for (const { commit } of sealed) await publish(commit)
      events.emit('report-committed', { slot, rows: effect.lines.length })
    } else if (effect.type === 'report') {
      await publishReport(slot, await testimony.report(slot, effect.lines.map(reportRow)))
    } else if (effect.type === 'verdicts') await publishVerdicts(slot, effect)
    else if (effect.type === 'abstained') {
      log.warn('slot-abstained', { slot, why: effect.why })
      events.emit('slot-abstained', { slot, why: effect.why })
    } else end(slot)
  }

  function end(slot: number): void {
    heardBefore = running.get(slot)?.heard ?? new Set()
    running.delete(slot)
    gpusOf.delete(slot)
    for (const place of figures.keys()) if (place.startsWith(`${slot}/`)) figures.delete(place)
  }

  async function pull(slot: number, effect: Pull): Promise<void> {
    const { miner, gpu, proveMs, final } = effect
    const place = gpuKey(miner, gpu)
    const announcement = gpusOf.get(slot)!.get(place)!
    const untilMs = timeOf(pulses.beacon, slot + slots.end) - nowMs()
    const needs = { core, rpc, verifier, transcripts, slots }
    const outcome = await checkOpenings(needs, effect, announcement, { untilMs, signal: life })
    const { result } = outcome
    if (result === 'unchecked') feed(slot, { type: 'unchecked', miner, gpu })
    else {
      figures.set(`${slot}/${place}`, { ...outcome, proveMs, steps: final.count })
      feed(slot, { type: 'checked', miner, gpu, result })
    }
  }

  async function publishReport(slot: number, sealed: readonly SealedReport[]): Promise<void> {
    for (const { report } of sealed) await publish(report)
    const rows = sealed.reduce((sum, { report }) => sum + report.payload.rows.length, 0)
    events.emit('report-gossiped', { slot, rows })
  }

  async function publishVerdicts(
    slot: number,
    { rows, openPulse }: Extract<ValidatorEffect, { type: 'verdicts' }>,
  ): Promise<void> {
    const signed = openPulse === undefined ? undefined : signPulse(net, key, openPulse.signature)
    const batch = rows.map((row) => {
      const found = figures.get(`${slot}/${gpuKey(row.miner, row.gpu)}`)
      const { at, ...rest } = row
      const valid = row.verdict === 'VALID' && signed !== undefined && found?.content !== undefined
      return {
        ...rest,
        ...(at === undefined ? {} : { at: at.filter((place) => place !== undefined) }),
        ...(valid ? { witness: witnessOf(signed, found.content!) } : {}),
        ...(found === undefined ? {} : { proveMs: found.proveMs }),
        ...(found?.verifyMs === undefined ? {} : { verifyMs: found.verifyMs }),
        ...(found?.bytes === undefined ? {} : { transcriptBytes: found.bytes }),
      }
    })
    for (const record of await testimony.verdicts(slot, batch, signed)) {
      await publish(record)
      for (const row of record.payload.rows) tell(slot, row)
    }
  }

  function tell(slot: number, row: Parameters<typeof testimony.verdicts>[1][number]): void {
    const { miner, gpu, verdict, proveMs = 0, verifyMs = 0, transcriptBytes = 0 } = row
    const place = gpuKey(miner, gpu)
    const steps = figures.get(`${slot}/${place}`)?.steps ?? 0
    const n = gpusOf.get(slot)?.get(place)?.n ?? 0
    const tops = (2 * n ** 3 * steps) / (slots.windowMs.gemm / 1000) / 1e12
    events.emit('slot-verdict', {
      slot,
      miner,
      validator: peerId,
      gpu,
      backend: gpu.startsWith('cpu') ? 'cpu' : 'gpu',
      verdict,
      proveMs,
      verifyMs,
      bytes: transcriptBytes,
      steps,
      tops: Math.round(tops * 1e4) / 1e4,
    })
  }

  /** Own testimony is judged and kept like everybody's, then gossiped. */
  async function publish(
    record: Signed<never> | Parameters<Attestations['admit']>[0],
  ): Promise<void> {
    const verdict = await attestations.admit(record as Parameters<Attestations['admit']>[0])
    if (verdict !== 'accept') log.debug('own-attestation-not-kept', { ...verdict })
    try {
      await libp2p.services.gossip.publish(topicName(net, attestationsTopic), record.bytes)
    } catch (error) {
      log.debug('attestation-not-published', { reason: messageOf(error) })
    }
  }

  /** A record from a miner's stream; false for one that no honest miner sends. */
  function onRecord(miner: string, bytes: Uint8Array, atMs: number): boolean {
    try {
      const { type, publicKey } = peekRecord(net, bytes)
      if (peerIdOfKey(publicKey) !== miner) return false
      if (type === recordTypes.tick || type === recordTypes.final) {
        const { payload } = openRecord(net, type, tickCodec, bytes)
        const kind = type === recordTypes.tick ? 'tick' : 'final'
        feed(payload.slot, { type: kind, miner, tick: payload, atMs })
      } else if (type === recordTypes.openings) {
        const { slot, gpu, content, proveMs } = openRecord(net, type, openingsCodec, bytes).payload
        feed(slot, { type: 'openings', miner, gpu, content, proveMs })
      }
      return true
    } catch (error) {
      log.info('challenge-record-refused', { miner, reason: messageOf(error) })
      return false
    }
  }

  /** What was written before this node stopped is published in its time: a crash silences nobody. */
  async function resume(): Promise<void> {
    const round = Math.floor((nowMs() - pulses.beacon.genesisMs) / pulses.beacon.periodMs) + 1
    for (const slot of await testimony.reportedSlots(Math.max(1, round - slots.end))) {
      const sealed = await testimony.report(slot, [])
      if (nowMs() < timeOf(pulses.beacon, slot + slots.commit)) {
        for (const { commit } of sealed) await publish(commit)
      }
      const waitMs = Math.max(0, timeOf(pulses.beacon, slot + slots.reveal) - nowMs())
      const timeout = setTimeout(() => {
        publishReport(slot, sealed).catch((error) => log.error('report-failed', error, { slot }))
      }, waitMs)
      life.addEventListener('abort', () => clearTimeout(timeout), { once: true })
    }
  }

  return {
    name: 'challenge-miners',
    async start(signal) {
      life = signal
      const local = net.network === 'local'
      const streams = createMinerStreams(
        {
          rpc,
          log,
          nowMs,
          onRecord,
          retryMs: secondsMs(local ? 1 : 5),
          silentMs: secondsMs(45),
        },
        signal,
      )
      void every(secondsMs(1), { signal, log, name: 'follow-miners' }, () => {
        const permitted = isPermitted(validators, peerId)
        streams.want(permitted ? [...new Set(announced().map((gpu) => gpu.peerId))] : [])
      })
      const onPulse = ({ pulse, atMs }: HeardPulse): void => {
        for (const slot of running.keys()) feed(slot, { type: 'pulse', pulse, atMs })
      }
      followSlots({ pulses, slots, nowMs }, { onSlot: begin, onPulse }, signal)
      await resume()
    },
    async stop() {
      clearInterval(timer)
      running.clear()
    },
  }
}

/** A line of the slot as it stands in the report. */
const reportRow = (line: {
  readonly miner: string
  readonly hotkey: Uint8Array
  readonly gpu: string
  readonly n: number
  readonly passes: number
  readonly steps: number
}) => ({ ...line, mode: 'idle' })

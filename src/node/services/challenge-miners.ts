import { timeOf } from '../../beacon.ts'
import { every } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { type Announcement, gpuKey } from '../../gpu/slot.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import type { ValidatorEvent } from '../../gpu/slot-testimony.ts'
import type { Verifier } from '../../gpu/verifier.ts'
import { openingsCodec } from '../../protocols/challenge.ts'
import { type Fraud, openClaim, openClaimAside, type SignedClaim } from '../../protocols/fraud.ts'
import { peerIdOfKey } from '../../protocols/peer-key.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { createSignatureChecks } from '../../protocols/signature-checks.ts'
import { openPeekedAside, peekRecord, recordTypes } from '../../protocols/signed.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import { announcedGpus, type CapabilityRecord } from '../announced-gpus.ts'
import type { Attestations } from '../attestations.ts'
import type { Core } from '../core.ts'
import { drawnChecks } from '../drawn-checks.ts'
import { followSlots } from '../follow-slots.ts'
import { ClaimMemory } from '../fraud/claim-memory.ts'
import type { Frauds } from '../fraud/fraud-book.ts'
import { equivocationOf } from '../fraud/make-fraud.ts'
import { createLookAgain } from '../look-again.ts'
import { createMinerStreams, type MinerStreams } from '../miner-streams.ts'
import type { Offers } from '../offers.ts'
import type { HeardPulse, PulseBook } from '../pulse-book.ts'
import { createSeenOffers } from '../seen-offers.ts'
import type { Service } from '../service.ts'
import { createTestifier } from '../testifier.ts'
import type { TranscriptStore } from '../transcript-store.ts'
import { ValidatorRun } from '../validator-run.ts'
import { isPermitted, type ValidatorView } from '../validator-view.ts'

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly pulses: PulseBook
  readonly validators: ValidatorView
  readonly transcripts: TranscriptStore
  readonly attestations: Attestations
  readonly frauds: Pick<Frauds, 'publish'>
  /** The miners this node knows of. */
  readonly capabilities: {
    all(): readonly CapabilityRecord[]
    /** Keeps a record that its miner handed over. */
    learn?(peerId: string, bytes: Uint8Array): Promise<void>
  }
  readonly verifier: Verifier
  /** Offers that stand: what earns must be offered. */
  readonly offers?: Pick<Offers, 'standing'>
  /** Speaks for this validator; a test lets it lie. */
  readonly testifierOf?: typeof createTestifier
  /** Told of every record with the time that counts as its arrival, before anything of it is checked. */
  readonly onArrival?: (miner: string, record: Uint8Array, atMs: number) => void
}

/** How often running slots look at the clock; what passes beyond it is the event loop's lag. */
const TURN_MS = 20

const proves = ({ backend }: CapabilityRecord['payload']): boolean => backend !== 'none'

/** Follows every announced miner's slots, checks what it opens, and testifies: commit, report, verdicts. */
export const challengeMiners = (parts: Parts): Service => {
  const { core, rpc, pulses, validators, capabilities, frauds } = parts
  const { net, log, nowMs, events, peerId } = core
  const slots = slotNetworks[net.network]
  const local = net.network === 'local'
  const seenOffers =
    parts.offers === undefined
      ? undefined
      : createSeenOffers({ net, nowMs, standing: parts.offers.standing })
  const testifier = (parts.testifierOf ?? createTestifier)({
    ...parts,
    slots,
    ...(seenOffers === undefined ? {} : { seenOffers }),
  })
  const lookAgain = createLookAgain({ ...parts, slots, testifier })
  const checks = drawnChecks(core, validators)
  const claims = new ClaimMemory()
  const signatures = createSignatureChecks(log)
  /** Proofs of two tales, one per device, published once their slot is over: before, nobody has testified about it. */
  const tales = new Map<number, Map<string, Fraud>>()
  const running = new Map<number, ValidatorRun>()
  let validBefore: ReadonlySet<string> = new Set()
  let timer: NodeJS.Timeout | undefined
  let lastTurnMs = 0

  const permitted = (): boolean => isPermitted(validators, peerId)

  /** Devices in the modes of the slot whose pulse is scheduled at `slotMs`; in the newest without one. */
  const announced = (slotMs?: number): Announcement[] =>
    capabilities
      .all()
      .filter(({ payload }) => payload.peerId !== peerId)
      .flatMap((record) => announcedGpus(net, slots, record, slotMs))

  /**
   * Whom to hear: who proves with anything, though its devices may not be announced yet (what it announces next is then
   * known at once), or still owes something to a slot that runs.
   */
  const followed = (): string[] => [
    ...announced(nowMs()).map((gpu) => gpu.peerId),
    ...capabilities
      .all()
      .flatMap(({ payload }) => (proves(payload) ? payload.peerId : []))
      .filter((miner) => miner !== peerId),
    ...[...running.values()].flatMap((run) => run.miners),
  ]

  const onClaim = (bytes: Uint8Array): void => hearClaim(openClaim(net, bytes), bytes)

  function begin(slot: number, streams: MinerStreams, life: AbortSignal): void {
    if (!permitted()) return
    const slotMs = timeOf(pulses.beacon, slot)
    const sinceMs = slotMs - slots.leadMs
    const gpus = announced(slotMs).filter((gpu) => streams.isDue(gpu.peerId, sinceMs))
    running.set(
      slot,
      new ValidatorRun(
        { ...parts, slots, testifier, checks, onClaim },
        slot,
        gpus,
        validBefore,
        life,
      ),
    )
    events.emit('slot-started', { slot, gpus: gpus.length })
    if (pulses.clockFault() !== undefined) feed(slot, { type: 'abstain', why: 'CLOCK_SKEW' })
    lastTurnMs = nowMs()
    timer ??= setInterval(() => turn(streams), TURN_MS)
  }

  const feed = (slot: number, event: ValidatorEvent): void => running.get(slot)?.handle(event)

  function turn(streams: MinerStreams): void {
    const now = nowMs()
    const lagged = now - lastTurnMs - TURN_MS > slots.maxLagMs
    lastTurnMs = now
    for (const [slot, run] of running) {
      const inWindow = now < timeOf(pulses.beacon, slot + slots.close)
      if (inWindow && lagged) run.handle({ type: 'abstain', why: 'LAGGED' })
      // What came in time is heard before it is judged.
      if (!inWindow && !streams.isHeard(inTimeUntilMs(slot, now))) continue
      run.handle({ type: 'time', nowMs: now })
      if (!run.done) continue
      validBefore = run.valid
      lookAgain.remember(slot, run.spared)
      running.delete(slot)
      tell(slot)
    }
    if (running.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  /** Until when a record had to come for what a slot decides now: its close, or its end. */
  function inTimeUntilMs(slot: number, now: number): number {
    const endMs = timeOf(pulses.beacon, slot + slots.end)
    return now < endMs ? timeOf(pulses.beacon, slot + slots.close) : endMs
  }

  /** Remembers what was claimed of a device in a running slot; a claim that contradicts another convicts its signer. */
  function hearClaim(signed: SignedClaim, bytes: Uint8Array): void {
    const { peerId: miner, claim } = signed
    const { slot, gpu } = claim
    if (running.get(slot)?.follows(miner, gpu) !== true) return
    const both = claims.hear(signed, bytes)
    const told = tales.get(slot) ?? new Map<string, Fraud>()
    if (both === undefined || told.has(gpuKey(miner, gpu))) return
    log.warn('two-tales-heard', { slot, miner, gpu })
    tales.set(slot, told.set(gpuKey(miner, gpu), equivocationOf(net, ...both)))
  }

  function tell(slot: number): void {
    for (const fraud of tales.get(slot)?.values() ?? []) {
      frauds.publish(fraud).catch((error) => log.error('fraud-not-published', error, { slot }))
    }
    tales.delete(slot)
    claims.forget(slot)
  }

  /** What a miner announces on its stream is known before the slot from which it counts. */
  function onAnnounced(miner: string, bytes: Uint8Array): void {
    capabilities.learn?.(miner, bytes).catch((error: unknown) => {
      log.info('capability-refused', { miner, reason: messageOf(error) })
    })
  }

  /** Checks a record of a miner's stream; what then hears it, or undefined for one that no honest miner sends. */
  async function onRecord(
    miner: string,
    bytes: Uint8Array,
    atMs: number,
  ): Promise<(() => void) | undefined> {
    parts.onArrival?.(miner, bytes, atMs)
    try {
      const raw = peekRecord(net, bytes)
      if (peerIdOfKey(raw.publicKey) !== miner) return undefined
      if (raw.type === recordTypes.tick || raw.type === recordTypes.final) {
        const said = await openClaimAside(net, raw, bytes, signatures.isRight)
        return () => onSaid(said, bytes, atMs)
      }
      if (raw.type !== recordTypes.openings) return () => {} // of a later version
      const { payload } = await openPeekedAside(net, raw, openingsCodec, bytes, signatures.isRight)
      const { slot, gpu, content, proveMs } = payload
      return () => feed(slot, { type: 'openings', miner, gpu, content, proveMs })
    } catch (error) {
      log.info('challenge-record-refused', { miner, reason: messageOf(error) })
      return undefined
    }
  }

  function onSaid(said: SignedClaim, bytes: Uint8Array, atMs: number): void {
    hearClaim(said, bytes)
    const { peerId: miner, claim } = said
    const event = said.isFinal
      ? { type: 'final' as const, tick: said.claim }
      : { type: 'tick' as const, tick: said.claim }
    feed(claim.slot, { ...event, miner, atMs })
  }

  return {
    name: 'challenge-miners',
    async start(signal) {
      signatures.warm() // to start it takes the processor for as long as a hundred ticks do
      const timing = {
        retryMs: secondsMs(local ? 1 : 5),
        silentMs: secondsMs(45),
        banMs: local ? secondsMs(10) : minutesMs(10),
      }
      const streams = createMinerStreams(
        { rpc, log, nowMs, onRecord, onAnnounced, ...timing },
        signal,
      )
      void every(secondsMs(1), { signal, log, name: 'follow-miners' }, () => {
        streams.want(permitted() ? followed() : [])
      })
      const lookMs = secondsMs(local ? 1 : 10)
      void every(lookMs, { signal, log, name: 'look-at-offers' }, () => seenOffers?.look())
      const onPulse = ({ pulse, atMs }: HeardPulse): void => {
        for (const run of running.values()) run.handle({ type: 'pulse', pulse, atMs })
      }
      const onSlot = (slot: number): void => begin(slot, streams, signal)
      followSlots({ pulses, slots, nowMs }, { onSlot, onPulse }, signal)
      lookAgain.start(signal)
      await testifier.resume(signal)
    },
    async stop() {
      clearInterval(timer)
      running.clear()
      await signatures[Symbol.asyncDispose]()
    },
  }
}

import { createBeacon, type Pulse } from '../beacon.ts'
import { messageOf } from '../errors.ts'
import { checkTranscript } from '../gpu/check-transcript.ts'
import { loadKernels } from '../gpu/kernels.ts'
import { gemmStatement, type Tick } from '../gpu/slot.ts'
import { type SlotNetwork, slotNetworks } from '../gpu/slot-network.ts'
import {
  announcementOf,
  beaconOf,
  decodeTranscript,
  type Transcript,
  transcriptId,
} from '../gpu/transcript.ts'
import { tickCodec } from '../protocols/challenge.ts'
import { createNetwork, KNOWN_GENESIS } from '../protocols/network.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import { openRecord, recordTypes } from '../protocols/signed.ts'

/** What anyone can find out from a transcript alone. */
export interface TranscriptFinding {
  /** `VALID`, or the code of what is wrong. */
  readonly verdict: string
  /** What is wrong, for people; empty when nothing is. */
  readonly reason: string
  /** Content id in hex. */
  readonly id: string
  readonly bytes: number
  readonly network?: string
  readonly peerId?: string
  readonly gpu?: string
  readonly slot?: number
  readonly n?: number
  readonly steps?: number
  /** Tera-operations per second over the window, if all steps were done inside it; counts are validators' testimony. */
  readonly tops?: number
  /** Crossings that were checked. */
  readonly dots?: number
  readonly verifyMs?: number
}

/**
 * Checks a transcript from nothing but its bytes: the pulses' signatures, the Final's signature, then the proof from
 * inputs derived from them. On a local network the beacon's key is the transcript's own word.
 */
export function verifyTranscript(content: Uint8Array): TranscriptFinding {
  const id = Buffer.from(transcriptId(content)).toString('hex')
  const outside = { id, bytes: content.length }
  let transcript: Transcript
  try {
    transcript = decodeTranscript(content)
  } catch (error) {
    return { verdict: 'BAD_SHAPE', reason: messageOf(error), ...outside }
  }
  const { network, peerId, gpu, slot, n } = transcript
  const about = { ...outside, network, peerId, gpu, slot, n }
  const slots = slotNetworks[network]
  try {
    const final = signedFinal(transcript)
    const pulses = signedPulses(transcript, slots)
    const statement = gemmStatement(announcementOf(transcript), pulses.start, pulses.open, final)
    const limits = slots.gemm
    const result = checkTranscript(loadKernels(), { content, statement, limits, expected: {} })
    const verifyMs = Math.ceil(result.verifyMs)
    if (!result.ok) {
      const at = result.at === undefined ? '' : ` at step, row, column ${result.at.join(', ')}`
      const reason = `the chain breaks${at}`
      return { verdict: result.why, reason, ...about, verifyMs }
    }
    const tops = (2 * n ** 3 * final.count) / (slots.windowMs.gemm / 1000) / 1e12
    const { dots } = result
    return { verdict: 'VALID', reason: '', ...about, steps: final.count, tops, dots, verifyMs }
  } catch (error) {
    return { verdict: 'BAD_COMMIT', reason: messageOf(error), ...about }
  }
}

/** The Final inside, if its PeerId signed it for this network, slot and device. */
function signedFinal({ network, netuid, genesis, final, ...t }: Transcript): Tick {
  const known = KNOWN_GENESIS[network]
  if (known !== undefined && known !== Buffer.from(genesis).toString('hex')) {
    throw new Error(`its genesis is not that of ${network}`)
  }
  const net = createNetwork(network, netuid, genesis)
  const { publicKey, payload } = openRecord(net, recordTypes.final, tickCodec, final)
  if (peerIdOfKey(publicKey) !== t.peerId) throw new Error('its Final is signed by another peer')
  if (payload.slot !== t.slot || payload.gpu !== t.gpu || payload.work !== t.work) {
    throw new Error('its Final is of another slot or device')
  }
  return payload
}

/** Both pulses, if the beacon signed them and they are those of this slot. */
function signedPulses(
  transcript: Transcript,
  slots: SlotNetwork,
): { readonly start: Pulse; readonly open: Pulse } {
  const { slot, startPulse, openPulse } = transcript
  if (slot % slots.stride !== 0) throw new Error('no slot starts at that round')
  if (startPulse.round !== slot + slots.starts.gemm || openPulse.round !== slot + slots.open) {
    throw new Error('its pulses are not those of its slot')
  }
  const beacon = createBeacon(beaconOf(transcript))
  const start = beacon.verify(startPulse.round, startPulse.signature)
  const open = beacon.verify(openPulse.round, openPulse.signature)
  if (start === null || open === null) throw new Error('the beacon never sent one of its pulses')
  return { start, open }
}

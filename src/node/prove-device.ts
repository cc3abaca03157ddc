import { describeOpened } from '../gpu/backend.ts'
import { createProver } from '../gpu/prover-process.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import { encodeTranscript } from '../gpu/transcript.ts'
import { silent } from '../log.ts'
import type { DeviceWork } from './bench/bench-machine.ts'
import type { Config } from './config.ts'
import { transcriptOf } from './make-transcript.ts'
import { ownDevices, provingDevices } from './own-devices.ts'
import { selfProve } from './self-proof.ts'
import { verifyTranscript } from './verify-transcript.ts'

/** Proofs of one's own have a beacon of their own, which only local networks allow. */
const NETWORK = 'local'

/** What came of a proof without a network. */
export interface Proven {
  readonly gpu: string
  readonly name: string
  readonly backend: string
  /** The device as its driver names it, and the kernel. */
  readonly ranOn: string
  /** `VALID`, or what our own verifier says is wrong. */
  readonly verdict: string
  readonly reason: string
  readonly n: number
  readonly fillBytes: number
  readonly passes: number
  readonly steps: number
  readonly fillMs: number
  readonly openMs: number
  /** Content id, and size in bytes. */
  readonly id: string
  readonly bytes: number
}

/**
 * Proves one device once, as in a slot of a local network, with a beacon and a key that are thrown away, and has our own
 * verifier look at it. The transcript shows that the device computes rightly, and nothing else.
 */
export async function proveDevice(
  config: Pick<Config, 'backend' | 'devices' | 'subgroupMatrix'>,
  { named, signal, onStage }: DeviceWork,
): Promise<{ readonly proven: Proven; readonly content: Uint8Array }> {
  const [device] = provingDevices(await ownDevices({ ...config, network: NETWORK }), named)
  const { sample, plan } = device!
  const { gpu } = sample
  signal.throwIfAborted()
  await using prover = createProver(plan.device, silent)
  const stop = (): void => void prover.release()
  signal.addEventListener('abort', stop, { once: true })
  const made = await selfProve({
    prover,
    gpu: gpu.id,
    sizes: plan.sizes,
    network: NETWORK,
    forMs: slotNetworks[NETWORK].windowMs,
    onStage,
  }).finally(() => signal.removeEventListener('abort', stop))
  const { proof, offline, signer } = made
  const { finals, openings, fillMs, openMs } = proof
  const { slot, beacon, pulses } = offline
  const shown = { slot, pulses, finals, openings }
  const content = encodeTranscript(transcriptOf(signer, beacon, made.gpu, shown))
  const { verdict, reason, id } = verifyTranscript(content)
  const proven: Proven = {
    gpu: gpu.id,
    name: gpu.name,
    backend: prover.backend,
    ranOn: prover.opened === undefined ? prover.backend : describeOpened(prover.opened),
    verdict,
    reason,
    n: plan.sizes.n,
    fillBytes: plan.sizes.bytes,
    passes: finals.residency.count,
    steps: finals.gemm.count,
    fillMs: Math.round(fillMs),
    openMs: Math.round(openMs),
    id,
    bytes: content.length,
  }
  return { proven, content }
}

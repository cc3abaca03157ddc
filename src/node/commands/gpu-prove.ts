import { writeFile } from 'node:fs/promises'
import { messageOf, NodeError } from '../../errors.ts'
import { describeOpened } from '../../gpu/backend.ts'
import { createProver } from '../../gpu/prover-process.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import { encodeTranscript } from '../../gpu/transcript.ts'
import { silent } from '../../log.ts'
import { reasonOf } from '../config.ts'
import { transcriptOf } from '../make-transcript.ts'
import { createOutput } from '../output.ts'
import { ownDevices, provingDevices, refuseWhileMining } from '../own-devices.ts'
import { selfProve } from '../self-proof.ts'
import { verifyTranscript } from '../verify-transcript.ts'
import type { CommandContext, Run } from './command.ts'

/** Proofs of one's own have a beacon of their own, which only local networks allow. */
const NETWORK = 'local'

/** What `gpu prove` prints. */
export interface ProveResult {
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
  /** Where it was written; null without --out. */
  readonly file: string | null
}

/**
 * Proves one device once, as in a slot of a local network, with a beacon and a key that are thrown away: exit code 0
 * when our own verifier accepts it, else 1. The transcript shows that the device computes rightly, and nothing else.
 */
export const gpuProve: Run = async (context) => {
  const { args, config, terminal, signal } = context
  await refuseWhileMining(config, signal)
  const output = createOutput(terminal, config)
  const [device] = provingDevices(await ownDevices({ ...config, network: NETWORK }), args[0])
  const { sample, plan } = device!
  const { gpu } = sample
  await using prover = createProver(plan.device, silent)
  const stop = (): void => void prover.release()
  signal.addEventListener('abort', stop, { once: true })
  const made = await selfProve({
    prover,
    gpu: gpu.id,
    sizes: plan.sizes,
    network: NETWORK,
    forMs: slotNetworks[NETWORK].windowMs,
    onStage: output.progress,
  }).finally(() => signal.removeEventListener('abort', stop))
  const { proof, offline, signer } = made
  const { finals, openings, fillMs, openMs } = proof
  const { slot, beacon, pulses } = offline
  const proven = { slot, pulses, finals, openings }
  const content = encodeTranscript(transcriptOf(signer, beacon, made.gpu, proven))
  const { verdict, reason, id } = verifyTranscript(content)
  const result: ProveResult = {
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
    file: await written(content, context),
  }
  output.value(result, () => described(result), id)
  return verdict === 'VALID' ? 0 : 1
}

async function written(
  content: Uint8Array,
  { config: { out } }: CommandContext,
): Promise<string | null> {
  if (out === undefined) return null
  try {
    await writeFile(out, content)
    return out
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `cannot write ${out}: ${reasonOf(cause)}`, {
      cause: messageOf(cause),
      next: 'name a file that this user may write',
    })
  }
}

const described = (result: ProveResult): string =>
  [
    result.verdict === 'VALID' ? 'VALID' : `${result.verdict}: ${result.reason}`,
    `  device     ${result.gpu}, ${result.name}, by ${result.backend}`,
    `  ran on     ${result.ranOn}`,
    `  work       ${result.passes} passes over ${result.fillBytes} bytes, ${result.steps} steps of n = ${result.n}`,
    `  times      filled in ${result.fillMs} ms, opened in ${result.openMs} ms`,
    `  transcript ${result.id} (${result.bytes} bytes)`,
    ...(result.file === null
      ? []
      : [`  written to ${result.file}; compute-node gpu verify ${result.file} checks it`]),
  ].join('\n')

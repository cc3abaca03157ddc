import { writeFile } from 'node:fs/promises'
import { messageOf, NodeError } from '../../errors.ts'
import { reasonOf } from '../config.ts'
import { createOutput } from '../output.ts'
import { refuseWhileMining } from '../own-devices.ts'
import { type Proven, proveDevice } from '../prove-device.ts'
import type { CommandContext, Run } from './command.ts'

/** What `gpu prove` prints. */
export interface ProveResult extends Proven {
  /** Where it was written; null without --out. */
  readonly file: string | null
}

/** Proves one device once: exit code 0 when our own verifier accepts it, else 1. */
export const gpuProve: Run = async (context) => {
  const { args, config, terminal, signal } = context
  await refuseWhileMining(config, signal)
  const output = createOutput(terminal, config)
  const onStage = (stage: string): void => output.progress(stage)
  const { proven, content } = await proveDevice(config, { named: args[0], signal, onStage })
  const result: ProveResult = { ...proven, file: await written(content, context) }
  output.value(result, () => described(result), proven.id)
  return proven.verdict === 'VALID' ? 0 : 1
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

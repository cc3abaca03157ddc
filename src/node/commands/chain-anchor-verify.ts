import { readFile, stat } from 'node:fs/promises'
import { earliestOf } from '../../chain/earliest.ts'
import { connectChain } from '../../chain/subtensor.ts'
import { NodeError } from '../../errors.ts'
import type { Network } from '../../protocols/network.ts'
import { PROOF_MAX_BYTES } from '../anchor-proof.ts'
import {
  type AnchorCheck,
  type AnchorFinding,
  checkAnchor,
  type OpenChainOf,
} from '../check-anchor.ts'
import { reasonOf } from '../config.ts'
import { createLog } from '../log-to-stderr.ts'
import { createOutput } from '../output.ts'
import type { CommandContext } from './command.ts'

/** What `chain anchor --verify FILE… --json` prints. */
export interface AnchorsVerified {
  /** VALID when every file is. */
  readonly verdict: 'VALID' | 'INVALID'
  readonly items: readonly AnchorFinding[]
  /** Who was first, where all files prove one record and that can be told; else null. */
  readonly first: string | null
}

/** Checks proofs by their bytes, and on the chain of `--chain`; several of one record tell who anchored it first. */
export async function verifyAnchored(
  files: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { config, terminal } = context
  await using stack = new AsyncDisposableStack()
  const chainOf = config.chain.length === 0 ? undefined : opener(config.chain, context, stack)
  const items: AnchorFinding[] = []
  for (const file of files) items.push(await checkAnchor(file, await content(file), chainOf))
  const verdict = items.every((one) => one.verdict === 'VALID') ? 'VALID' : 'INVALID'
  const first = verdict === 'VALID' ? firstOf(items) : undefined
  const result: AnchorsVerified = { verdict, items, first: first?.hotkey ?? null }
  const out = createOutput(terminal, config)
  out.value(result, () => [...items.flatMap(lines), ...tellFirst(items, first)].join('\n'), verdict)
  if (chainOf === undefined)
    out.note('checked by its bytes alone: give --chain to see that the chain held it')
  return verdict === 'VALID' ? 0 : 1
}

/** One connection for all files of a chain. */
function opener(
  urls: readonly string[],
  context: CommandContext,
  stack: AsyncDisposableStack,
): OpenChainOf {
  const { config, signal } = context
  const log = createLog({ level: config.logLevel, json: config.json })
  const connected = (async () => {
    const chain = await connectChain(urls, { log, signal, failFast: true })
    stack.defer(() => chain.close())
    return chain
  })()
  connected.catch(() => undefined) // told to whoever asks for it
  return async ({ genesis, name }: Network) => {
    const chain = await connected
    if (Buffer.compare(chain.genesis, genesis) === 0) return chain
    throw new NodeError(
      'BAD_CONFIG_CHAIN',
      `${chain.info().endpoint} is not the chain of ${name}`,
      {
        next: 'give the chain that the proof names with --chain',
      },
    )
  }
}

/** Who anchored the one record of several files first; undefined for other records, or when it cannot be told. */
function firstOf(items: readonly AnchorFinding[]): AnchorFinding | undefined {
  if (new Set(items.map(({ id, network }) => `${network}/${id}`)).size !== 1) return undefined
  const earliest = earliestOf(
    items.map((of) => ({ of, by: of.hotkey!, block: of.block!, index: of.index ?? null })),
  )
  return earliest.kind === 'first' ? earliest.claim.of : undefined
}

function tellFirst(items: readonly AnchorFinding[], first: AnchorFinding | undefined): string[] {
  if (items.length < 2) return []
  return first === undefined
    ? ['who was first cannot be told from these files']
    : [`first: ${first.hotkey}, in block ${first.block}`]
}

const lines = ({ verdict, file, id, checks }: AnchorFinding): string[] => [
  `${verdict} ${file}`,
  ...(id === undefined ? [] : [`  record   ${id}`]),
  ...checks.map(told),
]

const told = ({ name, ok, detail }: AnchorCheck): string =>
  `  ${name.padEnd(8)} ${ok ? 'ok ' : 'BAD'} ${detail}`

async function content(file: string): Promise<string> {
  try {
    if ((await stat(file)).size <= PROOF_MAX_BYTES) return await readFile(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, reasonOf(cause), cause)
  }
  throw unreadable(file, 'it is too large for a proof')
}

const unreadable = (file: string, reason: string, cause?: unknown): NodeError =>
  new NodeError('BAD_CONFIG_FILE', `cannot read ${file}: ${reason}`, {
    cause,
    next: 'name a file that chain anchor --prove ID --out FILE wrote',
  })

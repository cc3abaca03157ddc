import { readFile, stat, writeFile } from 'node:fs/promises'
import type { ReceiptRow, ReceiptsAnswer } from '../../api/leases.ts'
import { NodeError } from '../../errors.ts'
import { EVIDENCE_MAX_BYTES } from '../../protocols/lease-evidence.ts'
import { reasonOf } from '../config.ts'
import { checkEvidence, type EvidenceCheck } from '../leases/check-evidence.ts'
import { type Column, createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { counted } from './counted.ts'
import { leasePath } from './lease-path.ts'

const columns = (asset: string): readonly Column<ReceiptRow>[] => [
  { title: 'SEQ', value: ({ seq }) => seq, align: 'right' },
  { title: 'AT', value: ({ atMs }) => new Date(atMs).toISOString() },
  { title: 'SERVED', value: ({ upMs }) => `${(upMs / 1000).toFixed(1)} s`, align: 'right' },
  { title: `OWED ${asset}`, value: ({ owed }) => owed, align: 'right' },
  { title: 'COUNTERSIGNED', value: ({ countersigned }) => (countersigned ? 'yes' : 'no') },
  { title: 'FINAL', value: ({ final }) => final, shrinks: true },
]

/**
 * Lists a lease's newest receipts, and what all come to, after checking both signatures, every link of the chain and every amount; with `--export`,
 * writes them to a file. With `--verify` it checks such a file by its bytes alone: 0 when it is VALID, 1 when not.
 */
export const receipts: Run = (context) => {
  const { args, config } = context
  if (config.verify !== undefined && (args.length > 0 || config.export !== undefined)) {
    throw new NodeError('BAD_CONFIG_USAGE', '--verify reads a file, and nothing of a lease here', {
      next: 'compute-node receipts --verify FILE',
    })
  }
  if (config.verify !== undefined) return verified(config.verify, context)
  if (args[0] === undefined) {
    throw new NodeError('BAD_CONFIG_USAGE', 'the lease is missing', {
      next: 'compute-node receipts LEASE, or compute-node receipts --verify FILE',
    })
  }
  return listed(args[0], context)
}

const listed = (lease: string, context: CommandContext): Promise<number> =>
  withNode(context, async (client) => {
    const { config, terminal, signal } = context
    const answer = await client.get<ReceiptsAnswer>(leasePath(lease, '/receipts'), signal)
    const output = createOutput(terminal, config)
    if (config.export !== undefined) {
      await written(config.export, Buffer.from(answer.evidence, 'base64'))
      output.note(`written to ${config.export}: compute-node receipts --verify ${config.export}`)
    }
    if (config.json) {
      output.value(answer, () => '')
      return 0
    }
    const { claimed, acknowledged, asset, items } = answer
    const newest = config.all ? items : items.slice(-config.limit)
    output.list(newest, {
      columns: columns(answer.asset),
      id: ({ seq }) => String(seq),
      none: 'no receipts yet',
    })
    const shown = newest.length < items.length ? `, the newest ${newest.length} shown (--all)` : ''
    output.note(
      `${counted(items.length, 'receipt')}${shown}, chain verified: ${claimed} ${asset} claimed, ${acknowledged} countersigned`,
    )
    return 0
  })

async function verified(file: string, { config, terminal }: CommandContext): Promise<number> {
  const finding = checkEvidence(await content(file))
  const { verdict, lease, network, checks } = finding
  createOutput(terminal, config).value(
    finding,
    () =>
      [
        verdict,
        ...(lease === undefined ? [] : [`  lease ${lease} on ${network}`]),
        ...checks.map(told),
      ].join('\n'),
    verdict,
  )
  return verdict === 'VALID' ? 0 : 1
}

const told = ({ name, ok, detail }: EvidenceCheck): string =>
  `  ${name.padEnd(17)}${ok ? 'ok ' : 'BAD'} ${detail}`

async function content(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file)
    if (size <= EVIDENCE_MAX_BYTES) return await readFile(file)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `cannot read ${file}: ${reasonOf(cause)}`, {
      cause,
      next: 'name a file that compute-node receipts LEASE --export FILE wrote',
    })
  }
  throw new NodeError('BAD_CONFIG_FILE', `${file} is too large for a lease's receipts`)
}

async function written(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `cannot write ${file}: ${reasonOf(cause)}`, {
      cause,
      next: 'name a file in a folder that can be written to',
    })
  }
}

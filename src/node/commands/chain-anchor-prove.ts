import { writeFile } from 'node:fs/promises'
import { NodeError } from '../../errors.ts'
import type { Network } from '../../protocols/network.ts'
import { type Anchor, keptAnchors, unpackIds } from '../anchor-file.ts'
import { earliestAnchor, makeProof } from '../anchor-proof.ts'
import { reasonOf } from '../config.ts'
import { networkOf } from '../network-of.ts'
import { createOutput } from '../output.ts'
import { withRecordsHere } from '../records-here.ts'
import { withChain } from '../with-chain.ts'
import type { CommandContext } from './command.ts'
import { ownIdentity } from './own-keys.ts'

/** Writes the proof that a record was anchored, by the earliest anchor that holds it, to `--out` or stdout. */
export async function proveAnchored(named: string, context: CommandContext): Promise<number> {
  const { config, terminal } = context
  const { recordKey } = await ownIdentity(context)
  const net = await networkHere(context)
  const anchors = await keptAnchors(config.dataDir, net)
  const id = idOf(anchors, named)
  const record = await withRecordsHere(context, net, recordKey.publicKey, (records) =>
    records.record(id),
  )
  const text = `${JSON.stringify(makeProof(net, earliestAnchor(anchors, id)!, id, record), null, 1)}\n`
  const out = createOutput(terminal, config)
  if (config.out === undefined) terminal.stdout.write(text)
  else {
    await written(config.out, text)
    out.note(`written to ${config.out}: compute-node chain anchor --verify ${config.out}`)
  }
  if (record === undefined) out.note('the record itself is kept here no longer: it shows its id')
  return 0
}

/** A local network that was told no genesis takes that of its chain; any other is known without one. */
async function networkHere(context: CommandContext): Promise<Network> {
  const { config } = context
  if (config.network !== 'local' || config.genesis !== undefined) return networkOf(config)
  return withChain(context, async ({ net }) => net)
}

/** @throws NOTHING_MATCHED when no anchor that stands holds it, or several records begin so */
function idOf(anchors: readonly Anchor[], named: string): Uint8Array {
  if (!/^[0-9a-f]{12,64}$/i.test(named)) {
    throw new NodeError('BAD_CONFIG_USAGE', `${named} is no id of a record`, {
      next: 'give its first 12 hex digits at least',
    })
  }
  const found = new Map<string, Uint8Array>()
  for (const { block, ids } of anchors) {
    if (block === undefined) continue
    for (const id of unpackIds(ids)) {
      const text = Buffer.from(id).toString('hex')
      if (text.startsWith(named.toLowerCase())) found.set(text, id)
    }
  }
  const [id, another] = found.values()
  if (id !== undefined && another === undefined) return id
  const what = another === undefined ? 'no record of that id is' : 'several records of that id are'
  throw new NodeError('NOTHING_MATCHED', `${what} anchored by this data folder`, {
    next: 'anchor first: compute-node chain anchor; its newest 168 anchors are kept',
  })
}

async function written(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `cannot write ${file}: ${reasonOf(cause)}`, {
      cause,
      next: 'choose another --out',
    })
  }
}

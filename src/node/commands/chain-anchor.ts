import { encodeAddress } from '../../chain/ss58.ts'
import { NodeError } from '../../errors.ts'
import { anchorRecords } from '../anchor-records.ts'
import { createOutput } from '../output.ts'
import { withRecordsHere } from '../records-here.ts'
import { withChain } from '../with-chain.ts'
import { proveAnchored } from './chain-anchor-prove.ts'
import { verifyAnchored } from './chain-anchor-verify.ts'
import type { CommandContext, Run } from './command.ts'
import { askConsent } from './consent.ts'
import { counted } from './counted.ts'
import { ownHotkey, ownIdentity } from './own-keys.ts'

/** What `chain anchor --json` prints. */
export interface AnchoredResult {
  readonly hotkey: string
  readonly records: number
  readonly recordsRoot: string
  readonly seq: number
  readonly block: number
  /** Place of the transaction in its block; null where the chain does not tell it. */
  readonly index: number | null
  /** False when it stood already. */
  readonly anchored: boolean
}

/** Anchors the records of this data folder's node for the wallet's hotkey; `--prove` and `--verify` show one of them. */
export const chainAnchor: Run = async (context) => {
  const { config, args } = context
  if (config.verify !== undefined) return verifyAnchored([config.verify, ...args], context)
  if (args.length > 0) {
    throw new NodeError('BAD_CONFIG_USAGE', `${args[0]} belongs to no file`, {
      next: 'compute-node chain anchor --verify FILE FILE…',
    })
  }
  return config.prove === undefined ? anchor(context) : proveAnchored(config.prove, context)
}

async function anchor(context: CommandContext): Promise<number> {
  const { config, terminal } = context
  const hotkey = await ownHotkey(context)
  const { recordKey } = await ownIdentity(context)
  return withChain(context, async ({ chain, net }) => {
    const peerKey = recordKey.publicKey
    const ids = await withRecordsHere(context, net, peerKey, (records) => records.ids())
    const agree = async (count: number): Promise<void> => {
      if (terminal.stdin.isTTY !== true) return // a script that calls this wants it
      const what = `This anchors ${counted(count, 'record')} for ${hotkey.address}: one transaction, without a fee.`
      await askConsent(context, { what, declined: 'nothing was sent' })
    }
    const { dataDir } = config
    const needs = { chain, net, hotkey, dataDir, peerKey, ids, agree }
    const { anchor: held, isNew } = await anchorRecords(needs)
    const result: AnchoredResult = {
      hotkey: encodeAddress(held.hotkey),
      records: held.ids.length / 32,
      recordsRoot: Buffer.from(held.recordsRoot).toString('hex'),
      ...{ seq: held.seq, block: held.block, index: held.index ?? null, anchored: isNew },
    }
    createOutput(terminal, config).value(result, () => told(result), result.recordsRoot)
    return 0
  })
}

const told = ({ records, hotkey, block, anchored }: AnchoredResult): string =>
  anchored
    ? `${counted(records, 'record')} anchored for ${hotkey} in block ${block}`
    : `nothing changed: ${counted(records, 'record')} stand since block ${block}`

import type { OwnRecordDocument, OwnRecordsAnswer } from '../api/network.ts'
import { codeOf, NodeError } from '../errors.ts'
import type { Network } from '../protocols/network.ts'
import type { CommandContext } from './commands/command.ts'
import { type ControlClient, createControlClient } from './control/client.ts'
import { controlSocketPath, createDataFolder, lockDataFolder } from './data-folder.ts'
import { ownRecord, ownRecordIds } from './own-records.ts'
import { openStore, type Store } from './store.ts'

/** The records that the node of a data folder signed, whether it runs or not. */
export interface RecordsHere {
  ids(): Promise<Uint8Array[]>
  /** As it travels; undefined when it is kept no longer. */
  record(id: Uint8Array): Promise<Uint8Array | undefined>
}

/**
 * Asks the node that runs in the data folder, or reads its store while none does.
 * @throws BAD_CONFIG_CHAIN when the node is of another market; BAD_CONFIG_LOCKED
 */
export async function withRecordsHere<T>(
  { config, signal }: Pick<CommandContext, 'config' | 'signal'>,
  net: Network,
  publicKey: Uint8Array,
  work: (records: RecordsHere) => Promise<T>,
): Promise<T> {
  using client = createControlClient(await controlSocketPath(config.dataDir))
  const answer = await unlessAbsent('FAILED_NOT_RUNNING', () =>
    client.get<OwnRecordsAnswer>('/v1/own-records', signal),
  )
  if (answer !== undefined) return work(asked(client, net, answer, signal))
  const folder = await createDataFolder(config.dataDir)
  await using stack = new AsyncDisposableStack()
  stack.use(await lockDataFolder(folder))
  return await work(read(stack.use(await openStore(folder.storeFolder)), net, publicKey))
}

function asked(
  client: ControlClient,
  net: Network,
  answer: OwnRecordsAnswer,
  signal: AbortSignal,
): RecordsHere {
  if (answer.net !== net.name) {
    throw new NodeError('BAD_CONFIG_CHAIN', `the node here is of ${answer.net}, not ${net.name}`, {
      next: 'correct --chain, --network, --netuid or --data-dir',
    })
  }
  return {
    ids: async () => answer.ids.map((id) => new Uint8Array(Buffer.from(id, 'hex'))),
    async record(id) {
      const path = `/v1/own-records/${Buffer.from(id).toString('hex')}`
      const found = await unlessAbsent('NOTHING_MATCHED', () =>
        client.get<OwnRecordDocument>(path, signal),
      )
      return found && new Uint8Array(Buffer.from(found.base64, 'base64'))
    },
  }
}

const read = (store: Store, net: Network, publicKey: Uint8Array): RecordsHere => ({
  ids: () => ownRecordIds(store, net, publicKey),
  record: (id) => ownRecord(store, net, publicKey, id),
})

async function unlessAbsent<T>(code: string, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (codeOf(error) === code) return undefined
    throw error
  }
}

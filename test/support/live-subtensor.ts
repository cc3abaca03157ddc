import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import type { SubmittableExtrinsic } from '@polkadot/api/types'
import { cryptoWaitReady } from '@polkadot/util-crypto'

const TAO = 1_000_000_000n
const SLOW_MS = 300_000

/** A real runtime behind SUBTENSOR_WS, with a subnet of its own for a test. */
export interface LiveSubtensor {
  readonly netuid: number
  /** Neurons the new subnet has from the start. */
  readonly neurons: number
  /** Whether transactions of one signer may wait for each other. */
  readonly queues: boolean
  /** A privileged call of the `adminUtils` pallet; nothing where this runtime has none of that name. */
  admin(name: string, ...args: unknown[]): Promise<void>
  /** Builds a block where the node builds none by itself. */
  nextBlock(): Promise<void>
  close(): Promise<void>
}

/**
 * Makes a subnet on a development chain whose sudo is //Alice: a localnet, or chopsticks, which lets storage be written
 * (dev_setStorage) and blocks be asked for (dev_newBlock).
 */
export async function prepareLive(url: string): Promise<LiveSubtensor> {
  await cryptoWaitReady()
  const provider = new WsProvider(url, 1000, {}, SLOW_MS)
  const api = await ApiPromise.create({ provider: provider as never, noInitWarn: true })
  const { methods } = (await api.rpc.rpc.methods()).toJSON() as { methods: string[] }
  const writable = methods.includes('dev_setStorage')
  const rpc = (method: string, params: unknown[]) => provider.send(method, params)
  const alice = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Alice')
  const nextBlock = async (): Promise<void> => {
    if (writable) await rpc('dev_newBlock', [{ count: 1 }])
    else await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const send = (tx: SubmittableExtrinsic<'promise'>): Promise<void> =>
    new Promise((resolve, reject) => {
      tx.signAndSend(alice, { nonce: -1 }, ({ isFinalized, isError, dispatchError, events }) => {
        if (isError || dispatchError !== undefined)
          reject(new Error(dispatchError?.toString() ?? 'refused'))
        const sudid = events.find(({ event }) => api.events.sudo!.Sudid!.is(event))
        if (sudid?.event.data[0]?.toString().includes('Err')) reject(new Error(`${sudid.event}`))
        if (isFinalized) resolve()
      }).catch(reject)
    })
  const module = api.query['subtensorModule']!
  if (writable) {
    const funds = { providers: 1, data: { free: String(1_000_000n * TAO) } }
    const storage = {
      Sudo: { Key: alice.address },
      System: { Account: [[[alice.address], funds]] },
    }
    await rpc('dev_setStorage', [storage])
    await rpc('dev_newBlock', [{ count: 12 }]) // a new subnet is taken every so many blocks only
  }
  const owner = new Keyring({ type: 'sr25519' }).addFromUri(`//owner${Date.now()}`)
  const register = api.tx['subtensorModule']!['registerNetwork']!
  await send(register(...[owner.address, 1].slice(0, register.meta.args.length)))
  const netuids = (await module['networksAdded']!.keys()).map((key) => Number(String(key.args[0])))
  const netuid = Math.max(...netuids)
  const calls = api.tx['adminUtils']!
  const admin = async (name: string, ...args: unknown[]): Promise<void> => {
    if (calls[name] !== undefined) await send(api.tx['sudo']!['sudo']!(calls[name](...args)))
  }
  const wanted: readonly [string, ...unknown[]][] = [
    ['sudoSetTempo', netuid, 10],
    ['sudoSetWeightsSetRateLimit', netuid, 0],
    ['sudoSetMinAllowedWeights', netuid, 1],
    ['sudoSetMaxWeightLimit', netuid, 65_535],
    ['sudoSetCommitRevealWeightsEnabled', netuid, false],
  ]
  for (const [name, ...args] of wanted) await admin(name, ...args)
  if (writable) {
    const pool = [[[netuid], String(1000n * TAO)]]
    await rpc('dev_setStorage', [{ SubtensorModule: { SubnetTAO: pool, SubnetAlphaIn: pool } }])
    await nextBlock()
  }
  const neurons = Number((await module['subnetworkN']!(netuid)).toString())
  return { netuid, neurons, queues: !writable, admin, nextBlock, close: () => api.disconnect() }
}

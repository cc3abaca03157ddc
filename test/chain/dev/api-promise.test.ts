// An unmodified ApiPromise (as an ES module, not our adapter's copy) against the dev chain.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import type { SubmittableExtrinsic } from '@polkadot/api/types'
import type { KeyringPair } from '@polkadot/keyring/types'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DevChain, startDevChain } from '../../../src/chain/dev/start-dev-chain.ts'
import { quietConsole } from '../../../src/chain/subtensor/quiet-console.ts'
import { silent } from '../../../src/log.ts'

const TAO = 1_000_000_000n
type Tx = SubmittableExtrinsic<'promise'>

describe.each([218, 424] as const)('spec %d', (spec) => {
  const life = new AbortController()
  let folder = ''
  let dev: DevChain
  let api: ApiPromise
  let alice: KeyringPair
  let bob: KeyringPair

  beforeAll(async () => {
    quietConsole(silent)
    await cryptoWaitReady()
    alice = new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Alice')
    bob = new Keyring({ type: 'ed25519', ss58Format: 42 }).addFromUri('//EdBob')
    folder = await mkdtemp(join(tmpdir(), 'cn-api-'))
    const options = { dataDir: folder, spec, blockMs: 100, tempo: 5, log: silent }
    dev = await startDevChain({ ...options, signal: life.signal })
    const provider = new WsProvider(dev.url) as never
    api = await ApiPromise.create({ provider, noInitWarn: true })
    expect((await send(transfer(bob.address, 10n * TAO), alice)).outcome).toBe('ok')
  })
  afterAll(async () => {
    await api.disconnect()
    await dev.close()
    await rm(folder, { recursive: true })
  })

  const transfer = (to: string, rao: bigint): Tx =>
    api.tx['balances']!['transferKeepAlive']!(to, rao)

  /** The outcome in a final block, as text, and the names of its events. */
  const send = (tx: Tx, signer: KeyringPair, options: object = { nonce: -1 }) =>
    new Promise<{ outcome: string; events: string[] }>((resolve, reject) => {
      const done = tx.signAndSend(signer, options, ({ isFinalized, dispatchError, events }) => {
        if (!isFinalized) return
        const names = events.map(({ event }) => `${event.section}.${event.method}`)
        if (dispatchError === undefined) return resolve({ outcome: 'ok', events: names })
        const outcome = dispatchError.isModule
          ? api.registry.findMetaError(dispatchError.asModule).name
          : dispatchError.toString()
        resolve({ outcome, events: names })
      })
      done.catch(reject)
    })

  test('constants, defaults of absent entries, and lists of keys', async () => {
    expect(String(api.consts['balances']!['existentialDeposit'])).toBe('500')
    const subtensor = api.query['subtensorModule']!
    expect((await subtensor['tempo']!(7)).toJSON()).toBe(spec === 218 ? 30 : 360)
    expect((await subtensor['uids']!(1, alice.address)).toJSON()).toBeNull()
    expect(await subtensor['keys']!.entries(1)).toEqual([])
    expect(String((await api.rpc.system.properties()).tokenSymbol)).toBe('[TAO]')
  })

  test('heads and balances are told as they change', async () => {
    const heads: number[] = []
    const balances: bigint[] = []
    const stopHeads = await api.rpc.chain.subscribeNewHeads(({ number }) => {
      heads.push(number.toNumber())
    })
    const stopBalance = (await api.query['system']!['account']!(bob.address, (account: object) => {
      balances.push(BigInt(String((account as { data: { free: object } }).data.free)))
    })) as unknown as () => void
    await send(transfer(bob.address, 5n), alice)
    while (balances.length < 2 || heads.length < 3) await new Promise((r) => setTimeout(r, 20))
    expect(balances.at(-1)! - balances[0]!).toBe(5n)
    expect(heads).toEqual(heads.map((_, i) => heads[0]! + i))
    stopHeads()
    stopBalance()
  })

  test('both signature schemes, events and nonces', async () => {
    const before = (await api.rpc.system.accountNextIndex(alice.address)).toNumber()
    const { events } = await send(transfer(bob.address, 7n), alice)
    expect(events).toEqual(['balances.Transfer', 'system.ExtrinsicSuccess'])
    expect((await send(transfer(alice.address, 3n), bob)).outcome).toBe('ok')
    expect((await api.rpc.system.accountNextIndex(alice.address)).toNumber()).toBe(before + 1)
  })

  test('a nonce that comes early waits for the one before it', async () => {
    const next = (await api.rpc.system.accountNextIndex(alice.address)).toNumber()
    const order: string[] = []
    const late = send(transfer(bob.address, 2n), alice, { nonce: next + 1 })
    const note = (name: string) => (outcome: { outcome: string }) => {
      order.push(`${name} ${outcome.outcome}`)
    }
    const second = late.then(note('second'))
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(order).toEqual([])
    await send(transfer(bob.address, 1n), alice, { nonce: next }).then(note('first'))
    await second
    expect(order).toHaveLength(2)
  })

  test('a batch is all or nothing', async () => {
    const batch = (...rao: bigint[]): Tx =>
      api.tx['utility']!['batchAll']!(rao.map((one) => transfer(bob.address, one)))
    expect((await send(batch(1n, 2n), alice)).events).toEqual([
      'balances.Transfer',
      'utility.ItemCompleted',
      'balances.Transfer',
      'utility.ItemCompleted',
      'utility.BatchCompleted',
      'system.ExtrinsicSuccess',
    ])
    const free = async () => (await api.query['system']!['account']!(bob.address)).toHex()
    const before = await free()
    const failed = await send(batch(1n, 10n ** 18n), alice)
    expect(failed).toEqual({
      outcome: '{"token":"FundsUnavailable"}',
      events: ['system.ExtrinsicFailed'],
    })
    expect(await free()).toBe(before)
  })

  test('what is not modelled is refused, never accepted', async () => {
    expect((await send(api.tx['system']!['remark']!('0x00'), alice)).outcome).toBe('CallFiltered')
    const tempo = api.tx['adminUtils']!['sudoSetTempo']!(1, 99)
    expect((await send(tempo, alice)).outcome).toBe('BadOrigin')
    expect((await send(api.tx['sudo']!['sudo']!(tempo), bob)).outcome).toBe('RequireSudo')
  })

  test('a changed signature, an old nonce, a taken nonce and another genesis are refused', async () => {
    const good = await transfer(bob.address, 5n).signAsync(alice, { nonce: -1 })
    const bytes = good.toU8a()
    bytes[60]! ^= 1
    await expect(api.rpc.author.submitExtrinsic(bytes)).rejects.toThrow(/1010.*badProof/)
    await expect(send(transfer(bob.address, 5n), alice, { nonce: 0 })).rejects.toThrow(
      /1010.*stale/,
    )
    const genesisHash = `0x${'11'.repeat(32)}`
    await expect(
      send(transfer(bob.address, 5n), alice, { nonce: -1, genesisHash }),
    ).rejects.toThrow(/1010/)
    const nonce = (await api.rpc.system.accountNextIndex(alice.address)).toNumber() + 3
    await transfer(bob.address, 5n).signAndSend(alice, { nonce })
    await expect(transfer(bob.address, 6n).signAndSend(alice, { nonce })).rejects.toThrow(/1014/)
  })

  test('fees, immortal signing, and reading a block back at its hash', async () => {
    const info = await transfer(bob.address, 5n).paymentInfo(alice)
    expect(String(info.partialFee)).toBe('0')
    const nonce = await api.rpc.system.accountNextIndex(bob.address)
    expect((await send(transfer(alice.address, 5n), bob, { era: 0, nonce })).outcome).toBe('ok')
    const head = await api.rpc.chain.getFinalizedHead()
    const { block } = await api.rpc.chain.getBlock(head)
    const at = await api.at(head)
    const number = (await at.query['system']!['number']!()).toJSON()
    expect(number).toBe(block.header.number.toNumber())
    expect(block.header.hash.toHex()).toBe(head.toHex())
  })
})

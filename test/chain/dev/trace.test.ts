// The dev chain against what the real runtime of spec 218 answered, call by call (recorded once, notes beside each gap).
import { readFileSync } from 'node:fs'
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces'
import { beforeAll, expect, test } from 'vitest'
import { executeBlock } from '../../../src/chain/dev/block-author.ts'
import { putFree } from '../../../src/chain/dev/calls/balances.ts'
import type { SignedExtrinsic } from '../../../src/chain/dev/extrinsics.ts'
import { assertPoolTakes } from '../../../src/chain/dev/pool-guard.ts'
import { RpcError } from '../../../src/chain/dev/rpc-error.ts'
import { Runtime } from '../../../src/chain/dev/runtime.ts'
import { Storage } from '../../../src/chain/dev/storage.ts'
import { VersionedState } from '../../../src/chain/dev/versioned-state.ts'
import { silent } from '../../../src/log.ts'

interface Step {
  readonly name: string
  readonly call: string
  readonly signer: string
  readonly ok: boolean
  readonly err: string | null
  readonly events: readonly string[]
}

const steps = JSON.parse(
  readFileSync(new URL('../../vectors/chain-trace-218.json', import.meta.url), 'utf8'),
) as Step[]

const TAO = 1_000_000_000n
const NETUID = 2
const TEMPO = 10
/** serve_axon is not modelled: it is refused as CallFiltered. */
const modelled = steps.filter(({ name }) => !name.startsWith('serveAxon'))

/** Faults of our own code, which the chain turns into a failed call. */
const faults: unknown[] = []

class Replay {
  readonly runtime = new Runtime(218)
  readonly state = new VersionedState(0, [], 1000)
  readonly storage = new Storage(this.runtime, this.state)
  block = 0

  constructor() {
    const { storage } = this
    storage.put('sudo', 'key', [], steps[0]!.signer)
    for (const signer of new Set(steps.map((step) => step.signer)))
      putFree(storage, signer, 100_000n * TAO)
    storage.put('balances', 'totalIssuance', [], 1_000_000n * TAO)
    storage.put('subtensorModule', 'networksAdded', [1], true)
    this.commit()
  }

  commit(): void {
    this.state.apply(this.block, this.storage.take())
  }

  skip(blocks: number): void {
    this.block += blocks
  }

  /** What the pool or the block answered: null, or the error as the recording names it. */
  run({ call, signer }: Step): { err: string | null; events: string[] } {
    const method = this.runtime.registry.createType('Call', call)
    const extrinsic = { method } as unknown as SignedExtrinsic['extrinsic']
    const transaction = { signer, extrinsic } as SignedExtrinsic
    try {
      assertPoolTakes(this.storage, transaction)
    } catch (error) {
      if (error instanceof RpcError)
        return { err: `submit:${error.code}: ${error.data}`, events: [] }
      throw error
    }
    this.block++
    const parentHash = `0x${'00'.repeat(32)}`
    const place = { number: this.block, parentHash, timeMs: 0, netuids: [] }
    const log = { ...silent, error: (_: string, error: unknown) => faults.push(error) }
    executeBlock(this.storage, place, [transaction], log)
    this.commit()
    return this.outcome()
  }

  outcome(): { err: string | null; events: string[] } {
    const codec = this.storage.codec('system', 'events') as unknown as Iterable<EventRecord>
    const records = [...codec].map(({ event }) => event)
    const events = records.map(({ section, method }) => `${section}.${method}`)
    const failed = records[events.indexOf('system.ExtrinsicFailed')]
    if (failed === undefined) return { err: null, events }
    const error = failed.data[0] as unknown as DispatchError
    if (!error.isModule) return { err: error.toString(), events }
    const { section, name } = this.runtime.registry.findMetaError(error.asModule)
    return { err: `${section}.${name}`, events }
  }
}

/** What the recording did besides sending calls: blocks passed, and storage was written for it. */
function prepare(replay: Replay, { name }: Step): void {
  const { storage } = replay
  const module = 'subtensorModule'
  if (name === 'addStake 1000 TAO')
    for (const pool of ['subnetTAO', 'subnetAlphaIn'])
      storage.put(module, pool, [NETUID], 1000n * TAO)
  // That runtime's epoch permits everybody in every block.
  const n = storage.number(module, 'subnetworkN', NETUID)
  if (n > 0) storage.put(module, 'validatorPermit', [NETUID], Array(n).fill(true))
  const span = TEMPO + 1
  if (name.startsWith('commitWeights'))
    while ((replay.block + NETUID + 2) % span !== 0) replay.skip(1)
  if (name === 'revealWeights') replay.skip(span)
  if (name === 'revealWeights expired') replay.skip(3 * span)
  if (name === 'setCommitment Raw') replay.skip(100)
}

let replay: Replay
beforeAll(() => {
  replay = new Replay()
})

/** What the recording left out of its lists, and what the table has no rows for. */
const listed = (events: readonly string[]): string[] =>
  events.filter((event) => {
    if (/^(system\.Extrinsic|balances\.)/.test(event)) return false
    const known =
      /^subtensorModule\.(NetworkAdded|TempoSet|WeightsSet|NeuronRegistered|StakeAdded|Weights(Committed|Revealed))$/
    return known.test(event) || /^(sudo|commitments)\./.test(event)
  })

test.each(modelled)('$name', (step) => {
  prepare(replay, step)
  const { err, events } = replay.run(step)
  expect(faults).toEqual([])
  expect(err).toBe(step.err)
  expect(listed(events)).toEqual(listed(step.events))
})

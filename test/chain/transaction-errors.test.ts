import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiPromise } from '@polkadot/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { openApi } from '../../src/chain/subtensor/connection.ts'
import { poolError } from '../../src/chain/subtensor/transaction-errors.ts'
import { Sender } from '../../src/chain/subtensor/transactions.ts'
import { silent } from '../../src/log.ts'

describe.each([218, 424] as const)('what a failed transaction tells, spec %d', (spec) => {
  const life = new AbortController()
  let folder = ''
  let dev: DevChain
  let api: ApiPromise
  let sender: Sender
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cn-errors-'))
    const options = { dataDir: folder, spec, blockMs: 100, log: silent, signal: life.signal }
    dev = await startDevChain(options)
    const connection = await openApi([dev.url], options)
    api = connection.api
    sender = new Sender(connection, life.signal)
  })
  afterAll(async () => {
    life.abort()
    await api.disconnect()
    await dev.close()
    await rm(folder, { recursive: true })
  })
  const sudo = (method: string, ...args: unknown[]) =>
    sender.send(
      () => api.tx['sudo']!['sudo']!(api.tx['adminUtils']![method]!(...args)),
      DEV_ACCOUNT,
    )

  test('a call that sudo made and that failed is no success', async () => {
    const { events } = await sudo('sudoSetTempo', 1, 20)
    expect(events).toContain('sudo.Sudid')
    await expect(sudo('sudoSetTempo', 77, 20)).rejects.toMatchObject({
      code: 'CHAIN_INNER',
      details: { stage: 'inner', error: 'SubnetDoesNotExist', retry: 'never' },
    })
  })

  test('a call that failed in its block says when to try again', async () => {
    const someone = keyFromSeed('sr25519', new Uint8Array(32).fill(3))
    const call = () => api.tx['commitments']!['setCommitment']!(1, { fields: [{ Raw1: '0x01' }] })
    await expect(sender.send(call, someone)).rejects.toMatchObject({
      code: 'CHAIN_DISPATCH',
      details: { stage: 'dispatch', error: 'AccountNotAllowedCommit', retry: 'never' },
    })
  })

  test('numbers of the pool mean what this runtime means by them', () => {
    const told = (data: string) =>
      poolError(api, `1010: Invalid Transaction: ${data}`, undefined).details
    expect(told('{"invalid":{"custom":3}}')).toMatchObject({
      stage: 'pool',
      error: spec === 218 ? 'NotEnoughStakeToSetWeights' : 'SubnetNotExists',
      retry: 'never',
    })
    expect(told('Custom error: 6')).toMatchObject(
      spec === 218 ? { error: 'Custom6' } : { error: 'RateLimitExceeded', retry: 'afterBlocks' },
    )
    expect(told('Transaction is outdated')).toMatchObject({ retry: 'nextBlock' })
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createBeacon } from '../../src/beacon.ts'
import { isDevGenesis } from '../../src/chain/dev/header.ts'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { devChainInfo, followPulses, type RawPulse } from '../../src/chain/pulses.ts'
import { silent } from '../../src/log.ts'

test('pulses are true, in order, one per period, and resume where a restart cut them', async () => {
  const life = new AbortController()
  const folder = await mkdtemp(join(tmpdir(), 'cn-pulses-'))
  const options = { dataDir: folder, beaconPeriodMs: 100, log: silent, signal: life.signal }
  let dev = await startDevChain(options)
  const { genesis, stateRoot, beacon: told } = await devChainInfo(dev.url)
  expect(isDevGenesis(genesis, stateRoot)).toBe(true)
  expect(isDevGenesis(genesis, `0x${'00'.repeat(32)}`)).toBe(false)
  const beacon = createBeacon(told)
  const seen: RawPulse[] = []
  const following = followPulses(dev.url, (pulse) => seen.push(pulse), {
    log: silent,
    signal: life.signal,
  })
  const until = async (count: number): Promise<void> => {
    while (seen.length < count) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await until(3)
  await dev.close()
  const port = Number(new URL(dev.url).port)
  dev = await startDevChain({ ...options, port })
  const before = seen.length
  await until(before + 3)
  life.abort()
  await following
  await dev.close()
  await rm(folder, { recursive: true })
  const first = seen[0]!.round
  expect(seen.map(({ round }) => round)).toEqual(seen.map((_, i) => first + i))
  for (const { round, signature } of [seen[0]!, seen.at(-1)!])
    expect(beacon.verify(round, signature)).not.toBeNull()
})

test('what listens but is no dev chain is told from one that does not listen', async () => {
  await expect(devChainInfo('ws://127.0.0.1:9')).rejects.toMatchObject({
    code: 'CHAIN_UNREACHABLE',
  })
})

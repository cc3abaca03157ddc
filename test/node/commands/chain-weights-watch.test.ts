// `chain weights --watch` over the death of its chain: it says that it waits, and goes on where the chain does.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connectChain } from '../../../src/chain/subtensor.ts'
import { silent } from '../../../src/log.ts'
import { watchWeights } from '../../../src/node/commands/chain-weights.ts'
import { configWith } from '../../../src/node/config.ts'
import { createNetwork } from '../../../src/protocols/network.ts'
import { startCli } from '../../support/run-cli.ts'

/** A chain in a process of its own, once it answers; ended with the test. */
async function startChain(dataDir: string, port: string) {
  const place = ['--data-dir', dataDir, '--port', port, '--netuid', '1']
  const child = startCli(['chain', 'dev', '--json', '--block-ms', '300', ...place])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  const { url } = JSON.parse(line) as { readonly url: string }
  const die = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { url, die }
}

test('a lost chain is said once, waited for, and watched again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-watch-'))
  onTestFinished(() => rm(folder, { recursive: true, maxRetries: 5 }))
  const first = await startChain(join(folder, 'chain'), '0')
  const life = new AbortController()
  const { signal } = life
  const chain = await connectChain(first.url, { log: silent, signal, waitMs: 200 })
  onTestFinished(() => chain.close())
  const said: string[] = []
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  createInterface({ input: stderr }).on('line', (line) => said.push(line))
  stdout.resume()
  const config = configWith({ dataDir: join(folder, 'node') })
  const context = { config, args: [], rest: undefined, terminal: { stdin, stdout, stderr }, signal }
  const open = { chain, net: createNetwork('local', 1, chain.genesis) }
  const watching = watchWeights(open, context, 500)
  const told = (what: RegExp, after = 0) => {
    const isSaid = (): boolean => said.slice(after).some((line) => what.test(line))
    return Promise.race([vi.waitUntil(isSaid, { timeout: 40_000 }), watching])
  }
  await told(/^block [1-9]/)
  await first.die()
  await told(/the chain does not answer/)
  const second = await startChain(join(folder, 'chain'), new URL(first.url).port)
  await told(/the chain answers again/)
  await told(/^block \d+/, said.indexOf('the chain answers again'))
  const blocks = said.flatMap((line) => /^block (\d+)/.exec(line)?.[1] ?? []).map(Number)
  expect(blocks).toEqual([...new Set(blocks)].sort((a, b) => a - b))
  expect(said.filter((line) => line.includes('does not answer'))).toHaveLength(1)
  life.abort()
  await watching
  await second.die()
}, 120_000)

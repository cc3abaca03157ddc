// `chain weights --watch` over the death of its chain: it says that it waits, and goes on where the chain does.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { startCli } from '../../support/run-cli.ts'

const folders: string[] = []
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  for (const folder of folders) await rm(folder, { recursive: true, maxRetries: 5 })
})

async function startChain(
  folder: string,
  port: number,
): Promise<{ child: ChildProcess; url: string }> {
  const args = ['chain', 'dev', '--json', '--block-ms', '300', '--port', `${port}`]
  const child = startCli([...args, '--data-dir', folder])
  children.push(child)
  for await (const line of createInterface({ input: child.stdout! }))
    return { child, url: (JSON.parse(line) as { url: string }).url }
  throw new Error('the chain ended before it was ready')
}

test('a lost chain is said, waited for, and watched again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-watch-'))
  folders.push(folder)
  const first = await startChain(join(folder, 'chain'), 0)
  const place = ['--network', 'local', '--data-dir', join(folder, 'node')]
  const watch = startCli(['chain', 'weights', '--watch', ...place, '--chain', first.url])
  children.push(watch)
  const said: string[] = []
  createInterface({ input: watch.stderr! }).on('line', (line) => said.push(line))
  watch.stdout!.resume()
  const told = async (what: RegExp, after = 0): Promise<number> => {
    for (;;) {
      const at = said.findIndex((line, i) => i >= after && what.test(line))
      if (at >= 0) return at
      expect(watch.exitCode, said.join('\n')).toBeNull()
      await sleep(50)
    }
  }
  await told(/^block [1-9]/)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const lost = await told(/the chain does not answer/)
  await startChain(join(folder, 'chain'), Number(new URL(first.url).port))
  const back = await told(/the chain answers again/, lost)
  await told(/^block \d+/, back)
  const blocks = said.flatMap((line) => /^block (\d+)/.exec(line)?.[1] ?? []).map(Number)
  expect(blocks).toEqual([...new Set(blocks)].sort((a, b) => a - b))
  expect(said.filter((line) => line.includes('does not answer'))).toHaveLength(1)
  watch.kill('SIGINT')
  const [code] = (await once(watch, 'exit')) as [number]
  expect(code).toBe(0)
}, 120_000)

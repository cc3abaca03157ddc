import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { YOUNG_BYTES, youngGrowth } from '../../src/node/young-generation.ts'
import { MiB } from '../../src/units.ts'

const file = new URL('../../src/node/young-generation.ts', import.meta.url)

/** Prints how large the young generation of a process of its own became under objects that live a while. */
const work = (bounds: string) => `
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { setImmediate as turn } from 'node:timers/promises'
setFlagsFromString('--semi-space-growth-factor=1')
${bounds}
const held = []
for (let i = 0; i < 4000; i++) {
  held[i % 200] = Array.from({ length: 2000 }, (_, at) => ({ at }))
  if (i % 4 === 0) await turn()
}
console.log(getHeapSpaceStatistics().find(({ space_name: n }) => n === 'new_space').space_size)`

async function youngBytes(bounds: string): Promise<number> {
  const args = ['--input-type=module', '-e', work(bounds)]
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS)/.test(name)),
  )
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return Number(stdout)
}

const bounded = `import { boundYoungGeneration, freeYoungGeneration } from ${JSON.stringify(pathToFileURL(file.pathname).href)}
boundYoungGeneration({ afterMs: 1, everyMs: 1 })`

it('lets the young generation grow up to its bound', async () => {
  expect(await youngBytes('')).toBeLessThan(YOUNG_BYTES)
  expect(await youngBytes(`setFlagsFromString('--semi-space-growth-factor=2')`)).toBeGreaterThan(
    4 * YOUNG_BYTES,
  )
  const grown = await youngBytes(bounded)
  expect(grown).toBeGreaterThanOrEqual(YOUNG_BYTES)
  // The last doubling may fall between two looks.
  expect(grown).toBeLessThanOrEqual(2 * YOUNG_BYTES + MiB)
  expect(await youngBytes(`${bounded}\nfreeYoungGeneration()`)).toBeGreaterThan(4 * YOUNG_BYTES)
}, 120_000)

it('grows what is smaller', () => {
  expect([0, YOUNG_BYTES - 1, YOUNG_BYTES, 64 * MiB].map((size) => youngGrowth(size))).toEqual([
    2, 2, 1, 1,
  ])
})

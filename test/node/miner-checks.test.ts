import { expect, test } from 'vitest'
import type { Log } from '../../src/log.ts'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { type Finding, finding } from '../../src/node/doctor/finding.ts'
import { exitCodeOf } from '../../src/node/exit-codes.ts'
import { createMinerChecks } from '../../src/node/miner-checks.ts'
import { checkMachine } from '../../src/node/services/check-machine.ts'

const found = (check: string, ok: boolean, required = true): Finding =>
  finding(check, ok, { required, actual: 'none', wanted: 'some', remedy: `mend ${check}` })

/** A machine on which is found what the test says. */
function world(first: Finding[]) {
  const state = { found: first }
  const warned: unknown[] = []
  const log: Log = { ...silent, warn: (_, fields) => void warned.push(fields) }
  const core = { config: configWith({}), log }
  const minerChecks = createMinerChecks({ core, check: async () => state.found })
  const start = () => checkMachine({ core, minerChecks }).start(new AbortController().signal)
  return { state, warned, minerChecks, start }
}

test.each([
  ['disk', 'STORE_NO_SPACE', 1],
  ['port-4001', 'BAD_CONFIG_LISTEN', 2],
])('without %s a miner does not start, and says why', async (check, code, exitCode) => {
  const { start } = world([found('clock', true), found(check, false)])
  const error = await start().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({
    code,
    message: expect.stringContaining(check),
    next: `mend ${check}`,
  })
  expect(exitCodeOf(error)).toBe(exitCode)
})

test('what else lacks is a warning with its remedy, once as long as it lacks', async () => {
  const { start, state, warned, minerChecks } = world([
    found('docker', false),
    found('clock', false),
  ])
  await start()
  const about = (check: string) => ({ check, reason: 'none', next: `mend ${check}` })
  expect(warned).toEqual([about('docker'), about('clock')])
  const { signal } = new AbortController()
  await minerChecks.look(signal)
  expect(warned).toHaveLength(2)
  state.found = [found('docker', true), found('clock', false)]
  await minerChecks.look(signal)
  expect(minerChecks.findings().filter(({ ok }) => !ok)).toMatchObject([{ check: 'clock' }])
  state.found = [found('docker', false)]
  await minerChecks.look(signal)
  expect(warned.slice(2)).toEqual([about('docker')])
})

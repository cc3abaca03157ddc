import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../src/node/config.ts'
import { networkOf } from '../src/node/network-of.ts'
import { listTemplates } from '../src/node/templates.ts'

const folder = join(import.meta.dirname, '../config')
const examples = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('there is an example per role and network', () => {
  const roles = ['miner', 'relay', 'renter', 'validator']
  const expected = roles.flatMap((role) => [`${role}.finney.json`, `${role}.local.json`])
  const more = ['miner-engines.finney.json', 'miner-volumes.finney.json']
  expect(examples.toSorted()).toEqual([...expected, ...more].toSorted())
})

test.each(examples)('%s is a configuration', (name) => {
  const [role, network] = name.replace(/-\w+/, '').split('.')
  const flags = new Map([['config', [join(folder, name)]]] as const)
  const config = loadConfig({ flags })
  expect(config).toMatchObject({ roles: [role], network })
  expect(networkOf(config).name).toMatch(new RegExp(`^${network}-`))
})

test('the one about volumes keeps more of them, for longer, than a miner that says nothing', () => {
  const of = (name: string) =>
    loadConfig({ flags: new Map([['config', [join(folder, name)]]] as const) })
  const [more, usual] = [of('miner-volumes.finney.json'), of('miner.finney.json')]
  for (const key of ['volumeTotal', 'volumeShare', 'volumeCount', 'volumeTtl'] as const) {
    expect(more[key]).toBeGreaterThan(usual[key])
  }
  expect(more.volumeShare).toBeLessThanOrEqual(more.volumeTotal)
})

test('every file here is read by a test, and README.md names the one about volumes', async () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  // Dashboards: test/monitoring-config.test.ts.
  const others = files.filter(
    (name) => !examples.includes(name) && name.endsWith('.json') && !name.startsWith('grafana'),
  )
  const templates = (await listTemplates()).map(({ name }) => join('templates', `${name}.json`))
  expect(others.toSorted()).toEqual(templates)
  const readme = readFileSync(join(folder, 'README.md'), 'utf8')
  expect(readme).toContain('`miner-volumes.finney.json`')
})

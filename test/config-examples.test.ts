import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../src/node/config.ts'
import { networkOf } from '../src/node/network-of.ts'

const folder = join(import.meta.dirname, '../config')
const examples = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('there is an example per role and network', () => {
  const roles = ['miner', 'relay', 'renter', 'validator']
  const expected = roles.flatMap((role) => [`${role}.finney.json`, `${role}.local.json`])
  expect(examples.toSorted()).toEqual(expected)
})

test.each(examples)('%s is a configuration', (name) => {
  const [role, network] = name.split('.')
  const flags = new Map([['config', [join(folder, name)]]] as const)
  const config = loadConfig({ flags })
  expect(config).toMatchObject({ roles: [role], network })
  expect(networkOf(config).name).toMatch(new RegExp(`^${network}-`))
})

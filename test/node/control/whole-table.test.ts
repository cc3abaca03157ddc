import { expect, test } from 'vitest'
import type { RouteDeclaration } from '../../../src/api/route.ts'
import { apiRoutes } from '../../../src/api/table.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { localNode } from '../../support/local-node.ts'

test('a node serves every declared route, and what it answers is what is declared', async () => {
  await using node = await localNode({ roles: ['renter'] })
  const wanted: readonly RouteDeclaration[] = Object.values(apiRoutes)
  const missing = wanted.filter((route) => !node.control.declared.has(route))
  expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([])
  const strangers = [...node.control.declared].filter((route) => !wanted.includes(route))
  expect(strangers.map(({ method, path }) => `${method} ${path}`)).toEqual([])

  using client = createControlClient(node.control.socketPath)
  const asked = wanted.filter(
    ({ method, kind, path }) => method === 'GET' && kind === 'json' && !path.includes(':'),
  )
  expect(asked.length).toBeGreaterThan(15)
  const refused: string[] = []
  for (const { path, answer } of asked) {
    const query = path.startsWith('/v1/earnings') ? '?hotkey=5Grw&from=0&to=1' : ''
    const found = await client.get(path + query).catch((error: { code: string }) => {
      refused.push(`${path} ${error.code}`)
    })
    if (found !== undefined)
      expect([path, answer!.safeParse(found).error]).toEqual([path, undefined])
  }
  // What is of miners alone; anything else answers.
  expect(refused.filter((text) => !text.endsWith('NOTHING_MATCHED'))).toEqual([])
})

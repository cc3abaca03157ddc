import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { RouteDeclaration } from '../../src/api/route.ts'
import { apiRoutes } from '../../src/api/table.ts'

const folder = join(import.meta.dirname, '../../src/api')
const declared: readonly (readonly [string, RouteDeclaration])[] = Object.entries(apiRoutes)

test('the table has every route of every resource, each method and path once', async () => {
  const files = globSync('*.ts', { cwd: folder })
  const modules = await Promise.all(files.map((file) => import(join(folder, file))))
  const groups = modules
    .flatMap((module: Record<string, unknown>) => Object.entries(module))
    .filter(([name]) => name.endsWith('Routes') && name !== 'apiRoutes')
  const names = groups.flatMap(([, group]) => Object.keys(group as object))
  expect(names.toSorted()).toEqual(Object.keys(apiRoutes).toSorted())
  const paths = declared.map(([, { method, path }]) => `${method} ${path}`)
  expect(paths.filter((path, i) => paths.indexOf(path) !== i)).toEqual([])
})

test.each(declared)('%s says what it takes and gives', (_, route) => {
  const inPath = [...route.path.matchAll(/:([a-z]+)/gi)].map(([, name]) => name)
  const params = route.params instanceof z.ZodObject ? Object.keys(route.params.shape) : []
  expect(params).toEqual(inPath)
  expect(route.summary).not.toMatch(/\.$/)
  if (route.kind === 'json') expect(route.answer).toBeDefined()
  if (route.method === 'GET') expect(route.body).toBeUndefined()
})

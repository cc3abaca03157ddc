import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
const { dependencies, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
  files: string[]
}

test('the image runs on the Node that the program brings, as nobody with privileges', () => {
  const [, major] = /NODE_IMAGE=node:(\d+)/.exec(dockerfile) ?? []
  expect(major).toBe(dependencies['node']?.split('.')[0])
  expect(dockerfile.split(/^FROM/m).at(-1)).toContain('\nUSER compute-node\n')
})

test('what is copied from the build is there, and is what the package ships', () => {
  const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map((m) => m[1]!)
  const made = ['dist', 'node_modules']
  expect(copied.filter((path) => !made.includes(path) && !existsSync(join(root, path)))).toEqual([])
  const needed = files.filter((path) => ['bin', 'dist', 'config'].includes(path))
  expect(needed).toHaveLength(3)
  expect(needed.filter((path) => !copied.includes(path))).toEqual([])
})

test('nothing that a machine keeps to itself is sent to the engine', () => {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  expect(ignored).toEqual(expect.arrayContaining(['.git', '.devnet', 'node_modules']))
})

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consoleRoots, serveConsole } from '../../../src/node/control/serve-console.ts'

const around = mkdtempSync(join(tmpdir(), 'cn-console-'))
const folder = join(around, 'console')
let app: FastifyInstance

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(around, 'secret.txt'), 'secret')
  writeFileSync(join(folder, '.stamp'), 'of the build')
  writeFileSync(join(folder, 'index.html'), '<!doctype html>the page')
  writeFileSync(join(folder, 'theme.js'), '// theme')
  writeFileSync(join(folder, 'assets/index-4f1c22.js'), '// code')
  app = fastify()
  serveConsole(app, folder)
  await app.ready()
})
afterAll(async () => {
  await app.close()
  rmSync(around, { recursive: true })
})

const get = (url: string) => app.inject({ method: 'GET', url })

test.each(['/', '/market', '/leases/4f1c22/terminal', '/rent/4f1c22?hours=2'])(
  '%s answers the page, never kept, under a policy without inline scripts and frames',
  async (url) => {
    const { statusCode, headers, body } = await get(url)
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: '<!doctype html>the page' })
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    })
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/script-src|unsafe-eval/)
  },
)

test('files with a hash in their name are kept for good, others are asked for again', async () => {
  const asset = await get('/assets/index-4f1c22.js')
  expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  expect(asset.headers['content-type']).toContain('javascript')
  expect((await get('/theme.js')).headers['cache-control']).toBe('no-cache')
})

test.each([
  '/assets/gone.js',
  '/assets/..%2findex.html',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/.stamp',
  '/assets/',
  '/elsewhere',
  '/v1/nothing',
])('%s is no file of the console, and that is not remembered', async (url) => {
  const { statusCode, headers, body } = await get(url)
  expect([403, 404]).toContain(statusCode)
  expect(body).not.toContain('the page')
  expect(body).not.toBe('secret')
  expect(String(headers['cache-control'])).not.toContain('immutable')
})

test('a console that was never built says how to', async () => {
  const other = fastify()
  serveConsole(other, join(around, 'nowhere'))
  const { statusCode, body } = await other.inject('/market')
  expect(statusCode).toBe(503)
  expect(body).toContain('npm run build:console')
  await other.close()
})

test('every page of the console has its address here', () => {
  const pages = readFileSync(
    join(import.meta.dirname, '../../../src/console/app/pages.tsx'),
    'utf8',
  )
  const roots = [...pages.matchAll(/path: '\/([a-z]+)/g)].map((match) => match[1]!)
  expect(roots.length).toBeGreaterThan(0)
  expect(roots.filter((root) => !(consoleRoots as readonly string[]).includes(root))).toEqual([])
})

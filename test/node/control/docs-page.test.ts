import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { apiRoutes } from '../../../src/api/table.ts'
import { silent } from '../../../src/log.ts'
import { docsRoute } from '../../../src/node/control/routes/docs.ts'
import { startControl } from '../../../src/node/control/server.ts'

test('/docs names every resource, to anybody, and takes nothing from elsewhere', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-docs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await using control = await startControl({
    parts: {},
    routes: [docsRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    apiPort: 0,
    log: silent,
  })
  const { status, headers, page } = await fetch(`${control.apiUrl}/docs`).then(async (got) => ({
    status: got.status,
    headers: got.headers,
    page: await got.text(),
  }))
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  for (const { method, path } of Object.values(apiRoutes))
    expect(page).toContain(`<code>${method} ${path.replace(/:(\w+)/g, '{$1}')}</code>`)
  expect(page).not.toMatch(/<(script|link|img|iframe)/)
  expect([...page.matchAll(/href="([^"]*)"/g)].map(([, to]) => to)).toEqual(['/openapi.json'])
})

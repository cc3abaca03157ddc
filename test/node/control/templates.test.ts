import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { template } from '../../../src/api/templates.ts'
import { silent } from '../../../src/log.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { templatesRoute } from '../../../src/node/control/routes/templates.ts'
import { startControl } from '../../../src/node/control/server.ts'
import { listTemplates } from '../../../src/node/templates.ts'

test('the templates that come with the program are told as they are declared', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-templates-'))
  const control = await startControl({
    parts: {},
    routes: [templatesRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    log: silent,
  })
  onTestFinished(() => control[Symbol.asyncDispose]())
  const client = createControlClient(control.socketPath)
  onTestFinished(() => client[Symbol.dispose]())
  const { items } = await client.get<{ items: unknown[] }>('/v1/templates')
  expect(items).toEqual(await listTemplates())
  for (const one of items) expect(template.parse(one)).toEqual(one)
})

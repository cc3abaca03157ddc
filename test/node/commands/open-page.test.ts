import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openPage } from '../../../src/node/commands/open-page.ts'
import { createOutput } from '../../../src/node/output.ts'

const output = createOutput(process, { json: true, quiet: true, color: false })

test.runIf(process.platform === 'linux')(
  'a browser is given a file that leads to the page, and no secret in its arguments',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cn-page-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const [browser, log] = [join(folder, 'browser'), join(folder, 'log')]
    const script = `#!/bin/sh\nprintf %s "$*" >${log}.part && mv ${log}.part ${log}\n`
    await writeFile(browser, script, { mode: 0o755 })
    vi.stubEnv('BROWSER', browser)
    vi.stubEnv('DISPLAY', '')
    onTestFinished(() => void vi.unstubAllEnvs())
    const page = await openPage('http://127.0.0.1:1/lab?token=5ec4e7', folder, output)
    const shown = await vi.waitFor(() => readFile(log, 'utf8'), { timeout: 20_000 })
    expect(shown).not.toContain('5ec4e7')
    expect(await readFile(shown, 'utf8')).toContain('url=http://127.0.0.1:1/lab?token=5ec4e7"')
    expect((await stat(shown)).mode & 0o777).toBe(0o600)
    await page[Symbol.asyncDispose]()
    expect(await readdir(join(folder, 'pages'))).toEqual([])
  },
)

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { requireOrSkip } from '../../support/skips.ts'

const child = join(import.meta.dirname, '../../support/raw-child.ts')
const hasScript = spawnSync('script', ['--version']).status === 0

describe.skipIf(!requireOrSkip(hasScript, 'script(1) of util-linux'))('a real terminal', () => {
  test.each(['dispose', 'throw', 'exit', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGABRT'])(
    'is raw meanwhile and given back as it was after %s',
    { timeout: 60_000 },
    async (way) => {
      const line = `stty -g; '${process.execPath}' '${child}' ${way} 2>/dev/null; stty -g`
      const terminal = spawn('script', ['-qec', line, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, SHELL: '/bin/sh' },
      })
      const [printed] = await Promise.all([text(terminal.stdout), once(terminal, 'close')])
      const rows = printed.trim().split(/\r?\n/)
      expect(rows[1]).toMatch(/^raw true/)
      expect(rows[0]).toMatch(/^[0-9a-f]+:/)
      expect(rows.at(-1)).toBe(rows[0])
    },
  )
})

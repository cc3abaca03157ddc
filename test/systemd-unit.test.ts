import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { requireOrSkip } from './support/skips.ts'

const unit = join(import.meta.dirname, '../config/systemd/compute-node@.service')
const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })
const hasSystemd = requireOrSkip(analyze('--version').status === 0, 'systemd-analyze')

test.skipIf(!hasSystemd)('systemd finds nothing wrong with the unit, and little exposed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cn-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'compute-node@main.service')
  cpSync(unit, file)
  const { status, stdout, stderr } = analyze('verify', '--man=no', file)
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  const exposed = analyze('security', '--offline=yes', '--threshold=30', file)
  expect(exposed.status).toBe(0)
})

test('the unit stops a node in order, and waits for what it asks', () => {
  const lines = readFileSync(unit, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
  for (const line of [
    'User=compute-node',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'KillSignal=SIGTERM',
    'KillMode=mixed',
    'RestartPreventExitStatus=2',
  ]) {
    expect(lines).toContain(line)
  }
  expect(lines.find((line) => line.startsWith('ExecStartPost='))).toContain('/readyz')
})

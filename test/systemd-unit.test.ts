import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
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
})

test('a start waits until the node is ready, and for no node that has ended', async () => {
  const [, program = ''] = /^ExecStartPost=-\/usr\/bin\/env node -e '(.*)'$/m.exec(
    readFileSync(unit, 'utf8'),
  )!
  const folder = mkdtempSync(join(tmpdir(), 'cn-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const here = program.replaceAll('/var/lib/compute-node/%i', folder)
  async function wait(mainPid: number | undefined): Promise<number> {
    const env = { ...process.env, MAINPID: String(mainPid) }
    const [code] = await once(spawn('node', ['-e', here], { env, stdio: 'inherit' }), 'close')
    return code
  }
  expect(await wait(spawnSync('true').pid)).toBe(1)
  const asked: (string | undefined)[] = []
  const node = createServer(({ url }, answer) => {
    asked.push(url)
    answer.writeHead(asked.length < 3 ? 503 : 200).end('{}')
  }).listen(join(folder, 'control.sock'))
  onTestFinished(() => void node.close())
  expect(await wait(process.pid)).toBe(0)
  expect(asked).toEqual(['/readyz', '/readyz', '/readyz'])
})

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newExecMark } from '../../src/containers/exec-mark.ts'
import { openInputPipe } from '../../src/containers/input-pipe.ts'

const mark = newExecMark()
let folder = ''
let child: ChildProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-pipe-'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await writeFile(join(folder, 'file'), 'a file')
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

/** A marked process, once it runs; `input` is a name in the folder, opened both ways so that nothing waits. */
async function start(script: string, input: string): Promise<number> {
  const env = { ...process.env, [mark.name]: mark.value }
  const line = `exec <>${input}; echo ready; ${script}`
  child = spawn('sh', ['-c', line], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout!, 'data')
  return child.pid!
}

describe.skipIf(process.platform !== 'linux')('the pipe of a command’s input', () => {
  test('is written to past whoever made it', async () => {
    const pid = await start('head -c 300000 >got', 'pipe')
    await using pipe = await openInputPipe(pid, mark, 'write')
    const sent = Buffer.alloc(300_000, 'abc')
    const stream = pipe!.stream()
    stream.end(sent)
    await once(child!, 'close')
    stream.destroy()
    expect((await readFile(join(folder, 'got'))).equals(sent)).toBe(true)
  })

  test('brings what the command writes into it', async () => {
    const pid = await start('read -r go <file; sleep 0.2; echo out >/proc/self/fd/0', 'pipe')
    await using pipe = await openInputPipe(pid, mark, 'read')
    expect((await buffer(pipe!.stream())).toString()).toBe('out\n')
  })

  test.each([
    ['a file in its place', 'file', () => mark],
    ['another’s process', 'pipe', newExecMark],
  ])('is not opened: %s', async (_, input, its) => {
    const pid = await start('exec sleep 60', input)
    expect(await openInputPipe(pid, its(), 'write')).toBeUndefined()
  })

  test('is not opened: no such process', async () => {
    expect(await openInputPipe(0, mark, 'read')).toBeUndefined()
  })
})

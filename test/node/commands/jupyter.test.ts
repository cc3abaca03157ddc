import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import type { JupyterResult } from '../../../src/node/commands/jupyter.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import { processesOf } from '../../support/docker-lease.ts'
import { makeJupyterImage } from '../../support/jupyter-image.ts'
import { serveLease } from '../../support/served-lease.ts'
import { requireOrSkip } from '../../support/skips.ts'

const image = noDocker ? undefined : await makeJupyterImage('cn-test-jupyter:command')
const noImage = !requireOrSkip(noDocker || image !== undefined, 'a static busybox')

afterAll(async () => {
  if (image !== undefined) await docker.getImage(image).remove({ force: true })
})

// One lease for all steps: what it stands on ends with its test.
test.skipIf(noDocker || noImage)('jupyter and forward', { timeout: 240_000 }, async () => {
  await using lease = await serveLease(await testEngine(), image!)
  /** A command that stays until it is interrupted, and its first line. */
  const stays = async (...args: string[]) => {
    const { child, ended } = lease.cli(...args)
    onTestFinished(() => void child.kill('SIGKILL'))
    const first = await Promise.race([firstLine(child), ended.then(without)])
    const interrupt = () => {
      child.kill('SIGINT')
      return ended
    }
    return { first, interrupt, ended }
  }
  const processes = () => processesOf(Buffer.from(lease.id, 'hex'))

  /** Its page is reached with its token alone, and it goes with Ctrl-C. */
  const untilCtrlC = async (): Promise<void> => {
    const { first, interrupt } = await stays('jupyter', lease.id.slice(0, 8))
    const url = new URL(first)
    expect(url).toMatchObject({ hostname: '127.0.0.1', pathname: '/lab' })
    const token = url.searchParams.get('token')!
    expect(token).toMatch(/^[0-9a-f]{48}$/)
    expect(await (await fetch(first)).text()).toContain('notebooks of /lab')
    expect((await fetch(first.replace(token, 'x'.repeat(48)))).status).toBe(403)
    const running = (await processes()).join('\n')
    expect(running).toContain('jupyter-lab --no-browser --ip=127.0.0.1')
    expect(running).not.toContain(token)
    const { code, out, err } = await interrupt()
    expect({ code, out }).toEqual({ code: 0, out: `${first}\n` })
    expect(err).not.toContain(token)
    const gone = async () => expect((await processes()).join('\n')).not.toMatch(/jupyter|nc -ll/)
    await vi.waitFor(gone, { timeout: 30_000, interval: 200 })
    await expect(fetch(first)).rejects.toThrow()
  }
  /** With --detach it runs on; forward leads there again, and ends with Ctrl-C too. */
  const detached = async (): Promise<void> => {
    const args = ['--detach', '--json', '--workdir', '/tmp']
    const { first, interrupt } = await stays('jupyter', lease.id, ...args)
    const { schema } = outputSchemas['jupyter']!
    const { url, local, port } = schema.parse(JSON.parse(first)) as JupyterResult
    expect(await interrupt()).toMatchObject({ code: 0, err: '' })
    await expect(fetch(url)).rejects.toThrow()

    const again = await stays('forward', lease.id, `${local}:${port}`, '0:9', '--json')
    const listening = outputSchemas['forward']!.schema.parse(JSON.parse(again.first))
    expect(listening).toMatchObject({ event: 'listening', bind: '127.0.0.1', local, port })
    expect((await fetch(url)).status).toBe(200)
    const { code, out, err } = await again.interrupt()
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.match(/"event":"listening"/g)).toHaveLength(2)
    await expect(fetch(url)).rejects.toThrow()
    const logs = await lease.cli('exec', lease.id, '--', 'cat', `/tmp/jupyter-${port}.log`).ended
    expect(logs.out).toBe('a stand-in starts in /tmp\n')
  }
  /** For others, forward warns; and it says which connection failed. */
  const forOthers = async (): Promise<void> => {
    const { first, interrupt } = await stays('forward', lease.id, '0.0.0.0:0:9')
    const [, local] = /^0\.0\.0\.0:(\d+) -> port 9 of lease/.exec(first)!
    await expect(fetch(`http://127.0.0.1:${local}`)).rejects.toThrow()
    const { code, out, err } = await interrupt()
    expect(code).toBe(0)
    expect(out).toContain('a connection to port 9 failed')
    expect(err).toContain('0.0.0.0 is not loopback')
  }
  /** Shut down from within its page, it ends the command as agreed. */
  const shutDown = async (): Promise<void> => {
    const { first, ended } = await stays('jupyter', lease.id)
    await fetch(first.replace('/lab', '/api/shutdown'))
    expect(await ended).toMatchObject({ code: 0 })
  }
  /** An image without it, and one where it does not start, are told apart. */
  const failures = async (): Promise<void> => {
    const [absent, broken] = await Promise.all([
      lease.cli('jupyter', lease.id, '--env', 'PATH=/bin').ended,
      lease.cli('jupyter', lease.id, '--env', 'JUPYTER_BROKEN=1').ended,
    ])
    expect(absent).toMatchObject({ code: 3, out: '' })
    expect(absent.err).toMatch(/has no Jupyter[\s\S]*pip install jupyterlab/)
    expect(broken).toMatchObject({ code: 1, out: '' })
    expect(broken.err).toMatch(/ended with exit code 3[\s\S]*no module named jupyterlab/)
  }
  await untilCtrlC()
  await Promise.all([detached(), forOthers(), shutDown(), failures()])
})

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  return line
}

const without = ({ err }: { readonly err: string }): never => {
  throw new Error(`the command ended without a line: ${err}`)
}

import { describe, expect, test } from 'vitest'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { openShell } from '../../../src/node/leases/open-shell.ts'
import type { FrameChannel } from '../../../src/protocols/frames.ts'
import { channels, controlToMiner, controlToRenter } from '../../../src/protocols/session.ts'
import { noDocker } from '../../support/docker.ts'
import { cutConnections, dockerLease, processesOf } from '../../support/docker-lease.ts'
import { until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

const forever = (): AbortSignal => new AbortController().signal
const ask = (command: string[]) => ({
  kind: 'shell' as const,
  command,
  env: { TERM: 'xterm' },
  size: { columns: 100, rows: 30 },
})

/** What a shell prints, as it comes, and how it ended. */
function watch(channel: FrameChannel) {
  const seen = {
    text: '',
    exitCode: undefined as number | undefined,
    token: new Uint8Array() as Uint8Array,
  }
  const ended = (async () => {
    for await (const { channel: from, data } of channel.frames()) {
      if (from === channels.stdout) seen.text += Buffer.from(data).toString('latin1')
      else {
        const control = controlToRenter.decode(data)
        if (control.kind === 'started') seen.token = control.token ?? new Uint8Array()
        if (control.kind === 'exit') {
          seen.exitCode = control.exitCode
          return
        }
      }
    }
  })()
  ended.catch(() => undefined)
  return { seen, ended, type: (text: string) => channel.send(channels.stdin, Buffer.from(text)) }
}

describe.skipIf(noDocker)('a shell in a real container', { timeout: 120_000 }, () => {
  test('goes on where it was when its connection breaks: nothing lost, nothing twice', async () => {
    const { renter, at } = await dockerLease()
    const script =
      'stty -echo; i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done; ' +
      'while read x; do [ "$x" = end ] && exit 9; echo "got $x"; done'
    const notices: string[] = []
    const channel = await openShell(renter.book, at, ask(['sh', '-c', script]), {
      signal: forever(),
      onLost: () => notices.push('lost'),
      onResumed: () => notices.push('resumed'),
    })
    const { seen, ended, type } = watch(channel)
    for (const reached of ['line 1000\r', 'line 9000\r', 'line 20000\r']) {
      await until(() => seen.text.includes(reached), 60_000)
      cutConnections(renter)
    }
    await until(() => seen.text.includes('line 29999\r'), 60_000)
    for (let n = 0; n < 200; n++) {
      if (n % 50 === 25) cutConnections(renter)
      await type(`${n}\n`)
    }
    await type('end\n')
    await ended
    const lines = Array.from({ length: 30_000 }, (_, n) => `line ${n}\r\n`)
    const echoes = Array.from({ length: 200 }, (_, n) => `got ${n}\r\n`)
    expect(seen.text).toBe([...lines, ...echoes].join(''))
    expect(seen.exitCode).toBe(9)
    expect(notices.filter((kind) => kind === 'lost').length).toBeGreaterThan(0)
    expect(notices.length % 2).toBe(0)
  })

  test('has the size it is told, takes Ctrl-C, Ctrl-Z and Ctrl-D, and serves its opener alone', async () => {
    const { renter, friend, at } = await dockerLease()
    const channel = await openSession(renter.book, at, ask(['/bin/sh']), forever())
    const { seen, ended, type } = watch(channel)
    const answers = async (keys: string, text: string): Promise<void> => {
      await type(keys)
      await until(() => seen.text.includes(text), 30_000)
    }
    await answers('PS1=; stty -echo; echo rea""dy\r', 'ready')
    const size = { kind: 'resize' as const, columns: 132, rows: 50 }
    await channel.send(channels.control, controlToMiner.encode(size))
    await answers('stty size\r', '50 132')
    await answers(`sh -c 'echo go""ing; sleep 100'\r`, 'going')
    await answers('\x03', '')
    await answers('echo al""ive\r', 'alive')
    await answers(`sh -c 'echo slee""ping; sleep 100'\r`, 'sleeping')
    await answers('\x1a', 'Stopped')
    await answers(`kill %1; sh -c 'echo rea""ding; cat; echo do""ne'\r`, 'reading')
    await answers('\x04', 'done')
    await answers('echo $$ "$TERM" h\u00e9\r', 'xterm h\u00c3\u00a9')
    const resume = { kind: 'resume' as const, token: seen.token, received: 0 }
    await expect(openSession(friend.book, at, resume, forever())).rejects.toMatchObject({
      code: 'REFUSED_NO_SHELL',
    })
    const forged = { ...resume, token: new Uint8Array(16) }
    await expect(openSession(renter.book, at, forged, forever())).rejects.toMatchObject({
      code: 'REFUSED_NO_SHELL',
    })
    const beyond = await openSession(renter.book, at, { ...resume, received: 2 ** 40 }, forever())
    await expect(watch(beyond).ended).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    await expect(ended).rejects.toMatchObject({ code: 'PEER_LOST' })
  })

  test('is hung up after its grace, and at once when its renter leaves, with all that it started', async () => {
    const { renter, at } = await dockerLease({ shellGraceMs: 500 })
    const script = (name: string): string =>
      `trap "" HUP; setsid sh -c 'trap "" HUP; sleep ${name}' & sleep ${name}; sleep ${name}`
    const running = async (name: string): Promise<number> =>
      (await processesOf(at.leaseId)).filter((line) => line.includes(`sleep ${name}`)).length
    const gone = async (name: string): Promise<void> => {
      while ((await running(name)) > 0) await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const lost = await openSession(renter.book, at, ask(['sh', '-c', script('4711')]), forever())
    watch(lost)
    while ((await running('4711')) < 2) await new Promise((resolve) => setTimeout(resolve, 50))
    cutConnections(renter)
    await gone('4711')
    const leaving = new AbortController()
    const exec = {
      kind: 'exec' as const,
      command: ['sh', '-c', script('4712')],
      tty: false,
      env: {},
    }
    watch(await openSession(renter.book, at, exec, leaving.signal))
    while ((await running('4712')) < 2) await new Promise((resolve) => setTimeout(resolve, 50))
    leaving.abort(new Error('left'))
    await gone('4712')
    const detached = { ...exec, command: ['sleep', '4713'], detach: true }
    const { seen, ended } = watch(await openSession(renter.book, at, detached, forever()))
    await ended
    cutConnections(renter)
    const place = ['sh', '-c', 'echo $A; pwd; id -u; echo err >&2']
    expect(seen.exitCode).toBe(0)
    expect(await running('4713')).toBe(1)
    const ran = await execIn({
      renter,
      ...at,
      command: place,
      place: { workingDir: '/tmp', user: '7' },
    })
    expect(ran).toEqual({ stdout: '\n/tmp\n7\n', stderr: 'err\n', exitCode: 0 })
    const missing = await execIn({ renter, ...at, command: ['nosuch'], place: { detach: true } })
    expect(missing).toEqual({ stdout: '', stderr: 'nosuch: not found\n', exitCode: 127 })
  })
})

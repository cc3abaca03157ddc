import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { Container } from '../../../src/containers/engine.ts'
import { hostFileTools } from '../../../src/containers/file-tools.ts'
import { findHostBusybox } from '../../../src/containers/host-busybox.ts'
import { processExec } from '../../../src/containers/process-exec.ts'
import { type FilesPlace, filesPlace } from '../../../src/node/leases/sessions/files/files-place.ts'
import { printed, runScript, runSmall } from '../../../src/node/leases/sessions/files/run-tool.ts'
import { tempFolder } from '../../support/lease-market.ts'
import { requireOrSkip } from '../../support/skips.ts'

const busybox = await findHostBusybox()
const noBusybox = !requireOrSkip(busybox !== undefined, 'a static busybox')

/** Real shells of this machine's busybox, without an engine around them; how many were started. */
async function shellsHere(): Promise<{ place: FilesPlace; started: () => number }> {
  const home = await tempFolder()
  let started = 0
  const container = {
    fileTools: async () => ({ ...(await hostFileTools()), isIsolated: true }),
    exec(command: readonly string[]) {
      started += 1
      return processExec(command, { home })
    },
  } as Pick<Container, 'exec' | 'fileTools'> as Container
  const over = new AbortController()
  onTestFinished(() => over.abort())
  return { place: await filesPlace(container, {}, over.signal), started: () => started }
}

const all = async (place: FilesPlace, script: string, ...args: string[]): Promise<string> =>
  (await buffer(printed(place, { script, args }))).toString()

test.skipIf(noBusybox)('scripts share one shell, and get their arguments unchanged', async () => {
  const { place, started } = await shellsHere()
  const words = [
    '',
    ' ',
    "it's",
    '"$(id)`',
    'a\nb\n',
    '!',
    ':',
    '-n',
    '\\n',
    '\u{81}\u{ff}é😀',
    '*',
  ]
  const echo = 'for word in "$@"; do printf "[%s]" "$word"; done'
  expect(await all(place, echo, ...words)).toBe(words.map((word) => `[${word}]`).join(''))
  expect(await all(place, 'x=1; cd /; exit 0')).toBe('')
  expect(await all(place, '[ "$x" ] || [ "$PWD" = / ] || echo anew')).toBe('anew\n')
  expect(await all(place, '$b head -c 300000 /dev/zero')).toHaveLength(300_000)
  expect(started()).toBe(1)
})

test.skipIf(noBusybox)('what a script says of its failure is told', async () => {
  const { place, started } = await shellsHere()
  const failed = (script: string) =>
    expect(runSmall(place, { script, args: [] })).rejects.toMatchObject({
      code: 'FAILED_FILES',
      message: 'no way',
    })
  await failed('echo half; echo no way >&2; exit 3')
  await failed('for i in $($b seq 20000); do echo noise; done >&2; echo no way >&2; exit 3')
  await runSmall(place, { script: 'echo a warning >&2', args: [] })
  expect(started()).toBe(1)
})

test.skipIf(noBusybox)('one that takes input has a shell of its own', async () => {
  const { place, started } = await shellsHere()
  expect(await all(place, 'echo kept')).toBe('kept\n')
  const cat = { script: 'echo "$1"; exec $b cat >file', args: ['go'], isFollowed: true }
  await using tool = await runScript(place, cat)
  expect((await tool.output.exactly(3))?.toString()).toBe('go\n')
  await tool.feed(Buffer.from('content\n!\n'))
  await tool.endInput()
  await tool.done()
  expect(await all(place, '$b cat file')).toBe('content\n!\n')
  expect(started()).toBe(2) // the second is there before it is asked for
})

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import ignore from 'ignore'
import type { FilesAsked } from '../../api/sessions.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { type CopyPlan, copyPlan, nameOf, placeOf } from '../copy/copy-ends.ts'
import { copyIn, copyStreamIn } from '../copy/copy-in.ts'
import { CopyJob } from '../copy/copy-job.ts'
import { copyOut, copyStreamOut } from '../copy/copy-out.ts'
import { keepCopying } from '../copy/keep-copying.ts'
import { explain } from '../copy/local-folder.ts'
import { lookAt, type RentersTalk } from '../copy/look-at.ts'
import { markOf } from '../copy/part-name.ts'
import { bytesText, progressBar } from '../copy/progress-bar.ts'
import { roomFor } from '../copy/room-for.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput, toJson } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run, Terminal } from './command.ts'
import { counted } from './counted.ts'
import { leasePath } from './lease-path.ts'
import { whenStarted } from './session-socket.ts'

/** Copies files between this machine and a lease; what is there already is not sent again. */
export const cp: Run = (context) => {
  const plan = copyPlan(context.args)
  return withNode(context, (client) => copy(client, plan, context))
}

async function copy(
  client: ControlClient,
  plan: CopyPlan,
  { config, terminal, signal }: CommandContext,
): Promise<number> {
  const output = createOutput(terminal, config)
  const asked: FilesAsked = config.user === undefined ? {} : { user: config.user }
  const path = withQuery(leasePath(plan.lease, '/files'), { request: toJson(asked) })
  const job = new CopyJob(ignoring(config.exclude))
  if (plan.way === 'in') job.roomBytes = await roomOf(client, plan)
  const onLost = () => output.note('[connection lost; trying for 60 s to go on]')
  const open = () => whenStarted(() => client.frames(path), signal)
  const startMs = performance.now()
  {
    const isShown = !config.json && !config.quiet
    using _bar = isShown ? progressBar(job, terminal.stderr) : undefined
    for (const task of tasksOf(plan, job, terminal)) {
      await keepCopying({ ...task, open, job, signal, onLost })
    }
  }
  const ms = Math.round(performance.now() - startMs)
  for (const { path: name, why } of job.result.left) {
    output.note(`not copied: ${shown(name)}: ${shown(why)}`)
  }
  if (plan.way === 'out' && plan.to.kind === 'stream') return 0 // stdout is the file's
  if (config.json || !config.quiet) output.value({ ...job.result, ms }, () => summary(job, ms))
  return 0
}

/** Unknown for a lease that another rented. */
async function roomOf(
  client: ControlClient,
  { lease, to }: CopyPlan & { way: 'in' },
): Promise<number | undefined> {
  try {
    return roomFor(await client.get<LeaseView>(leasePath(lease)), to)
  } catch (error) {
    if (codeOf(error) === 'NOTHING_MATCHED') return undefined
    throw error
  }
}

const shown = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?')

const ignoring = (patterns: readonly string[]): ((path: string) => boolean) => {
  if (patterns.length === 0) return () => false
  const rules = ignore({ ignorecase: false, allowRelativePaths: true }).add([...patterns])
  return (path) => rules.ignores(path)
}

function summary({ files, links, bytes, unchanged }: CopyJob, ms: number): string {
  const rate = ms > 0 ? `, ${bytesText((bytes / ms) * 1000)}/s` : ''
  const also = [
    ...(links > 0 ? [counted(links, 'link')] : []),
    ...(unchanged > 0 ? [`${unchanged} ${unchanged === 1 ? 'was' : 'were'} there already`] : []),
  ].map((text) => `; ${text}`)
  return `${counted(files, 'file')}, ${bytesText(bytes)} in ${(ms / 1000).toFixed(1)} s${rate}${also.join('')}`
}

interface Task {
  readonly work: (talk: RentersTalk) => Promise<void>
  readonly resumes: boolean
}

/** One per source. Where it goes is decided once: a copy that goes on finds its own beginning there. */
function tasksOf(plan: CopyPlan, job: CopyJob, terminal: Terminal): Task[] {
  const isOneOfMany = plan.from.length > 1
  if (plan.way === 'in') {
    return plan.from.map((source) => {
      if (source.kind === 'stream') {
        const from = bytesFrom(terminal.stdin)
        const work = async (talk: RentersTalk) =>
          void (await copyStreamIn(talk, { from, to: plan.to }, job))
        return { work, resumes: false }
      }
      let to: string | undefined
      const work = async (talk: RentersTalk): Promise<void> => {
        if (isOneOfMany && to === undefined) assertNoFile(plan.to, await typeAt(talk, plan.to))
        const isFolder = to === undefined && (await takesInside(talk, plan.to, source.path))
        to ??= placeOf(source.path, plan.to, { isFolder, isOneOfMany })
        await copyIn(talk, { from: source.path, to }, job)
      }
      return { work, resumes: true }
    })
  }
  const end = plan.to
  return plan.from.map((from) => {
    if (end.kind === 'stream') {
      const place = { offset: 0, hash: createHash('sha256') }
      const to = (data: Uint8Array) => written(terminal.stdout, data)
      return { work: (talk) => copyStreamOut(talk, { from, to, place }, job), resumes: true }
    }
    let to: string | undefined
    const work = async (talk: RentersTalk): Promise<void> => {
      if (isOneOfMany && (await statIfThere(end.path))?.isFile()) assertNoFile(end.path, 'file')
      to ??= placeOf(from, end.path, {
        isFolder: await takesInsideHere(end.path, from),
        isOneOfMany,
      })
      await copyOut(talk, { from, to }, job)
    }
    return { work, resumes: true }
  })
}

const typeAt = async (talk: RentersTalk, path: string) =>
  (await lookAt(talk, path, false)).get('')?.type

function assertNoFile(path: string, type: string | undefined): void {
  if (type !== 'file') return
  throw new NodeError('FAILED_FILES', `several sources go into a folder, and ${path} is a file`, {
    next: 'name a folder, or copy one source',
  })
}

/** Whether there is a folder, and not one that an earlier try of this very copy has begun. */
async function takesInside(talk: RentersTalk, to: string, source: string): Promise<boolean> {
  if ((await typeAt(talk, to)) !== 'folder') return false
  return (await lookAt(talk, `${to}/${markOf(nameOf(source))}`, false)).size === 0
}

async function takesInsideHere(to: string, source: string): Promise<boolean> {
  if ((await statIfThere(to))?.isDirectory() !== true) return false
  return (await statIfThere(`${to}/${markOf(nameOf(source))}`)) === undefined
}

/** @throws what else is wrong with it, such as a folder that may not be looked into */
async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    return explain(error)
  }
}

async function* bytesFrom(stdin: Terminal['stdin']): AsyncGenerator<Uint8Array> {
  for await (const chunk of stdin) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

/** Contents are views of what will be used again. */
async function written(stdout: Terminal['stdout'], data: Uint8Array): Promise<void> {
  if (!stdout.write(Buffer.from(data))) await once(stdout, 'drain')
}

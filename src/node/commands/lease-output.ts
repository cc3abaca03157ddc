import { setTimeout as delay } from 'node:timers/promises'
import { NodeError } from '../../errors.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { isStarted } from '../leases/lease-machine.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import type { Column, ListView, Output } from '../output.ts'
import { counted } from './counted.ts'
import { leasePath } from './lease-path.ts'

/** One question to the node; it is asked again until the answer is the one waited for. */
const POLL_MS = secondsMs(20)

const AGAIN_MS = 200

/** How long a lease that was stopped may take to settle before the command returns without. */
export const SETTLE_MS = secondsMs(15)

/** A lease's labels as they are written; null without any. */
export function labelsText({ labels }: LeaseView): string | null {
  const all = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return all.length === 0 ? null : all.join(' ')
}

const columns: readonly Column<LeaseView>[] = [
  { title: 'ID', value: ({ id }) => id.slice(0, 12) },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'HEALTH', value: ({ health, over }) => (over ? '-' : health) },
  { title: 'IMAGE', value: ({ image }) => image, shrinks: true },
  { title: 'PER HOUR', value: ({ dph, asset }) => `${dph} ${asset}`, align: 'right' },
  { title: 'OWED', value: ({ owed }) => owed, align: 'right' },
  { title: 'PAID', value: ({ settled }) => settled, align: 'right' },
  { title: 'ENDS', value: ({ over, expiresAtMs }) => (over ? '-' : timeOf(expiresAtMs)) },
  { title: 'LABELS', value: labelsText, shrinks: true },
  { title: 'ENGINE', value: ({ engine }) => engine, shrinks: true },
  { title: 'MINER', value: ({ miner }) => miner, shrinks: true },
]

/** How lists of leases look. */
export const leaseList: ListView<LeaseView> = { columns, id: ({ id }) => id, none: 'no leases' }

const timeOf = (ms: number | null): string | null =>
  ms === null ? null : `${new Date(ms).toISOString().slice(0, 19)}Z`

/** What a tenant loses to its miner's proofs, in words; null where the terms do not say. */
export function proofsOf({ exclusive, proofShare }: LeaseView): string | null {
  if (exclusive) return 'none while it runs'
  if (proofShare === null) return null
  return `take at most ${Number((100 * proofShare).toPrecision(3))} % of the devices' time on average`
}

const TEN_MINUTES_MS = minutesMs(10)
const minutes = (ms: number): string => `${Number((ms / 60_000).toPrecision(3))} min`

/** What happens while its renter is away, in words; null where nothing limits it. */
function creditOf({ creditMs, graceMs, prepaidMs }: LeaseView): string | null {
  if (creditMs === null) return null
  const away = minutes(creditMs + (prepaidMs ?? 0))
  return `paused after ${away} without a countersignature, closed ${minutes(graceMs ?? 0)} later`
}

/** What holds a tenant, in words; null where the terms do not say. */
export function isolationOf({ isolation }: Pick<LeaseView, 'isolation'>): string | null {
  if (isolation === null) return null
  const { runtime, fenced, diskQuota, remote } = isolation
  return [
    runtime === 'none' ? 'no container' : runtime,
    fenced ? "fenced off from the host's networks" : "NOT fenced off from the host's networks",
    diskQuota ? 'disk quota' : 'no disk quota (measured; more than agreed ends it)',
    ...(remote === true ? ["on a machine its miner's node cannot look at: not proven"] : []),
  ].join(', ')
}

function extendedText({ extensions, extendingToMs }: LeaseView): string | null {
  const said = [
    ...(extensions === 0 ? [] : [extensions === 1 ? 'once' : `${extensions} times`]),
    ...(extendingToMs === null ? [] : [`asked for ${minutes(extendingToMs)} in all`]),
  ]
  return said.length === 0 ? null : said.join(', ')
}

/** What its renter signed in advance, while that can still be used. */
const aheadText = ({ over, signedAhead, asset }: LeaseView): string | null =>
  over || signedAhead === '0' ? null : `signed up to ${signedAhead} ${asset}`

const volumeText = ({ name, path, sizeMiB, readOnly }: LeaseView['volumes'][number]): string =>
  `${name} at ${path} (${sizeText(sizeMiB)}${readOnly ? ', read-only' : ''})`

const sizeText = (mib: number): string =>
  mib < 1024 ? `${mib} MiB` : `${Number((mib / 1024).toFixed(1))} GiB`

/** To the tenth of a second while that says something. */
const servedText = (ms: number): string =>
  ms < TEN_MINUTES_MS ? `${(ms / 1000).toFixed(1)} s` : minutes(ms)

const healthText: Readonly<Record<LeaseView['health'], string>> = {
  ok: 'ok',
  failed: 'failed',
  unknown: 'unknown: its miner, or the engine there, does not answer at the moment',
}

/** One lease for a person: every field that has something to say. */
export function describeLease(lease: LeaseView): string {
  const { asset } = lease
  const rows: readonly (readonly [name: string, value: string | number | null])[] = [
    ['lease', lease.id],
    ['state', lease.state + (lease.over ? '' : ` (${healthText[lease.health]})`)],
    ['outcome', lease.outcome],
    ['reason', lease.reason],
    ['whose', lease.fault === null ? null : `${lease.fault} (${lease.ending ?? 'no code'})`],
    ['doing', lease.progress],
    ['miner', lease.miner],
    ['engine', lease.engine],
    ['image', lease.image],
    ['command', lease.command?.join(' ') ?? null],
    ['devices', lease.devices.join(', ')],
    ['memory', `at most ${sizeText(lease.memoryMiB)}, ${counted(lease.cpus, 'processor core')}`],
    ['disk', lease.diskMiB === null ? null : diskText(lease.diskMiB, lease.diskUsedMiB)],
    ['held by', isolationOf(lease)],
    ['keeps', lease.volumes.length === 0 ? null : lease.volumes.map(volumeText).join(', ')],
    ['price', `${lease.dph} ${asset} per hour, at most ${lease.cap} ${asset}`],
    ['proofs', proofsOf(lease)],
    ['started', timeOf(lease.startedAtMs)],
    ['ends', timeOf(lease.expiresAtMs)],
    ['extended', extendedText(lease)],
    ['labels', labelsText(lease)],
    ['ports', lease.ports.length === 0 ? null : lease.ports.join(', ')],
    ['served', `${servedText(lease.upMs)} in ${counted(lease.receipts, 'receipt')}`],
    ['owed', `${lease.owed} ${asset} (${lease.acknowledged} countersigned)`],
    ['credit', lease.over ? null : creditOf(lease)],
    ['ahead', aheadText(lease)],
    ['dispute', lease.dispute],
    ['settled', lease.settled === null ? null : `${lease.settled} ${asset}`],
  ]
  return rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(9)}${value}`)
    .join('\n')
}

/** Asks until `done` or `ms` passed; tells a person at a terminal what happens meanwhile. */
export async function watchLease(
  client: ControlClient,
  lease: string,
  options: {
    readonly output: Output
    readonly signal: AbortSignal
    readonly until: 'running' | 'over'
    readonly ms?: number
  },
): Promise<LeaseView> {
  const { output, signal, until, ms = Number.POSITIVE_INFINITY } = options
  const endMs = Date.now() + ms
  let said = ''
  let before: Pick<LeaseView, 'progress' | 'state'> | undefined
  for (;;) {
    const waitMs = Math.max(0, Math.min(POLL_MS, endMs - Date.now()))
    // The node answers as soon as something is new: the first answer is what is so now.
    const known = { said: before?.progress ?? '', notState: before?.state }
    const heldMs = before === undefined ? 0 : waitMs
    const path = withQuery(leasePath(lease, '/wait'), { state: until, ms: heldMs, ...known })
    const askedMs = Date.now()
    const view = await client.get<LeaseView>(path, signal)
    if (view.over || (until === 'running' && isStarted(view))) return view
    if (Date.now() >= endMs) return view
    const isNews = view.state !== before?.state || view.progress !== before.progress
    before = view
    const doing = view.progress ?? view.state.toLowerCase()
    if (doing !== said) output.progress(doing)
    said = doing
    // A node that answers at once without news, e.g. while it starts, is not asked in a circle.
    if (!isNews && Date.now() - askedMs < waitMs) await delay(AGAIN_MS, undefined, { signal })
  }
}

/** Throws what keeps a lease from running. */
export function assertRunning(lease: LeaseView): void {
  if (isStarted(lease)) return
  throw new NodeError('FAILED_LEASE_ENDED', `the lease has ended: ${lease.reason ?? lease.state}`, {
    next: `compute-node show ${lease.id.slice(0, 12)}`,
  })
}

const diskText = (mostMiB: number, usedMiB: number | null): string =>
  `at most ${sizeText(mostMiB)}${usedMiB === null ? '' : `, ${sizeText(usedMiB)} written`}`

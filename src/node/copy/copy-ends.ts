import { basename } from 'node:path'
import { NodeError } from '../../errors.ts'

/** One end of a copy as it was typed. */
export type CopyEnd =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'lease'; readonly lease: string; readonly path: string }
  | { readonly kind: 'stream' }

/** `LEASE:PATH` with a lease's id or its beginning, maybe `@PEERID`; a local name that looks so is written `./4f1c:x`. */
const LEASE_END = /^([0-9a-f]{4,64}(?:@[1-9A-HJ-NP-Za-km-z]{46,64})?):(.*)$/is

export function copyEnd(text: string): CopyEnd {
  if (text === '-') return { kind: 'stream' }
  const [, lease, path] = LEASE_END.exec(text) ?? []
  if (lease === undefined || path === undefined) return { kind: 'local', path: text }
  return { kind: 'lease', lease, path: path === '' ? '.' : path }
}

export type CopyPlan =
  | {
      readonly way: 'in'
      readonly lease: string
      readonly to: string
      readonly from: readonly (CopyEnd & { kind: 'local' | 'stream' })[]
    }
  | {
      readonly way: 'out'
      readonly lease: string
      readonly to: CopyEnd & { kind: 'local' | 'stream' }
      readonly from: readonly string[]
    }

/** @throws BAD_CONFIG_USAGE unless exactly one side is a lease, and streams stand alone */
export function copyPlan(args: readonly string[]): CopyPlan {
  const ends = args.map(copyEnd)
  const to = ends.at(-1)!
  const from = ends.slice(0, -1)
  if (from.some(({ kind }) => kind === 'stream') && from.length > 1) {
    throw usage('- stands for one file, so it can be the only source')
  }
  if (to.kind === 'lease') {
    if (from.some(({ kind }) => kind === 'lease')) throw usage('both ends are leases')
    return { way: 'in', lease: to.lease, to: to.path, from: from as never }
  }
  const [first] = from
  if (first?.kind !== 'lease') throw usage('neither end is a lease')
  const paths = from.map((end) => {
    if (end.kind !== 'lease' || end.lease !== first.lease) {
      throw usage('several sources must be of one lease')
    }
    return end.path
  })
  if (to.kind === 'stream' && from.length > 1) throw usage('- takes one file')
  return { way: 'out', lease: first.lease, to, from: paths }
}

const usage = (message: string): NodeError =>
  new NodeError('BAD_CONFIG_USAGE', message, {
    next: 'compute-node cp SRC… LEASE:PATH, or compute-node cp LEASE:PATH… DST',
  })

/** What `SRC/.` and folders without a name of their own mean: their contents, not the folder. */
export const meansContents = (source: string): boolean =>
  /(^|\/)\.{1,2}\/*$/.test(source) || /^\/+$/.test(source)

/** The name that a source gets in a folder. */
export const nameOf = (source: string): string => basename(source.replace(/\/+$/, ''))

/** Where a source goes: into an existing folder, or under the very name; a slash at the end asks for a folder. */
export function placeOf(
  source: string,
  to: string,
  { isFolder, isOneOfMany }: { isFolder: boolean; isOneOfMany: boolean },
): string {
  const goesInside = isFolder || isOneOfMany || to.endsWith('/')
  return goesInside && !meansContents(source) ? `${to.replace(/\/+$/, '')}/${nameOf(source)}` : to
}

import { hash } from 'node:crypto'

const PART = '.cn-part-'

/** Half copied files lie under such names beside their place. */
export const isPart = (path: string): boolean => {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.startsWith(PART) || name.startsWith('.cn-cp-')
}

/** Where a file lies until it is whole: a source that changed since does not go on with it. */
export function partOf(
  path: string,
  facts: { readonly size: number; readonly mtime: number },
): string {
  const cut = path.lastIndexOf('/') + 1
  const id = hash('sha256', JSON.stringify([path.slice(cut), facts.size, facts.mtime]))
  return `${path.slice(0, cut)}${PART}${id.slice(0, 16)}`
}

/** A folder that holds this file was made by a copy of a source of that name, and is not whole yet. */
export const markOf = (sourceName: string): string =>
  PART + hash('sha256', JSON.stringify(['copying', sourceName])).slice(0, 16)

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of this program, from its package.json (two folders above, in `src/` as in `dist/`). */
export function packageVersion(): string {
  const path = join(import.meta.dirname, '../../package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

import { Level } from 'level'
import { messageOf, NodeError } from '../errors.ts'

/** Keys are text (ids in hex), values bytes (CBOR) unless a sublevel says otherwise. */
export type Bucket = ReturnType<Store['bucket']>

/** One `level` database per data folder, a sublevel per concern. */
export interface Store extends AsyncDisposable {
  readonly db: Level<string, Uint8Array>
  /** A concern's own keys, e.g. `bucket('offers')`. */
  bucket(name: string): ReturnType<typeof sublevel>
}

const sublevel = (
  db: Level<string, Uint8Array>,
  name: string,
): ReturnType<typeof db.sublevel<string, Uint8Array>> =>
  db.sublevel<string, Uint8Array>(name, { keyEncoding: 'utf8', valueEncoding: 'view' })

/** Opens the database of a data folder; BAD_CONFIG_LOCKED when another process has it. */
export async function openStore(folder: string): Promise<Store> {
  const db = new Level<string, Uint8Array>(folder, { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    await db.open()
  } catch (cause) {
    const inner = (cause as Error).cause ?? cause
    if ((inner as { code?: string }).code === 'LEVEL_LOCKED') {
      throw new NodeError('BAD_CONFIG_LOCKED', `another node uses ${folder}`, {
        cause,
        next: 'stop that node, or choose another --data-dir',
      })
    }
    throw new NodeError('BAD_CONFIG_STORE', `cannot open ${folder}: ${messageOf(inner)}`, {
      cause,
      next: 'check its owner and mode, or choose another --data-dir',
    })
  }
  return {
    db,
    bucket: (name) => sublevel(db, name),
    [Symbol.asyncDispose]: () => db.close(),
  }
}

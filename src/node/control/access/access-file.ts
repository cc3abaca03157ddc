import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { scopes } from '../../../api/route.ts'
import type { Log } from '../../../log.ts'

const credential = z.strictObject({
  id: z.string(),
  kind: z.enum(['token', 'cookie']),
  label: z.string(),
  scope: z.enum(scopes),
  /** Id of the token that made it, or that made the token or code it came by; absent: the owner did. */
  madeBy: z.string().exactOptional(),
  /** Of the secret, in hex; it is nowhere else. */
  sha256: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
})
const contents = z.strictObject({ credentials: z.array(credential) })

/** What lets somebody in, without its secret. */
export type Credential = z.infer<typeof credential>

/** The credentials that a file has; none where it is missing, and none, told in the log, where it cannot be read. */
export async function readAccessFile(file: string, log: Log): Promise<Credential[]> {
  try {
    return contents.parse(JSON.parse(await readFile(file, 'utf8'))).credentials
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.error('access-unreadable', error)
    return []
  }
}

/** Replaces the file as a whole; only this user may read it. */
export async function writeAccessFile(file: string, credentials: Credential[]): Promise<void> {
  const draft = `${file}.${process.pid}.draft`
  await rm(draft, { force: true }) // an old one would keep its mode
  await writeFile(draft, JSON.stringify({ credentials }), { mode: 0o600, flag: 'wx' })
  await rename(draft, file)
}

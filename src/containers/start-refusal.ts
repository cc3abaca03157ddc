import { NodeError } from '../errors.ts'
import type { SpawnOptions } from './engine.ts'

/** Why a command did not start, as a shell would put it. */
export interface StartRefusal {
  readonly says: string
  /** 127: there is no such program; 126: it may not be run, or not there or not as that user. */
  readonly exitCode: 126 | 127
}

/** What Docker Engines print in a command's place, or answer, when it does not start. */
const ENGINE_WORDS = /^(OCI runtime exec failed|unable to find (user|group) )/

/** Whether a command's first output may be its engine's words, and none of its own. */
export const mayBeRefusal = (output: string): boolean => ENGINE_WORDS.test(output)

/** Those words as a shell would put it; undefined for what is none of them. */
export function startRefusal(
  words: string,
  [program = '']: readonly string[],
  { workingDir }: Pick<SpawnOptions, 'workingDir'> = {},
): StartRefusal | undefined {
  if (!mayBeRefusal(words)) return undefined
  const { says, exitCode } = REASONS.find(([pattern]) => pattern.test(words))?.[1](
    program,
    workingDir,
  ) ?? { says: `${program}: it cannot be started (${plain(words)})`, exitCode: 126 }
  return { says, exitCode }
}

/** What `spawn` throws for a command that does not start; `exitCode` is in its details. */
export const notStarted = ({ says, exitCode }: StartRefusal, cause: unknown): NodeError =>
  new NodeError('FAILED_START', says, { cause, exitCode })

type Refuses = (program: string, workingDir: string | undefined) => StartRefusal

/** The folder comes before the program: both may be missing in the same words. */
const REASONS: readonly (readonly [pattern: RegExp, refuses: Refuses])[] = [
  [
    /chdir to cwd|current working directory/,
    (_, folder) => ({ says: `${folder ?? 'its folder'}: there is no such folder`, exitCode: 126 }),
  ],
  [
    /unable to find (user|group)/,
    () => ({ says: 'the image has no such user (--user)', exitCode: 126 }),
  ],
  [
    /executable file not found|no such file or directory/,
    (program) => ({ says: `${program}: not found`, exitCode: 127 }),
  ],
  [/permission denied/, (program) => ({ says: `${program}: permission denied`, exitCode: 126 })],
]

const plain = (words: string): string => words.replace(/\p{Cc}+/gu, ' ').trim()

import type { z } from 'zod'

/** What a command prints on stdout with `--json`. docs/cli.md shows it; tests hold real output against it. */
export interface OutputSchema {
  readonly describe: string
  readonly schema: z.ZodType
}

/** What some commands print, by command; several forms of one stand apart (`rent`, `rent --wait`). */
export type Outputs = Readonly<Record<string, OutputSchema>>

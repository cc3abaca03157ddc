import { z } from 'zod'

/** What a command prints on stdout with `--json`. docs/cli.md shows it; tests hold real output against it. */
export interface OutputSchema {
  readonly describe: string
  readonly schema: z.ZodType
}

/** What some commands print, by command; several forms of one stand apart (`rent`, `rent --wait`). */
export type Outputs = Readonly<Record<string, OutputSchema>>

/** The JSON of every list: its rows, in order. */
export const listOf = (row: z.ZodType): z.ZodType => z.strictObject({ items: z.array(row) })

/** A PeerId. */
export const peerId = z.string().describe('PeerId')

/** An SS58 address. */
export const address = z.string().describe('SS58 address')

/** An amount as a decimal string. */
export const decimal = z.string().describe('decimal')

/** A number of things, or a moment or time in milliseconds. */
export const whole = z.number().int().nonnegative()

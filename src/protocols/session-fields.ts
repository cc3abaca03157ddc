import { z } from 'zod'
import { KiB } from '../units.ts'
import { integer, text } from './fields.ts'

/** Variables for a session's command, added to those of the container. */
export const environment = () =>
  z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(8 * KiB))
    .refine((env) => Object.keys(env).length <= 64, 'at most 64 variables')

/** A terminal's size in characters. */
export const terminalSize = { columns: integer(1, 10_000), rows: integer(1, 10_000) }

/** Where and as whom a command runs; absent: as the image says. */
export const commandPlace = {
  workingDir: text(4096)
    .refine((path) => path !== '', 'must not be empty')
    .optional(),
  /** A name or number, with a group after a colon if need be. */
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?$/)
    .optional(),
}

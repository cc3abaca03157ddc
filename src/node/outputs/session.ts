import { z } from 'zod'
import { whole } from '../../api/common.ts'
import type { JupyterResult } from '../commands/jupyter.ts'
import type { SshConfigResult } from '../commands/ssh-config.ts'

/** What `cp` moved. */
export const copySchema = z.strictObject({
  files: whole,
  folders: whole,
  links: whole,
  bytes: whole.describe('contents that travelled'),
  unchanged: whole.describe('files that were there already'),
  left: z
    .array(z.strictObject({ path: z.string(), why: z.string() }))
    .describe('what was not copied'),
  ms: whole,
})

/** What `forward` prints of a port, and of a connection that failed. */
export const forwardSchema = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('listening'),
    lease: z.string(),
    bind: z.string().describe('address of this machine'),
    local: whole.describe('its port'),
    port: whole.describe('in the lease'),
  }),
  z.strictObject({
    event: z.literal('failed'),
    lease: z.string(),
    port: whole,
    code: z.string().describe('why one connection was not carried'),
    message: z.string(),
  }),
])

/** Where Jupyter of a lease answers on this machine. */
export const jupyterSchema: z.ZodType<JupyterResult> = z.strictObject({
  lease: z.string(),
  url: z.string().describe('of this machine, with the token'),
  local: whole.describe('port of this machine'),
  port: whole.describe('in the lease'),
  program: z.string().describe('jupyter-lab, jupyter-notebook or jupyter-server'),
})

/** What `ssh-config` made. */
export const sshConfigSchema: z.ZodType<SshConfigResult> = z.strictObject({
  hosts: z.array(z.strictObject({ host: z.string(), lease: z.string() })),
  config: z.string().describe('as ssh(1) reads it'),
  file: z.string().nullable().describe('where it was written; null without --write'),
})

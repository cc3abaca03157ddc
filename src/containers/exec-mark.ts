import { randomBytes } from 'node:crypto'

/**
 * The engine's API cannot end an exec: closing its connection leaves the command running. So every exec carries a
 * mark in its environment, which all it starts inherits, and a small script inside ends whatever bears the mark.
 * A tenant may shed the mark: this serves the tenant's own Ctrl-C; what enforces is the container's removal.
 */
export interface ExecMark {
  readonly name: string
  readonly value: string
}

export const newExecMark = (): ExecMark => ({
  name: 'CN_EXEC',
  value: randomBytes(8).toString('hex'),
})

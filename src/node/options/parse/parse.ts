import { NodeError } from '../../../errors.ts'

/** From text to a value; throws BAD_CONFIG saying what was expected. */
export type Parse<T> = (raw: string) => T

/** The error of a value that is not what it should be. */
export const expected = (what: string, raw: string): NodeError =>
  new NodeError('BAD_CONFIG', `expected ${what}, got ${JSON.stringify(raw)}`)

/** What an error tells: `code` begins with whose fault it was, `next` says what to do. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly next?: string | undefined
}

const faults: readonly (readonly [prefix: string, sentence: string])[] = [
  ['BAD_CONFIG', 'What was asked cannot be done as asked.'],
  ['BAD_MESSAGE', 'What was sent cannot be read.'],
  ['NOTHING_MATCHED', 'There is no such thing here.'],
  ['REFUSED', 'It was refused.'],
  ['PEER', 'The other peer is at fault, not you.'],
  ['ENGINE', "This machine's container engine is at fault."],
  ['GPU', 'A GPU of this machine is at fault.'],
  ['CHAIN', 'The chain or its endpoint is at fault.'],
  ['STORE', "This node's disk is at fault."],
  ['FAILED_CONNECTION', 'This node does not answer.'],
]

/** Whose fault an error code says it was, as a sentence. */
export const faultOf = (code: string): string =>
  faults.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'This node is at fault.'

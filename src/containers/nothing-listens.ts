import { NodeError } from '../errors.ts'

/** What a dial into a container says when there is no service; `but` adds what this host cannot look into. */
export const nothingListens = (port: number, but?: string): NodeError =>
  new NodeError(
    'NOTHING_MATCHED_PORT',
    `nothing listens on port ${port} in the lease${but === undefined ? '' : ` (${but})`}`,
    {
      next:
        but === undefined
          ? 'start the service first; it may listen on 127.0.0.1'
          : 'start the service first, on all addresses (0.0.0.0): on loopback alone it cannot be reached here',
    },
  )

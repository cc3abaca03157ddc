import {
  QueryClient,
  QueryClientProvider,
  type UseQueryResult,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { ComputeNodeError } from '../../client/errors.ts'
import { get } from './api.ts'
import type { NodeEvent } from './connection.ts'
import { type Connection, type ConnectionState, connect, useConnectionState } from './connection.ts'

/** Several events in a row make one question. */
const TOGETHER_MS = 700

const ConnectionContext = createContext<Connection | undefined>(undefined)

/** Gives everything below it the node's data; once, around the whole console. */
export function NodeData({ children }: { children: ReactNode }) {
  const [client] = useState(createClient)
  const [connection] = useState(() => connect())
  useEffect(() => {
    let was = connection.state()
    const stop = connection.onEvent(({ event }) => {
      if (event === 'events-missed') void client.invalidateQueries()
    })
    const stopStates = connection.onState(() => {
      const now = connection.state()
      // What came before the first answer is as new as it gets; what was missed while away is not.
      if (now === 'live' && was !== 'connecting') void client.invalidateQueries()
      was = now
    })
    return () => {
      stop()
      stopStates()
    }
  }, [client, connection])
  return (
    <ConnectionContext value={connection}>
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    </ConnectionContext>
  )
}

function createClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: 'always', // loopback works without any network
        staleTime: 2000,
        gcTime: 30 * 60_000,
        // A node that is away is waited for by the connection, and its refusals do not change by asking again.
        retry: (count, error) => !(error instanceof ComputeNodeError) && count < 1,
      },
      mutations: { networkMode: 'always' },
    },
  })
}

/** The stream of events between this page and its node. */
export function useConnection(): Connection {
  const connection = useContext(ConnectionContext)
  if (connection === undefined) throw new Error('useConnection is for what stands inside NodeData')
  return connection
}

/** Whether the node answers now. */
export const useNodeState = (): ConnectionState => useConnectionState(useConnection())

/** Calls `tell` for each event of one of these names while the component lives; `tell` may change. */
export function useNodeEvents(names: readonly string[], tell: (event: NodeEvent) => void): void {
  const connection = useConnection()
  const wanted = names.join()
  useEffect(
    () => connection.onEvent((event) => wanted.split(',').includes(event.event) && tell(event)),
    [connection, wanted, tell],
  )
}

export interface LiveOptions {
  /** Events after which the answer is another. */
  readonly events?: readonly string[]
  /** Asks anew this often, in ms, where no event tells. */
  readonly everyMs?: number
  readonly isEnabled?: boolean
}

/**
 * What the node answers to `GET path`, kept current: asked anew after events that change it, and when the node is back.
 * While the node is away the last answer stays in `data`.
 */
export function useNode<T>(
  path: string,
  options: LiveOptions = {},
): UseQueryResult<T, ComputeNodeError> {
  const { events = [], everyMs, isEnabled = true } = options
  const client = useQueryClient()
  const connection = useConnection()
  const names = events.join()
  useEffect(() => {
    if (names === '') return
    const wanted = names.split(',')
    let timer: ReturnType<typeof setTimeout> | undefined
    const stop = connection.onEvent(({ event }) => {
      if (!wanted.includes(event)) return
      timer ??= setTimeout(() => {
        timer = undefined
        void client.invalidateQueries({ queryKey: [path] })
      }, TOGETHER_MS)
    })
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [client, connection, names, path])
  return useQuery<T, ComputeNodeError>({
    queryKey: [path],
    queryFn: ({ signal }) => get<T>(path, signal),
    enabled: isEnabled,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  })
}

/** What one request to the control API is. */
export interface TransportRequest {
  readonly method: string
  /** With its query, from the root on. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer> | Blob
  readonly signal?: AbortSignal | undefined
}

/**
 * How a client reaches a node: a browser's `fetch` and `WebSocket`, or Node's over the unix socket of a data folder.
 * Both reject with a NodeError that says what is wrong with the way there (FAILED_NOT_RUNNING, FAILED_NODE_STOPPED,
 * FAILED_CONNECTION), with the signal's reason when it aborts, and never with a secret in the message.
 */
export interface Transport {
  /** Any answer, whatever its status. */
  fetch(request: TransportRequest): Promise<Response>
  /** An open socket; rejects with the node's refusal where that can be known. */
  webSocket(path: string, signal?: AbortSignal): Promise<ClientSocket>
}

/** A WebSocket at the pace of its reader: what is not taken holds the sender back, where the platform allows. */
export interface ClientSocket {
  /** False: the platform does not hold a sender back (a browser's), and the reader has to tell it how far it is. */
  readonly holdsBack: boolean
  /** What comes, for one reader; ends when the node closed it in order, throws what broke it. */
  messages(): AsyncIterable<string | Uint8Array>
  /** Resolves once little of what was sent still waits here; what is sent to a socket that is gone is dropped. */
  send(message: string | Uint8Array<ArrayBuffer>): Promise<void>
  close(): void
}

/** A JSON-RPC error as a Substrate node answers it. */
export class RpcError extends Error {
  readonly code: number
  readonly data: string | undefined
  constructor(code: number, message: string, data?: string) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** 1010: the transaction is no good; `reason` as the runtime encodes it, e.g. `{"invalid":{"stale":null}}`. */
export const invalidTransaction = (reason: object): RpcError =>
  new RpcError(1010, 'Invalid Transaction', JSON.stringify({ invalid: reason }))

export const badParams = (message: string): RpcError => new RpcError(-32602, message)

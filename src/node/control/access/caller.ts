import type { IncomingMessage } from 'node:http'
import { type Scope, scopes } from '../../../api/route.ts'
import { NodeError } from '../../../errors.ts'

/** Who asks, and what he may do. */
export interface Caller {
  readonly kind: 'owner' | 'token' | 'cookie'
  readonly scope: Scope
  /** Of the token or the browser's session; absent for the owner and the token of `control.token`. */
  readonly id?: string
  /** Id of the token that it ends with; absent: it stands for itself. */
  readonly madeBy?: string
  readonly expiresAtMs: number | null
  /** Aborts once this stands no more: it was revoked, or its time is over. */
  readonly ended?: AbortSignal
}

/** Who comes through the unix socket: only this user can. */
export const owner: Caller = { kind: 'owner', scope: 'operate', expiresAtMs: null }

const callers = new WeakMap<IncomingMessage, Caller>()

/** Remembers who sent a request. */
export const setCaller = (request: IncomingMessage, caller: Caller): void =>
  void callers.set(request, caller)

/** Who sent a request; undefined for a public route. */
export const callerOf = (request: IncomingMessage): Caller | undefined => callers.get(request)

/** The token that whatever this caller makes ends with; undefined for the owner, and a browser that he signed in. */
export const makerOf = ({ kind, id, madeBy }: Caller): string | undefined =>
  kind === 'token' ? id : madeBy

/** Throws REFUSED_SCOPE for a caller that may not do this. */
export function checkScope({ scope }: Caller, needed: Scope): void {
  if (scopes.indexOf(scope) >= scopes.indexOf(needed)) return
  throw new NodeError('REFUSED_SCOPE', `this takes the scope ${needed}, and yours is ${scope}`, {
    next: `compute-node token create LABEL --scope ${needed}`,
  })
}

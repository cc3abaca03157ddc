import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Cable, ExternalLink, Plus, X } from 'lucide-react'
import { type SyntheticEvent, useState } from 'react'
import type { LeaseForward } from '../../api/lease-forwards.ts'
import type { Lease } from '../../api/leases.ts'
import { post, toldOf } from '../app/api.ts'
import { useNode } from '../app/node-data.tsx'
import { Button } from '../ui/button.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Ago } from '../ui/duration.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Field } from '../ui/field.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useToast } from '../ui/toast.tsx'
import { leasePath } from './use-leases.ts'
import './ports.css'

const EVERY_MS = 4000
const MOST_CLOSED = 5

/** Ports of the lease, made local by the node: opened, seen, closed. */
export function PortsTab({ lease }: { lease: Lease }) {
  const path = leasePath(lease.id, '/forwards')
  const { data, error, isPending, refetch } = useNode<{ items: readonly LeaseForward[] }>(path, {
    everyMs: EVERY_MS,
  })
  const forward = useForward(path)
  const close = useClose(path)
  const all = data?.items ?? []
  const open = all.filter(({ closedAtMs }) => closedAtMs === null)
  const closed = all.filter(({ closedAtMs }) => closedAtMs !== null).slice(0, MOST_CLOSED)
  const suggested = lease.ports.filter((port) => !open.some((one) => one.port === port))
  return (
    <div className="ports">
      <NewForward
        isPending={forward.isPending}
        onForward={(body) => forward.mutate(body)}
        suggested={suggested}
      />
      {isPending ? <SkeletonRows rows={2} label="Loading the forwarded ports" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data !== undefined && open.length === 0 ? (
        <EmptyState icon={<Cable aria-hidden="true" />} title="No port is forwarded">
          A port on which something listens in the lease becomes one of this machine: open it in the
          browser, or point a program at it. Nobody else can reach it.
        </EmptyState>
      ) : null}
      <ul className="ports-list" aria-label="Forwarded ports">
        {open.map((one) => (
          <li key={one.id}>
            <span className="ports-way">
              <strong className="num">{one.port}</strong>
              <span className="faint">in the lease, here</span>
              <Copyable text={one.url} what="address" />
              {one.failure === null ? null : (
                <span className="ports-failure">
                  {one.failed === 1 ? '1 connection failed' : `${one.failed} connections failed`}:{' '}
                  {one.failure}
                </span>
              )}
            </span>
            <span className="ports-actions">
              <a
                className="button button-plain"
                href={one.url}
                target="_blank"
                rel="noopener noreferrer"
              >
                <ExternalLink aria-hidden="true" />
                Open
              </a>
              <Button
                kind="quiet"
                icon={<X aria-hidden="true" />}
                label={`Close port ${one.port}`}
                onPress={() => close.mutate(one)}
              />
            </span>
          </li>
        ))}
      </ul>
      {closed.length === 0 ? null : (
        <ul className="ports-closed" aria-label="Closed ports">
          {closed.map(({ id, port, reason, closedAtMs }) => (
            <li key={id}>
              <span className="num">{port}</span> closed <Ago atMs={closedAtMs ?? 0} />
              {reason === null ? null : `: ${reason}`}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

interface Asked {
  readonly port: number
  readonly localPort?: number
}

function NewForward({
  onForward,
  isPending,
  suggested,
}: {
  onForward: (asked: Asked) => void
  isPending: boolean
  suggested: readonly number[]
}) {
  const [port, setPort] = useState('')
  const [local, setLocal] = useState('')
  const [wasSent, setSent] = useState(false)
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    setSent(true)
    if (!isPort(port) || (local !== '' && !isPort(local))) return
    onForward({ port: Number(port), ...(local === '' ? {} : { localPort: Number(local) }) })
    setSent(false)
    setPort('')
    setLocal('')
  }
  const wrong = (text: string): string | undefined =>
    !wasSent || isPort(text) ? undefined : 'a number from 1 to 65535'
  return (
    <form className="ports-new" onSubmit={submit}>
      <Field
        label="Port in the lease"
        inputMode="numeric"
        placeholder="8888"
        value={port}
        onChange={setPort}
        error={wrong(port)}
      />
      <Field
        label="Port here"
        inputMode="numeric"
        placeholder="any free one"
        value={local}
        onChange={setLocal}
        error={local === '' ? undefined : wrong(local)}
      />
      <Button type="submit" kind="primary" isPending={isPending}>
        Forward
      </Button>
      {suggested.map((one) => (
        <Button
          key={one}
          icon={<Plus aria-hidden="true" />}
          onPress={() => onForward({ port: one })}
        >
          {one}
        </Button>
      ))}
    </form>
  )
}

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

function useForward(path: string) {
  const client = useQueryClient()
  const tell = useToast()
  return useMutation({
    mutationFn: (asked: Asked) => post<LeaseForward>(path, asked),
    onSuccess: ({ port, url }) => tell({ tone: 'good', title: `Port ${port} is at ${url}` }),
    onError(error) {
      const { message, next } = toldOf(error)
      tell({ tone: 'bad', title: message, detail: next })
    },
    onSettled: () => client.invalidateQueries({ queryKey: [path] }),
  })
}

function useClose(path: string) {
  const client = useQueryClient()
  const tell = useToast()
  return useMutation({
    mutationFn: ({ id }: Pick<LeaseForward, 'id'>) =>
      post(`${path}/${encodeURIComponent(id)}/close`),
    onError: (error) => tell({ tone: 'bad', title: toldOf(error).message }),
    onSettled: () => client.invalidateQueries({ queryKey: [path] }),
  })
}

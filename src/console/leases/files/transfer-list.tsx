import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { Button } from '../../ui/button.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { bytesText } from '../../ui/format.ts'
import type { Transfer } from './transfers.ts'
import type { Transfers } from './use-transfers.ts'

/** How far each file is, and its checksum once both sides have the same. */
export function TransferList({ transfers }: { transfers: Transfers }) {
  const { items } = transfers
  if (items.length === 0) return null
  const isMoving = items.some(({ state }) => state === 'moving' || state === 'hashing')
  return (
    <section className="transfers" aria-label="Transfers">
      <header>
        <h2>Transfers</h2>
        {isMoving ? null : (
          <Button kind="quiet" onPress={transfers.forget}>
            Clear
          </Button>
        )}
      </header>
      <ul>
        {items.map((one) => (
          <li key={one.id}>
            {one.way === 'up' ? <ArrowUp aria-label="up" /> : <ArrowDown aria-label="down" />}
            <span className="transfer-name">{one.name}</span>
            <State transfer={one} />
            {one.state === 'moving' || one.state === 'hashing' ? (
              <Button
                kind="quiet"
                icon={<X aria-hidden="true" />}
                label={`Cancel ${one.name}`}
                onPress={() => transfers.cancel(one.id)}
              />
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  )
}

function State({ transfer }: { transfer: Transfer }) {
  const { state, doneBytes, totalBytes, sha256, error, name } = transfer
  if (state === 'failed') {
    return (
      <span className="transfer-bad" role="alert">
        {error?.message}
        {error?.next === undefined ? '' : `. Next: ${error.next}`}
      </span>
    )
  }
  if (state === 'cancelled')
    return <span className="faint">cancelled; nothing of it is left there</span>
  if (state === 'done') {
    return (
      <span className="transfer-done">
        {bytesText(totalBytes)}, SHA-256
        {sha256 === undefined ? null : (
          <Copyable text={sha256} shown={`${sha256.slice(0, 12)}…`} what="SHA-256" />
        )}
      </span>
    )
  }
  if (state === 'hashing') return <span className="faint">making its checksum…</span>
  return (
    <span className="transfer-moving num">
      <progress
        className="bar"
        {...(totalBytes > 0 ? { value: doneBytes / totalBytes } : {})}
        max={1}
        aria-label={`How far ${name} is`}
      />
      {bytesText(doneBytes)} of {bytesText(totalBytes)}
    </span>
  )
}

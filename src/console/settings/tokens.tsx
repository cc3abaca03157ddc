import { useMutation, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import type { AccessToken } from '../../api/access.ts'
import { post, toldOf } from '../app/api.ts'
import { useNode } from '../app/node-data.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Ago } from '../ui/duration.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useToast } from '../ui/toast.tsx'
import { TokenForm } from './token-form.tsx'
import { TOKENS_PATH } from './token-words.ts'

/** Programs that may use this node: made, listed, revoked. */
export function Tokens() {
  const [isMaking, setMaking] = useState(false)
  const { data, error, isPending, refetch } = useNode<{ readonly items: readonly AccessToken[] }>(
    TOKENS_PATH,
    { everyMs: 15_000 },
  )
  return (
    <Section title="Tokens" actions={<Button onPress={() => setMaking(true)}>New token</Button>}>
      {isPending ? <SkeletonRows rows={2} label="Loading the tokens" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data?.items.length === 0 ? (
        <EmptyState icon={<KeyRound aria-hidden="true" />} title="No program has a token">
          A token lets a program use this node over loopback, as far as its scope goes.
        </EmptyState>
      ) : (
        <ul className="tokens" aria-label="Tokens that stand">
          {data?.items.map((token) => (
            <Token key={token.id} token={token} />
          ))}
        </ul>
      )}
      <TokenForm isOpen={isMaking} onClose={() => setMaking(false)} />
    </Section>
  )
}

function Token({ token }: { readonly token: AccessToken }) {
  const { id, label, scope, createdAtMs, expiresAtMs, madeBy } = token
  const [isAsking, setAsking] = useState(false)
  const { mutate, isPending } = useRevoke(label)
  return (
    <li>
      <span className="token-label">
        <strong>{label}</strong>{' '}
        <Badge tone={scope === 'operate' ? 'warn' : 'neutral'}>{scope}</Badge>
      </span>
      <span className="soft">
        made <Ago atMs={createdAtMs} />,{' '}
        {expiresAtMs === null ? (
          'stands until it is revoked'
        ) : (
          <>
            ends <Ago atMs={expiresAtMs} />
          </>
        )}
        {madeBy === null ? null : `, with the token ${madeBy} that made it`}
      </span>
      {isAsking ? (
        <span className="token-asks">
          <Button kind="danger" isDisabled={isPending} onPress={() => mutate(id)}>
            Revoke {label}
          </Button>
          <Button kind="quiet" onPress={() => setAsking(false)}>
            Keep
          </Button>
        </span>
      ) : (
        <Button kind="quiet" label={`Revoke ${label}…`} onPress={() => setAsking(true)}>
          Revoke…
        </Button>
      )}
    </li>
  )
}

function useRevoke(label: string) {
  const client = useQueryClient()
  const tell = useToast()
  return useMutation({
    mutationFn: (id: string) => post(`${TOKENS_PATH}/${encodeURIComponent(id)}/revoke`),
    onSuccess: () => tell({ tone: 'good', title: `${label} is revoked` }),
    onError(error) {
      const { message, next } = toldOf(error)
      tell({ tone: 'bad', title: message, detail: next })
    },
    onSettled: () => void client.invalidateQueries({ queryKey: [TOKENS_PATH] }),
  })
}

import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Lease } from '../../api/leases.ts'
import { post, toldOf } from '../app/api.ts'
import { useToast } from '../ui/toast.tsx'
import { leasePath } from './use-leases.ts'

/** Does something with a lease: tells how it went, and shows what is so then. */
export function useLeaseAction(
  lease: Pick<Lease, 'id'>,
  what: 'extend' | 'pause' | 'resume' | 'stop' | 'labels',
  done: string,
  onDone?: () => void,
) {
  const client = useQueryClient()
  const tell = useToast()
  return useMutation({
    mutationFn: ({ body = {}, key }: { readonly body?: object; readonly key?: string }) =>
      post<Lease>(leasePath(lease.id, `/${what}`), body, key),
    onSuccess(now) {
      client.setQueryData([leasePath(lease.id)], now)
      void client.invalidateQueries({ queryKey: ['/v1/leases'] })
      tell({ tone: 'good', title: done })
      onDone?.()
    },
    onError(error) {
      const { message, next } = toldOf(error)
      tell({ tone: 'bad', title: message, detail: next })
    },
  })
}

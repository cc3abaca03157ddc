import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useAboutNode } from '../app/about-node.ts'
import { patch, toldOf } from '../app/api.ts'
import { useToast } from '../ui/toast.tsx'

/** Changes some of what stands under a path; what the node answers is shown at once, a failure is told. */
export function useChange<T>(path: string, done: string) {
  const client = useQueryClient()
  const tell = useToast()
  return useMutation({
    mutationFn: (body: object) => patch<T>(path, body),
    onSuccess(now) {
      client.setQueryData([path], now)
      tell({ tone: 'good', title: done })
    },
    onError(error) {
      const { message, next } = toldOf(error)
      tell({ tone: 'bad', title: message, detail: next })
    },
  })
}

/** Whether this browser may change the node; what it may not do is not offered. */
export const useMayOperate = (): boolean => useAboutNode().data?.scope === 'operate'

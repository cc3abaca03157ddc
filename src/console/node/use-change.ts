import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useAboutNode } from '../app/about-node.ts'
import { patch, toldOf } from '../app/api.ts'
import { useToast } from '../ui/toast.tsx'

export interface Change {
  /** Shows at once what the node answers; rejects with its refusal, for a place that shows it. */
  readonly save: (part: object) => Promise<unknown>
  /** The same for what has no such place: a refusal is told. */
  readonly change: (part: object) => Promise<void>
  readonly isPending: boolean
}

/** Changes some of what stands under a path; `done` is what is told then. */
export function useChange<T>(path: string, done: string): Change {
  const client = useQueryClient()
  const tell = useToast()
  const { mutateAsync: save, isPending } = useMutation({
    mutationFn: (part: object) => patch<T>(path, part),
    onSuccess(now) {
      client.setQueryData([path], now)
      tell({ tone: 'good', title: done })
    },
  })
  const told = (error: unknown): void => {
    const { message, next } = toldOf(error)
    tell({ tone: 'bad', title: message, detail: next })
  }
  return { save, isPending, change: async (part) => void (await save(part).catch(told)) }
}

/** Whether this browser may change the node; what it may not do is not offered. */
export const useMayOperate = (): boolean => useAboutNode().data?.scope === 'operate'
